"""Flames of the solver, over the ranges of a plan, for others to start from: found once and kept."""

import functools
from pathlib import Path

import numpy as np
import xarray as xr

from geodl.chemistry.cases.flame import FlameProfile
from geodl.chemistry.cases.flame_speed import Conductivity, FlameStart, FreshGas, flame_start
from geodl.chemistry.data.plan import Plan
from geodl.core.parts import make_parts
from geodl.errors import StabilityError


def flame_starts(plan: Plan, count: int, seed: int, folder: Path | None = None) -> list[xr.Dataset]:
    """So many flames, each as `as_dataset` writes it; empty where the solver finds none.

    Args:
        seed: other mixtures for another one.
        folder: of flames that are found, with which it goes on after a stop.
    Raises:
        MissingPackageError: Cantera is not installed.
    """
    return make_parts(
        functools.partial(_drawn, plan, seed),
        [range(number, number + 1) for number in range(count)],
        identity=f"{plan.identity} {seed}",
        folder=folder,
        workers=plan.workers,
        about="flames of the solver",
    )


def _drawn(plan: Plan, seed: int, numbers: range) -> xr.Dataset:
    rng = np.random.default_rng([plan.seed, seed, *numbers])
    temperature, pressure, phi = (float(plan.draw(rng, name)) for name in ("flame_temperature", "pressure", "phi"))
    gas = FreshGas(plan.mechanism, plan.fuel, plan.oxidizer, temperature, pressure)
    try:
        start = flame_start(gas, phi, fine=False)
    except StabilityError:
        return xr.Dataset()
    return as_dataset(start).assign_attrs(temperature=temperature, equivalence_ratio=phi)


def as_dataset(start: FlameStart) -> xr.Dataset:
    """A flame as arrays [point], [point, species] and [node] of its conductivity."""
    profile, conductivity = start.profile, start.conductivity
    return xr.Dataset(
        {
            "mass": ("point", profile.mass, {"units": "kg m-2"}),
            "temperature": ("point", profile.temperature, {"units": "K"}),
            "mass_fraction": (("point", "species"), profile.mass_fraction, {"units": "1"}),
            "node": ("node", conductivity.temperature, {"units": "K"}),
            "conductivity": ("node", conductivity.values, {"units": "kg m-1 s-1"}),
            "pressure": ((), profile.pressure, {"units": "Pa"}),
            "speed": ((), start.speed, {"units": "m s-1"}),
            "density": ((), start.density, {"units": "kg m-3"}),
        }
    )


def from_dataset(ds: xr.Dataset) -> FlameStart:
    """The flame that `as_dataset` wrote."""
    mass, temperature, fraction = (ds[name].values for name in ("mass", "temperature", "mass_fraction"))
    return FlameStart(
        FlameProfile(mass, temperature, fraction, float(ds["pressure"])),
        Conductivity(ds["node"].values, ds["conductivity"].values),
        float(ds["speed"]),
        float(ds["density"]),
    )
