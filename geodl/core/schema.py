"""What goes in and what comes out: names, units, dimensions and bounds, and the check of a Dataset against them."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from geodl.core import units
from geodl.errors import DomainError, NonFiniteError, SchemaError, UnitsError, did_you_mean

SCALES = ("standard", "components", "isotropic", "log", "ln", "box-cox", "none", "tensor")


@dataclasses.dataclass(frozen=True)
class Axis:
    """A trailing dimension with known labels: species, tensor components, lead times."""

    name: str
    labels: tuple[Any, ...]
    units: str = "1"
    about: str = ""

    @property
    def size(self) -> int:
        return len(self.labels)


@dataclasses.dataclass(frozen=True)
class Variable:
    """One quantity of a schema.

    ``dims`` are the trailing dimensions of one sample; all others of a Dataset are sample dimensions.
    ``low`` and ``high`` are the bounds of physics, not of the training data.
    ``scale`` names how a network sees it: one of ``SCALES``; "tensor" is as it is, like "none", and says that the
    components belong together, so that an error is the length of the difference.
    """

    name: str
    units: str
    about: str
    dims: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    scale: str = "standard"

    def __post_init__(self) -> None:
        units.parse(self.units)
        if self.scale not in SCALES:
            raise SchemaError(f"'{self.name}' has scale {self.scale!r}. {did_you_mean(self.scale, SCALES)}")
        if not self.low < self.high:
            raise SchemaError(f"'{self.name}' has low {self.low} and high {self.high}: low must be below high")

    @property
    def bounded(self) -> bool:
        """Whether physics bounds it on any side."""
        return self.low > -math.inf or self.high < math.inf


@dataclasses.dataclass(frozen=True)
class Schema:
    """Inputs and outputs in the order in which tensors are handed over, and the axes that they share.

    ``diagnostics`` are what a network says of its own outputs, such as the spread of an ensemble: there is no truth
    for them, and nothing is trained on them.
    """

    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    axes: tuple[Axis, ...] = ()
    diagnostics: tuple[Variable, ...] = ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        return (*self.inputs, *self.outputs)

    def axis(self, name: str) -> Axis | None:
        return next((axis for axis in self.axes if axis.name == name), None)

    def shape(self, variable: Variable) -> tuple[int | None, ...]:
        """Sizes of the trailing dimensions; None where any size will do."""
        return tuple(axis.size if (axis := self.axis(dim)) else None for dim in variable.dims)

    def describe(self) -> dict[str, Any]:
        """The schema as plain JSON values."""
        return {
            "inputs": [_jsonable(variable) for variable in self.inputs],
            "outputs": [_jsonable(variable) for variable in self.outputs],
            "axes": [_jsonable(axis) for axis in self.axes],
            **({"diagnostics": [_jsonable(variable) for variable in self.diagnostics]} if self.diagnostics else {}),
        }


def without_words(described: Mapping[str, Any]) -> dict[str, Any]:
    """A described schema without its explanations: what two schemas must share to be the same."""
    return {
        part: [{key: value for key, value in item.items() if key != "about"} for item in items]
        for part, items in described.items()
    }


def _jsonable(item: Variable | Axis) -> dict[str, Any]:
    values = dataclasses.asdict(item)
    return {
        key: list(value) if isinstance(value, tuple) else str(value) if value in (math.inf, -math.inf) else value
        for key, value in values.items()
    }


def check(
    ds: xr.Dataset,
    variables: Sequence[Variable],
    *,
    axes: Iterable[Axis] = (),
    finite: bool = True,
) -> xr.Dataset:
    """The variables asked for, in schema units, trailing dimensions last; everything else refused by name.

    Dimensions are matched by name, so a transposed array is welcome. Coordinates and attributes are kept.
    With ``finite=False`` NaN, infinities and values outside physical bounds pass, for the guard to flag.

    Raises:
        SchemaError: a variable or dimension is missing, empty, of the wrong size, or not numeric.
        UnitsError: units are missing, unknown, or not convertible.
        NonFiniteError: NaN or infinite values.
        DomainError: values outside the physical bounds of a variable.
    """
    known = {axis.name: axis for axis in axes}
    require_dataset(ds)
    checked = {variable.name: _checked(ds, variable, known) for variable in variables}
    if finite:
        for variable in variables:
            refuse_non_finite(checked[variable.name])
            _refuse_unphysical(checked[variable.name], variable)
    return xr.Dataset(checked, attrs=ds.attrs)


def require_dataset(ds: object) -> None:
    """Refuse a path, an array or whatever else was given in the place of a Dataset.

    Raises:
        SchemaError: it is not a Dataset.
    """
    if not isinstance(ds, xr.Dataset):
        raise SchemaError(
            f"a {type(ds).__name__} was given, expected an xarray.Dataset. "
            f"Read a file with geodl.open_data(path); make one of arrays with xr.Dataset({{name: array}})."
        )


def _checked(ds: xr.Dataset, variable: Variable, axes: dict[str, Axis]) -> xr.DataArray:
    if variable.name not in ds.variables:
        raise SchemaError(
            f"variable '{variable.name}' ({variable.about}) is missing. "
            f"{did_you_mean(variable.name, map(str, ds.variables))} Rename with ds.rename(old='{variable.name}')."
        )
    array = _numeric(ds[variable.name], variable)
    array = _aligned(array, variable, axes)
    if array.size == 0:
        raise SchemaError(
            f"'{variable.name}' is empty: its sizes are {dict(array.sizes)}, expected at least one entry along each. "
            f"Look at what was selected before."
        )
    return _converted(array, variable)


def _numeric(array: xr.DataArray, variable: Variable) -> xr.DataArray:
    if array.dtype.kind not in "iuf":
        raise SchemaError(
            f"'{variable.name}' has dtype {array.dtype}, expected numbers. "
            f"Convert it with ds['{variable.name}'].astype('float64')."
        )
    native = array.dtype.newbyteorder("=")
    return array.astype(native if native.kind == "f" else np.float64, copy=False)


def _aligned(array: xr.DataArray, variable: Variable, axes: dict[str, Axis]) -> xr.DataArray:
    missing = [dim for dim in variable.dims if dim not in array.dims]
    if missing:
        raise SchemaError(
            f"'{variable.name}' has dimensions {tuple(array.dims)}, but {missing} of {variable.dims} is missing. "
            f"Rename a dimension with ds.rename_dims(old='{missing[0]}')."
        )
    foreign = [dim for dim in array.dims if dim in axes and dim not in variable.dims]
    if foreign:
        raise SchemaError(
            f"'{variable.name}' has dimensions {tuple(array.dims)}, among them '{foreign[0]}', which it must not have: "
            f"expected sample dimensions, then {variable.dims or 'none'}. "
            f"Select one entry with ds.isel({foreign[0]}=0)."
        )
    for dim in variable.dims:
        if dim in axes:
            array = _labelled(array, variable, axes[dim])
    return array.transpose(..., *variable.dims)


def _labelled(array: xr.DataArray, variable: Variable, axis: Axis) -> xr.DataArray:
    """Entries in the order of the axis: by label where the Dataset has labels, by position otherwise."""
    if axis.name in array.coords and isinstance(axis.labels[0], str):
        present = [str(label) for label in array[axis.name].values]
        absent = [label for label in axis.labels if label not in present]
        if absent:
            raise SchemaError(
                f"'{variable.name}' lacks {absent[0]!r} along '{axis.name}'. {did_you_mean(absent[0], present)}"
            )
        twice = [label for label in axis.labels if present.count(label) > 1]
        if twice:
            raise SchemaError(
                f"'{variable.name}' has {twice[0]!r} {present.count(twice[0])} times along '{axis.name}', "
                f"expected once. Drop the copies with ds.drop_duplicates('{axis.name}')."
            )
        order = [present.index(label) for label in axis.labels]
        return array if order == list(range(len(present))) else array.isel({axis.name: order})
    if array.sizes[axis.name] != axis.size:
        raise SchemaError(
            f"'{variable.name}' has {array.sizes[axis.name]} entries along '{axis.name}', expected {axis.size}: "
            f"{axis.labels}"
        )
    if axis.name in array.coords and not np.allclose(array[axis.name].values, np.asarray(axis.labels), rtol=1e-6):
        raise SchemaError(
            f"'{variable.name}' has {array[axis.name].values.tolist()} along '{axis.name}', expected {axis.labels}. "
            f"Interpolate or select with ds.interp or ds.sel, or drop the coordinate if only its labels are wrong."
        )
    return array


def _converted(array: xr.DataArray, variable: Variable) -> xr.DataArray:
    given = array.attrs.get("units")
    if given is None:
        raise UnitsError(
            f"'{variable.name}' has no units, expected {variable.units!r} or what converts to it. "
            f"Set ds['{variable.name}'].attrs['units']."
        )
    try:
        scale, offset = units.affine(str(given), variable.units)
    except UnitsError as error:
        raise UnitsError(
            f"'{variable.name}': {str(error).rstrip('.')}. Set ds['{variable.name}'].attrs['units']."
        ) from error
    attrs = {**array.attrs, "units": variable.units}
    if (scale, offset) != (1.0, 0.0):
        array = array * scale + offset
    return array.assign_attrs(attrs)


def refuse_non_finite(array: xr.DataArray) -> None:
    """Pass only numbers.

    Raises:
        NonFiniteError: names the variable and the first entry that is NaN, infinite or masked.
    """
    bad = ~np.isfinite(array.values)
    if bad.any():
        first = dict(zip(array.dims, map(int, np.argwhere(bad)[0]), strict=True))
        raise NonFiniteError(
            f"'{array.name}' has {int(bad.sum())} of {bad.size} values that are NaN, infinite or masked, "
            f"the first at {first}. Drop them (ds.dropna) or fill them before training."
        )


def _refuse_unphysical(array: xr.DataArray, variable: Variable) -> None:
    values = array.values
    for bound, worst, beyond in (
        (variable.low, values.min(), values.min() < variable.low),
        (variable.high, values.max(), values.max() > variable.high),
    ):
        if beyond:
            raise DomainError(
                f"'{variable.name}' reaches {worst:g} {variable.units}, beyond the physical bound {bound:g}. "
                f"Check its units ({variable.units!r} expected) and its fill values."
            )
