"""Reference flows to train and to judge on, and surrogates trained on them."""

import dataclasses
from pathlib import Path
from typing import Any

import xarray as xr

from geodl.core.contract import family
from geodl.core.surrogate import Surrogate
from geodl.flow.data.generate import generate
from geodl.flow.data.plan import VEHICLE
from geodl.train.config import FitConfig
from geodl.train.fit import fit

TRAIN, VALID, TEST, VEHICLES = 640, 160, 400, 60
_FEW = {"train": 20, "valid": 12, "test": 12, "vehicles": 4}
_QUICK: dict[str, Any] = {"refine": 1, "batch": 12}
QUICK_UNET, QUICK_FIT = {"members": 2, "widths": [8, 12, 16]}, {"epochs": 2}


@dataclasses.dataclass(frozen=True)
class Obstacles:
    """Flows around primitives in three parts that share no body, and around vehicles, which nothing is trained on."""

    train: xr.Dataset
    valid: xr.Dataset
    test: xr.Dataset
    vehicles: xr.Dataset


def obstacles(*, quick: bool, workers: int = 2, folder: Path | None = None) -> Obstacles:
    """640 flows to train on, 160 to choose and calibrate on, 400 to judge, and 60 around vehicles.

    Args:
        folder: keeps what is finished of the generation, which goes on from there.
    """
    counts = _FEW if quick else {"train": TRAIN, "valid": VALID, "test": TEST, "vehicles": VEHICLES}
    settings: dict[str, Any] = _QUICK if quick else {}
    total = counts["train"] + counts["valid"] + counts["test"]
    parts = {name: folder / name if folder else None for name in ("primitives", "vehicles")}
    flows = generate(0, n=total, workers=workers, folder=parts["primitives"], **settings)
    drawn = generate(1, n=counts["vehicles"], kinds=VEHICLE, workers=workers, folder=parts["vehicles"], **settings)
    first, second = counts["train"], counts["train"] + counts["valid"]
    number = flows["sample"]
    return Obstacles(
        flows.isel(sample=(number < first).values),
        flows.isel(sample=((number >= first) & (number < second)).values),
        flows.isel(sample=(number >= second).values),
        drawn,
    )


def trained(
    options: dict[str, Any],
    flows: Obstacles,
    *,
    seed: int,
    quick: bool,
    device: str = "cpu",
) -> Surrogate:
    """A surrogate of the family with its own settings; quick ones are small and only show that it works."""
    small = QUICK_UNET if quick and options.get("network", "unet") == "unet" else {}
    made = family("flow", **{**small, **options})
    config = FitConfig.parse({**made.settings, "device": device, **(QUICK_FIT if quick else {})})
    return fit(made, flows.train, flows.valid, config=config, seed=seed)
