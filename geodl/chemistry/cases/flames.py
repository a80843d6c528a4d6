"""Laminar flame speeds of a chemistry beside those of the solver, in the same code."""

import numpy as np
import xarray as xr

from geodl.chemistry.cases.flame_speed import PER_PASSAGE, flame_speeds, flame_start
from geodl.chemistry.cases.fuels import Fuel
from geodl.chemistry.cases.reactor import Chemistry
from geodl.core.contract import Claim
from geodl.errors import StabilityError

LONGEST = 0.8  # of the longest time step of the training data


def speeds(chemistry: Chemistry, fuel: Fuel) -> xr.Dataset:
    """``flame_speed`` in m/s, NaN where the flame goes out; ``seconds`` in the chemistry for so many ``cells``.

    Raises:
        MissingPackageError: Cantera is not installed.
    """
    rows = np.array([_speed(chemistry, fuel, ratio) for ratio in fuel.effort.equivalence_ratios])
    names = {"flame_speed": "m s-1", "seconds": "s", "cells": "1"}
    columns = zip(names.items(), rows.T, strict=True)
    return xr.Dataset(
        {name: ("equivalence_ratio", column, {"units": units}) for (name, units), column in columns},
        {"equivalence_ratio": list(fuel.effort.equivalence_ratios)},
    )


def _speed(chemistry: Chemistry, fuel: Fuel, ratio: float) -> tuple[float, float, float]:
    """Steps are those of the flame, but no longer than what surrogates were trained on."""
    try:
        dt = min(flame_start(fuel.gas, ratio).passage / PER_PASSAGE, LONGEST * fuel.span("dt")[1])
        found = flame_speeds(chemistry, [ratio], fuel.gas, dt=dt, **fuel.effort.flame)
    except StabilityError:
        return np.nan, np.nan, np.nan
    return float(found["flame_speed"][0]), float(found["seconds"][0]), float(found["cells"].sum())


def flame_claims(found: xr.Dataset, reference: xr.Dataset, bar: float) -> list[Claim]:
    """The largest deviation of all flames; one that goes out is all wrong."""
    deviation = abs(found["flame_speed"] / reference["flame_speed"] - 1).fillna(1.0)
    ends = f"{float(deviation.equivalence_ratio.min()):g} to {float(deviation.equivalence_ratio.max()):g}"
    return [
        Claim(f"laminar flame speed, equivalence ratios {ends}: largest error", float(deviation.max()), "1",
              ("<=", bar)),
        Claim(f"laminar flame speed, equivalence ratios {ends}: median error", float(deviation.median()), "1"),
    ]  # fmt: skip
