"""From what a solver wrote to what a network needs: missing axes, ε and ω, floors, and the reference anisotropy."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from geodl.core import units
from geodl.core.schema import require_dataset
from geodl.errors import SchemaError, UnitsError
from geodl.turbulence.datasets.layout import AXES, VARIABLES
from geodl.turbulence.physics.mean_flow import BETA_STAR

FLOOR = 1e-6  # of what the gradient in the cell gives
SMALL = 1e-15  # added to the floors, for cells without any gradient
DIVERGENCE, SHARE = 1e-2, 0.01  # relative divergence that counts, and the share of cells from which it is said


def complete(ds: xr.Dataset) -> xr.Dataset:
    """Everything that follows from what is there; nothing that was given is changed but what is named here.

    A two-dimensional case, with two entries along ``i`` or ``j``, gets zeros for the third. A ``nu`` without
    dimensions counts for all cells. Of ``omega`` and ``epsilon`` the missing one is ε = 0.09 k ω. Energies and
    dissipation rates that are not positive are lifted to floors that each cell gives itself, so that a block of cells
    is treated as the whole Dataset is: ω to 1e-6 |A|, k to 1e-6 ν |A|, ε to 0.09 k times the floor of ω, each plus
    1e-15. ``floored`` marks these cells. Where ``reynolds_stress`` is there, ``anisotropy`` and ``k_corrected`` follow
    from it; a cell whose stress has no positive trace gets zero and its floor.

    Dask arrays stay lazy, and then nothing is counted. Otherwise attributes tell what was met: ``floored_cells``;
    ``stressless_cells``, of a stress without positive trace; ``divergent_cells`` and ``largest_divergence``, if
    |tr A| > 1e-2 |A| in more than 1 % of the cells. The trace itself stays in the gradient. What is complete already
    comes back as it is.

    Raises:
        SchemaError: the gradient, k, or both ω and ε are missing, or a stress has two components only.
        UnitsError: ω or ε cannot be derived because units are missing or wrong.
    """
    require_dataset(ds)
    _refuse_missing(ds)
    ds = _three_dimensional(ds)
    size = _apply(_norm, ds["velocity_gradient"])
    ds = _with_floors(_with_viscosity(ds), size)
    ds = _with_dissipation(ds)
    return _with_truth(_with_divergence(ds, size))


def _refuse_missing(ds: xr.Dataset) -> None:
    if "velocity_gradient" not in ds.variables:
        raise SchemaError(
            "'velocity_gradient' is missing. Where there is a mesh, geodl.turbulence.read_openfoam(case) computes it; "
            "otherwise give dU_i/dx_j along (cell, i, j), in s-1."
        )
    if "k" not in ds.variables or not {"omega", "epsilon"} & set(ds.variables):
        raise SchemaError(
            f"'k' or both of 'omega' and 'epsilon' are missing, the Dataset has {sorted(map(str, ds.data_vars))}. "
            f"Rename with ds.rename(old='k')."
        )
    for name in {"velocity_gradient", "k", "omega", "epsilon", "nu", "reynolds_stress"} & set(ds.variables):
        if ds[name].dtype.kind not in "iuf":
            raise SchemaError(f"'{name}' has dtype {ds[name].dtype}, expected numbers: ds['{name}'].astype('float64')")
    for name in {"velocity_gradient", "reynolds_stress"} & set(ds.variables):
        _refuse_other_axes(ds[name])


def _refuse_other_axes(tensor: xr.DataArray) -> None:
    lacking = [dim for dim in ("i", "j") if dim not in tensor.dims]
    if lacking:
        raise SchemaError(
            f"'{tensor.name}' has dimensions {tensor.dims}, but {lacking} of ('i', 'j') is missing: i counts rows, "
            f"in dU_i/dx_j the components of U. Rename with ds.rename(old={lacking[0]!r})."
        )
    if not {tensor.sizes["i"], tensor.sizes["j"]} <= {2, 3}:
        raise SchemaError(f"'{tensor.name}' has sizes {dict(tensor.sizes)}: three are expected along i and j, or two")


def _three_dimensional(ds: xr.Dataset) -> xr.Dataset:
    """Zeros along the axis that a two-dimensional case leaves out; z where the axes have no names."""
    short = [dim for dim in ("i", "j") if ds.sizes.get(dim) == 2]
    if not short:
        return ds
    stresses = [name for name in ("reynolds_stress", "anisotropy") if name in ds and set(short) & set(ds[name].dims)]
    if stresses:
        raise SchemaError(
            f"'{stresses[0]}' has two components along {short[0]!r}, but turbulence has three in a two-dimensional "
            "mean flow too: give all nine entries."
        )
    ds = ds.assign_coords({dim: list(AXES[:2]) for dim in short if dim not in ds.coords})
    unknown = [str(label) for dim in short for label in ds[dim].values if label not in AXES]
    if unknown:
        raise SchemaError(f"{unknown[0]!r} is no axis: the labels along i and j are {AXES}")
    return ds.reindex({dim: list(AXES) for dim in short}, fill_value=0.0)


def _with_viscosity(ds: xr.Dataset) -> xr.Dataset:
    if "nu" not in ds.variables or ds["nu"].ndim:
        return ds
    everywhere = ds["nu"].broadcast_like(ds["k"])
    return ds.assign(nu=everywhere.assign_attrs(ds["nu"].attrs))


def _with_floors(ds: xr.Dataset, size: xr.DataArray) -> xr.Dataset:
    """Positive k, ω and ε. A value that is not a number stays one: the guard of a surrogate flags it."""
    rate = FLOOR * size + SMALL
    k, low = _lifted(ds["k"], SMALL + (FLOOR * size * ds["nu"] if "nu" in ds else 0 * size))
    made = {"k": k}
    for name, floor in (("omega", rate), ("epsilon", BETA_STAR * k * rate + SMALL**2)):
        if name in ds.variables:
            made[name], lower = _lifted(ds[name], floor)
            low = low | lower
    made["floored"] = low.assign_attrs(units="1", long_name="k, omega or epsilon was not positive and is a floor")
    return _counted(ds.assign(made), "floored_cells", low)


def _lifted(array: xr.DataArray, floor: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """The array with its floor where it is not positive, and where that was."""
    low = array <= 0
    if array.chunks is None and not low.values.any():
        return array, low
    dtype = array.dtype if array.dtype.kind == "f" else np.float64  # a floor among whole numbers would be zero
    return xr.where(low, floor.astype(dtype), array).assign_attrs(array.attrs), low


def _with_dissipation(ds: xr.Dataset) -> xr.Dataset:
    """ε = β* k ω. The factors are brought to the units of the layout first: a product has the units of none of them."""
    if "omega" not in ds.variables:
        return ds.assign(omega=_described(_in_units(ds, "epsilon") / (BETA_STAR * _in_units(ds, "k")), "omega"))
    if "epsilon" not in ds.variables:
        return ds.assign(epsilon=_described(BETA_STAR * _in_units(ds, "k") * _in_units(ds, "omega"), "epsilon"))
    return ds


def _in_units(ds: xr.Dataset, name: str) -> xr.DataArray:
    given, wanted = ds[name].attrs.get("units"), VARIABLES[name][1]
    try:
        scale, _ = units.affine(str(given), wanted) if given is not None else (None, None)
    except UnitsError as error:
        raise UnitsError(f"'{name}': {str(error).rstrip('.')}. Set ds['{name}'].attrs['units'].") from error
    if scale is None:
        raise UnitsError(f"'{name}' has no units, expected {wanted!r}. Set ds['{name}'].attrs['units'].")
    return ds[name] if scale == 1 else ds[name] * scale


def _described(array: xr.DataArray, name: str) -> xr.DataArray:
    _, unit, about = VARIABLES[name]
    return array.assign_attrs(units=unit, long_name=about)


def _with_divergence(ds: xr.Dataset, size: xr.DataArray) -> xr.Dataset:
    gradient = ds["velocity_gradient"]
    if gradient.chunks is not None:
        return ds
    trace = np.abs(_apply(_trace, gradient).values)
    divergent = trace > DIVERGENCE * size.values
    count = int(divergent.sum())
    if count <= SHARE * divergent.size:
        return ds
    largest = float((trace[divergent] / size.values[divergent]).max())
    return ds.assign_attrs(divergent_cells=count, largest_divergence=largest)


def _with_truth(ds: xr.Dataset) -> xr.Dataset:
    if "reynolds_stress" not in ds.variables:
        return ds
    stress = ds["reynolds_stress"]
    trace = _apply(_trace, stress)
    without = trace <= 0
    anisotropy = _apply(_anisotropy, stress, trace)
    k = xr.where(without, np.asarray(SMALL, stress.dtype), 0.5 * trace)
    made = {
        "anisotropy": anisotropy.assign_attrs(units="1", long_name="reference anisotropy <u_i'u_j'>/(2k) - delta_ij/3"),
        "k_corrected": k.assign_attrs({**stress.attrs, "long_name": "reference turbulent kinetic energy"}),
    }
    return _counted(ds.assign(made), "stressless_cells", without)


def _counted(ds: xr.Dataset, name: str, where: xr.DataArray) -> xr.Dataset:
    """Says how many cells these are, if any; in an attribute of the Dataset."""
    count = 0 if where.chunks is not None else int(where.sum())
    return ds.assign_attrs({name: count}) if count else ds


def _apply(function: Callable[..., np.ndarray], tensor: xr.DataArray, *scalars: xr.DataArray) -> xr.DataArray:
    """A function of tensors ``[…, i, j]`` and scalars, on numpy and on dask arrays."""
    outputs = [["i", "j"] if function is _anisotropy else []]
    inputs = [["i", "j"], *([] for _ in scalars)]
    return xr.apply_ufunc(
        function, tensor, *scalars, input_core_dims=inputs, output_core_dims=outputs, dask="parallelized",
        output_dtypes=[tensor.dtype], dask_gufunc_kwargs={"allow_rechunk": True},
    )  # fmt: skip


def _trace(tensor: np.ndarray) -> np.ndarray:
    return tensor[..., 0, 0] + tensor[..., 1, 1] + tensor[..., 2, 2]


def _norm(tensor: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("...ij,...ij->...", tensor, tensor))


def _anisotropy(stress: np.ndarray, trace: np.ndarray) -> np.ndarray:
    """b = τ/(2k) − δ/3, and zero where there is no energy to divide by."""
    without = trace <= 0
    b = stress / np.where(without, 1, trace)[..., None, None]
    for axis in range(3):
        b[..., axis, axis] -= 1 / 3
    b[without] = 0
    return b
