"""Velocities of several models on the cells of one flow, side by side."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

BASELINE, CORRECTED, TRUTH = "baseline", "corrected", "truth"
Closure = Callable[[xr.Dataset], xr.Dataset]  # such as a geodl.Surrogate

_GEOMETRY = ("position", "volume", "wall_distance")


def compare(flow: xr.Dataset, velocities: Mapping[str, np.ndarray]) -> xr.Dataset:
    """``velocity`` [model, cell, i] in m s-1, with what the flow says of its geometry and units."""
    stacked = np.stack([np.asarray(velocity, np.float64) for velocity in velocities.values()])
    velocity = xr.Variable(("model", "cell", "i"), stacked, {"units": "m s-1", "long_name": "mean velocity U_i"})
    model = xr.Variable("model", list(velocities), {"long_name": "who computed it"})
    kept = flow[[name for name in _GEOMETRY if name in flow]]
    return kept.assign(velocity=velocity).assign_coords(model=model)


def score(values: xr.DataArray, about: str) -> xr.DataArray:
    """A dimensionless number for each model."""
    return values.reset_coords(drop=True).assign_coords(model=values["model"]).assign_attrs(units="1", long_name=about)
