"""What users give to surrogates of flows: looked at before anything is computed, and completed."""

import functools
from collections.abc import Callable

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from geodl.core.schema import Schema, check
from geodl.errors import DomainError, GeometryError, SchemaError
from geodl.flow.geometry.checks import require_sign, require_signed_distance
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.signed_distance import signed_distance

PLACES = ("y", "x")
_MARGIN = 1  # cells between a body and the sides: what touches them is no body in a stream
_OF = Callable[[np.ndarray, Grid, str], np.ndarray]


def completed(ds: xr.Dataset, cells: Grid, *, by_sign: bool = False) -> xr.Dataset:
    """Signed distances as they are given, or made from the mask where there are none.

    Numbers that no body has, such as NaN, pass: a prediction flags them. What dask holds stays there.

    Args:
        by_sign: nothing of a distance is taken but its sign, as if the mask had been given.
    Raises:
        GeometryError: another grid, a mask that is none, or a distance that is negative outside of the body.
        SchemaError: a mask without y and x, or without numbers.
    """
    name = next((name for name in ("sdf", "mask") if name in ds.variables), None)
    if name is None or (name == "sdf" and not _is_field(ds[name])):
        return ds  # the schema says what is missing
    given = _ordered(ds[name])
    _require_cells(given, cells)
    if name == "mask":
        return ds.assign(sdf=_mapped(_of_mask, given, cells))
    if given.chunks is None:
        require_sign(_tensor(given))
    return ds.assign(sdf=_mapped(_of_sign, given, cells)) if by_sign else ds


def require_flows(ds: xr.Dataset, schema: Schema, cells: Grid) -> None:
    """Refuse samples that nothing can be learned from: bodies that do not stand free in the stream.

    Raises:
        SchemaError, UnitsError, NonFiniteError: the inputs do not fit the schema.
        GeometryError: no distance in m, or a body that is missing, touches a side, or blocks too much of the domain.
        DomainError: a Reynolds number that is not positive.
    """
    inputs = check(ds, schema.inputs, axes=schema.axes)
    require_signed_distance(_tensor(inputs["sdf"]), cells, margin=_MARGIN)
    if (least := float(inputs["reynolds"].min())) <= 0:
        raise DomainError(
            f"'reynolds' reaches {least:g}, expected positive numbers: U D / nu with the frontal height D"
        )


def _is_field(array: xr.DataArray) -> bool:
    return set(PLACES) <= set(array.dims) and array.dtype.kind in "biuf"


def _ordered(array: xr.DataArray) -> xr.DataArray:
    if not _is_field(array):
        raise SchemaError(
            f"'{array.name}' has dtype {array.dtype} and dimensions {tuple(array.dims)}, expected 0 and 1 along y and x"
        )
    return array.transpose(..., *PLACES)


def _tensor(array: xr.DataArray) -> Tensor:
    """Floating-point numbers of this machine."""
    ordered = array.transpose(..., *PLACES)
    kind = ordered.dtype.newbyteorder("=") if ordered.dtype in (np.float32, np.float64) else np.dtype(float)
    return torch.from_numpy(np.require(ordered.values, kind, ["C", "W"]))


def _require_cells(array: xr.DataArray, cells: Grid) -> None:
    """Refuse another grid: its size, or where its cells are."""
    rows, columns = array.shape[-2:]
    if (rows, columns) != cells.shape:
        swapped = (columns, rows) == cells.shape
        hint = "ds.rename(x='y', y='x')" if swapped else "geodl.flow.signed_distance on that grid, or with ds.interp"
        raise GeometryError(
            f"'{array.name}' has {columns} cells along x and {rows} along y, expected {cells.nx} and {cells.ny} of "
            f"{cells.spacing:g} m. Make it anew with {hint}."
        )
    for axis, centres in (("x", cells.x), ("y", cells.y)):
        seen = array[axis].values if axis in array.coords else centres
        if seen.dtype.kind not in "iuf" or not np.allclose(seen, centres, rtol=1e-6):
            raise GeometryError(
                f"'{array.name}' has {axis} from {seen[0]} to {seen[-1]}, expected the centres of cells from "
                f"{centres[0]:g} to {centres[-1]:g} m. Interpolate with ds.interp, or ds.drop_vars('{axis}') if only "
                f"the numbers along the axis are wrong."
            )


def _mapped(function: _OF, array: xr.DataArray, cells: Grid) -> xr.DataArray:
    """Signed distances in m in the place of fields, block by block where dask holds them."""
    found: xr.DataArray = xr.apply_ufunc(
        functools.partial(_each, function=function, cells=cells),
        array,
        input_core_dims=[PLACES],
        output_core_dims=[PLACES],
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.float64],
    )
    return found.assign_attrs(units="m", long_name="signed distance to the body")


def _each(fields: np.ndarray, *, function: _OF, cells: Grid) -> np.ndarray:
    flat = fields.reshape(-1, *fields.shape[-2:])
    found = np.empty(flat.shape)
    for index, field in enumerate(flat):
        found[index] = function(field, cells, f"sample {index}")
    return found.reshape(fields.shape)


def _of_mask(mask: np.ndarray, cells: Grid, sample: str) -> np.ndarray:
    try:
        found = signed_distance(mask.astype(float), cells).numpy()
    except GeometryError as error:
        raise GeometryError(f"{sample}: {error}") from error
    if all(side.all() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1])):
        raise GeometryError(f"{sample}: the mask is 1 all along the sides of the domain, expected 1 in the body only")
    return found


def _of_sign(sdf: np.ndarray, cells: Grid, sample: str) -> np.ndarray:
    """By the cells that are solid; what has none, or is not finite, stays as it is."""
    solid = sdf <= 0
    if not np.isfinite(sdf).all() or solid.all() or not solid.any():
        return sdf
    return _of_mask(solid, cells, sample)
