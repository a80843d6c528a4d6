"""Time per cell of kinetics of air, end to end, on states that boxes come through."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
import xarray as xr

from geodl.chemistry.atmosphere.box import DAY, AirChemistry, Boxes, daylight
from geodl.chemistry.cases.turns import in_turns, per_call

BATCH = 1024  # cells, for which an emulator costs little more than its arithmetic


@dataclasses.dataclass(frozen=True)
class AirCells:
    """Cells with one row each: K, Pa, mol m-3 [cell, species], share of the shipped light, mol m-3 s-1."""

    temperature: np.ndarray
    pressure: np.ndarray
    concentration: np.ndarray
    photolysis: np.ndarray
    emission: np.ndarray

    def __len__(self) -> int:
        return len(self.temperature)


def visited(run: xr.Dataset, boxes: Boxes, count: int = BATCH, *, dt: float = 300.0, seed: int = 0) -> AirCells:
    """States of a roll-out drawn at random, in the order of their time of day.

    That is fair to solvers: neighbours share their time steps, and wait for the worst of them.
    """
    rng = np.random.default_rng(seed)
    hour, box = rng.integers(1, run.sizes["time"], count), rng.integers(len(boxes), size=count)
    order = np.argsort(run["time"].values[hour] % DAY, kind="stable")
    hour, box = hour[order], box[order]
    return AirCells(
        temperature=boxes.temperature[box],
        pressure=boxes.pressure[box],
        concentration=run["concentration"].values[hour, box],
        photolysis=boxes.sunlight[box] * daylight(run["time"].values[hour] + dt / 2),
        emission=boxes.emission[box],
    )


def interleaved(
    contestants: Mapping[str, AirChemistry], cells: AirCells, *, dt: float = 300.0, repeats: int = 7
) -> dict[str, float]:
    """Median µs per cell of each, in turn so that all see the same machine; the first is not counted.

    Of solvers without what it takes to hand cells over to them.
    """
    runs = {name: functools.partial(_seconds, chemistry, cells, dt) for name, chemistry in contestants.items()}
    return {name: 1e6 * seconds / len(cells) for name, seconds in in_turns(runs, repeats).items()}


def _seconds(chemistry: AirChemistry, cells: AirCells, dt: float) -> float:
    advance = functools.partial(
        chemistry.advance, cells.temperature, cells.pressure, cells.concentration, dt,
        photolysis=cells.photolysis, emission=cells.emission,
    )  # fmt: skip
    if hasattr(chemistry, "seconds"):
        return per_call(advance, lambda: float(chemistry.seconds))
    return per_call(advance)
