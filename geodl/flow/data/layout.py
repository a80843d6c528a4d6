"""The layout of flows in a file: names, dimensions, units and words."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from geodl.flow.geometry.grid import Grid

_FIELDS = {
    "sdf": ("m", "signed distance to the body, positive in the fluid"),
    "mask": ("1", "1 in the body, 0 in the fluid"),
    "u": ("1", "velocity along x over the inflow speed"),
    "v": ("1", "velocity along y over the inflow speed"),
    "p": ("1", "pressure over density times the square of the inflow speed, zero mean at the outlet"),
}
_NUMBERS = {
    "reynolds": ("1", "inflow speed times frontal height over kinematic viscosity"),
    "frontal_height": ("m", "extent of the body across the stream"),
    "drag": ("1", "drag coefficient, 2 F / (density U2 frontal height)"),
    "lift": ("1", "lift coefficient, 2 F / (density U2 frontal height)"),
    "converged": ("1", "whether the flow became steady"),
    "seed": ("1", "seed that shape and Reynolds number were drawn from"),
}
_LABELS = {"sample": "number of the sample", "shape": "kind of the body"}


def flow_dataset(
    values: Mapping[str, np.ndarray],
    grid: Grid,
    *,
    attrs: Mapping[str, Any],
    words: Mapping[str, tuple[str, str]] | None = None,
) -> xr.Dataset:
    """Flows on a grid as a CF Dataset.

    Args:
        values: fields [sample, y, x], and numbers or labels [sample]; "sample" and "shape" become coordinates.
        words: units and long name where they are not those of the family.
    Returns:
        Fields and numbers in single precision, the mask and what is a count as they are.
    """
    known = {**_FIELDS, **_NUMBERS, **{name: ("", about) for name, about in _LABELS.items()}, **(words or {})}
    variables = {name: _variable(array, *known[name]) for name, array in values.items()}
    for axis, centres in (("x", grid.x), ("y", grid.y)):
        about = {"units": "m", "long_name": f"{axis} of the cell centre", "axis": axis.upper()}
        variables[axis] = xr.Variable(axis, centres, about)
    coords = {name: variables.pop(name) for name in (*_LABELS, "x", "y") if name in variables}
    return xr.Dataset(variables, coords, {"Conventions": "CF-1.11", **attrs})


def _variable(array: np.ndarray, units: str, about: str) -> xr.Variable:
    dims = ("sample", "y", "x")[: array.ndim]
    single = array.astype(np.float32) if array.dtype.kind == "f" else array
    return xr.Variable(dims, single, {**({"units": units} if units else {}), "long_name": about})
