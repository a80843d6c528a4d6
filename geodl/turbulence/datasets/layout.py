"""The one layout of the family: names, units and dimensions of a flow, and flows side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from geodl.errors import SchemaError, ShapeError, UnknownNameError, did_you_mean

AXES = ("x", "y", "z")
VECTOR, TENSOR = ("i",), ("i", "j")

# name: trailing dimensions, units, long name
VARIABLES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "velocity": (VECTOR, "m s-1", "mean velocity U_i of the RANS"),
    "velocity_gradient": (TENSOR, "s-1", "gradient dU_i/dx_j of the RANS velocity"),
    "k": ((), "m2 s-2", "turbulent kinetic energy of the RANS"),
    "omega": ((), "s-1", "specific dissipation rate of the RANS"),
    "epsilon": ((), "m2 s-3", "dissipation rate of turbulent kinetic energy of the RANS"),
    "eddy_viscosity": ((), "m2 s-1", "kinematic eddy viscosity of the RANS"),
    "pressure": ((), "m2 s-2", "kinematic pressure of the RANS"),
    "pressure_gradient": (VECTOR, "m s-2", "gradient of the kinematic pressure of the RANS"),
    "k_gradient": (VECTOR, "m s-2", "gradient of the turbulent kinetic energy of the RANS"),
    "nu": ((), "m2 s-1", "kinematic viscosity"),
    "wall_distance": ((), "m", "distance to the nearest wall"),
    "position": (VECTOR, "m", "cell centre"),
    "volume": ((), "m3", "cell volume"),
    "reynolds_stress": (TENSOR, "m2 s-2", "reference Reynolds stress <u_i'u_j'>"),
    "velocity_truth": (VECTOR, "m s-1", "reference mean velocity"),
    "velocity_gradient_truth": (TENSOR, "s-1", "gradient dU_i/dx_j of the reference velocity"),
    "valid_les": ((), "1", "reference energy above 1e-4 of its mean over the flow"),
    "valid_clean": ((), "1", "valid_les and a realizable reference stress"),
}

_SIX = [[0, 1, 2], [1, 3, 4], [2, 4, 5]]  # xx xy xz yy yz zz as a symmetric matrix
ENERGY, ROUNDING = 1e-4, 1e-3  # of the two masks


def flow_dataset(
    flow: str,
    variables: Mapping[str, np.ndarray | float],
    *,
    unit_system: str,
    family: str = "other",
    shape: Sequence[int] | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """One flow in the layout of the family.

    Args:
        flow: name of the flow, the group of a split.
        variables: arrays ``[cell, …]`` by the names in ``VARIABLES``; a number stands for all cells.
        unit_system: which length and which velocity stand for 1 m and 1 m/s.
        family: kind of the flow, such as hill or duct.
        shape: sizes (slow, fast) of a structured grid; without, row and column are -1.
        attrs: title, source, licence and citation.
    Raises:
        UnknownNameError: a variable that the layout does not have.
        ShapeError: an array of another shape than its name asks for, or another number of cells.
    """
    cells = _cells(flow, variables)
    arrays = {name: _variable(flow, name, values, cells) for name, values in variables.items()}
    row, column = _structured(flow, cells, shape)
    coords = {
        "flow": ("cell", np.full(cells, flow), {"long_name": "name of the flow"}),
        "family": ("cell", np.full(cells, family), {"long_name": "kind of the flow"}),
        "row": ("cell", row, {"long_name": "slow index of the structured grid, -1 where there is none"}),
        "column": ("cell", column, {"long_name": "fast index of the structured grid, -1 where there is none"}),
        **_axes({dim for array in arrays.values() for dim in array.dims}),
    }
    return xr.Dataset(arrays, coords, {"Conventions": "CF-1.11", **(attrs or {}), "unit_system": unit_system})


def stored(arrays: Mapping[str, str]) -> dict[str, tuple[int, ...] | None]:
    """The shapes, without the cells, that arrays of a file have; ``arrays`` is their name by that of the variable."""
    return {array: tuple(3 for _ in VARIABLES[name][0]) for name, array in arrays.items()}


def _cells(flow: str, variables: Mapping[str, np.ndarray | float]) -> int:
    for name in variables:
        if name not in VARIABLES:
            raise UnknownNameError(f"flow {flow!r} brings {name!r}. {did_you_mean(name, VARIABLES)}")
    sizes = {name: np.shape(values)[0] for name, values in variables.items() if np.ndim(values)}
    if len(set(sizes.values())) != 1:
        raise ShapeError(f"the variables of flow {flow!r} have different numbers of cells: {sizes}")
    return next(iter(sizes.values()))


def _variable(flow: str, name: str, values: np.ndarray | float, cells: int) -> xr.Variable:
    dims, units, about = VARIABLES[name]
    shape = (cells, *(3 for _ in dims))
    array = np.full(cells, values) if np.ndim(values) == 0 else np.asarray(values)
    if array.shape != shape:
        axes = ", ".join(("cell", *dims))
        raise ShapeError(f"'{name}' of flow {flow!r} has shape {array.shape}, expected {shape}: [{axes}]")
    return xr.Variable(("cell", *dims), array, {"units": units, "long_name": about})


def _structured(flow: str, cells: int, shape: Sequence[int] | None) -> tuple[np.ndarray, np.ndarray]:
    if shape is None:
        nowhere = np.full(cells, -1, np.int32)
        return nowhere, nowhere
    slow, fast = map(int, shape)
    if slow * fast != cells:
        raise ShapeError(f"flow {flow!r} has {cells} cells, its grid of {slow} x {fast} has {slow * fast}")
    row, column = np.divmod(np.arange(cells, dtype=np.int32), np.int32(fast))
    return row, column


def _axes(dims: set[Any]) -> dict[str, Any]:
    about = {"i": "component of a vector, row of a tensor", "j": "column of a tensor"}
    return {dim: (dim, list(AXES), {"long_name": about[dim]}) for dim in TENSOR if dim in dims}


def symmetric(six: Float[np.ndarray, "cell 6"]) -> Float[np.ndarray, "cell 3 3"]:
    """Symmetric tensors from their entries xx xy xz yy yz zz."""
    return six[:, _SIX]


def masks(reynolds_stress: Float[np.ndarray, "cell 3 3"]) -> dict[str, Bool[np.ndarray, "cell"]]:
    """Where the reference of one flow can be trusted.

    Returns:
        valid_les, k > 1e-4 of its mean, the mask of published scores; and valid_clean, where the anisotropy is also
        realizable: its eigenvalues lie in [-1/3, 2/3] to 1e-3.
    """
    tau = reynolds_stress.astype(np.float64)
    k = np.trace(tau, axis1=1, axis2=2) / 2
    valid = k > ENERGY * k.mean()
    eigenvalues = np.linalg.eigvalsh(tau[valid] / (2 * k[valid, None, None])) - 1 / 3
    clean = valid.copy()
    clean[valid] = (eigenvalues[:, 0] >= -1 / 3 - ROUNDING) & (eigenvalues[:, 2] <= 2 / 3 + ROUNDING)
    return {"valid_les": valid, "valid_clean": clean}


def join(datasets: Sequence[xr.Dataset], *, common_only: bool = False) -> xr.Dataset:
    """Flows one after the other along ``cell``; attributes that differ are listed.

    Args:
        common_only: leave out what not every flow has.
    Raises:
        SchemaError: no Dataset, a variable that one of them lacks, or other components along i and j.
    """
    if not datasets:
        raise SchemaError("no Dataset was given to join: bring at least one")
    common = set.intersection(*(set(ds.variables) for ds in datasets))
    chosen = [ds.drop_vars([name for name in ds.variables if name not in common]) for ds in datasets]
    if not common_only:
        _refuse_missing(datasets, common)
    try:
        joined = xr.concat(chosen, "cell", coords="minimal", compat="override", join="exact", combine_attrs="override")
    except ValueError as error:  # other labels along i or j
        raise SchemaError(f"the flows cannot be joined: {error}") from error
    return joined.assign_attrs(_attributes(datasets))


def _refuse_missing(datasets: Sequence[xr.Dataset], common: set[Any]) -> None:
    for name in (name for ds in datasets for name in ds.variables if name not in common):
        lacking = next(number for number, ds in enumerate(datasets) if name not in ds.variables)
        raise SchemaError(
            f"'{name}' is missing in {_name(datasets[lacking])} (Dataset number {lacking}), others have it. "
            f"Add it there, or say common_only=True to keep what all have."
        )


def _name(ds: xr.Dataset) -> str:
    return f"flow {ds['flow'].values[0]!s}" if "flow" in ds.coords and ds.sizes.get("cell") else "one Dataset"


def _attributes(datasets: Sequence[xr.Dataset]) -> dict[str, Any]:
    """Each attribute once; where the flows differ, their different texts one after the other."""
    attrs: dict[str, Any] = {}
    for key in dict.fromkeys(key for ds in datasets for key in ds.attrs):
        values = list(dict.fromkeys(str(ds.attrs[key]) for ds in datasets if key in ds.attrs))
        attrs[str(key)] = datasets[0].attrs.get(key, values[0]) if len(values) == 1 else "; ".join(values)
    return attrs
