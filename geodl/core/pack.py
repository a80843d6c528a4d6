"""Dataset to tensors and back, in schema order: the only place where xarray meets torch."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from geodl.core.schema import Schema, Variable
from geodl.errors import SchemaError


@dataclasses.dataclass(frozen=True)
class Samples:
    """The sample dimensions of a Dataset: their sizes in order, and every coordinate along them."""

    sizes: Mapping[str, int]
    coords: Mapping[str, xr.Variable]

    @property
    def count(self) -> int:
        return math.prod(self.sizes.values())


def samples_of(ds: xr.Dataset, variables: Sequence[Variable]) -> Samples:
    """Sample dimensions of checked variables: all that no variable claims as its own, in order of appearance.

    Raises:
        SchemaError: two variables disagree on which sample dimensions there are and cannot be broadcast.
    """
    sizes: dict[str, int] = {}
    for variable in variables:
        array = ds[variable.name]
        sizes |= {str(dim): array.sizes[dim] for dim in array.dims if dim not in variable.dims}
    clash = [dim for variable in variables for dim in variable.dims if dim in sizes]
    if clash:
        raise SchemaError(f"'{clash[0]}' is a dimension of the samples in one variable and of the values in another")
    coords = {str(name): c.variable for name, c in ds.coords.items() if set(c.dims) <= set(sizes)}
    return Samples(sizes, coords)


def pack(
    ds: xr.Dataset,
    variables: Sequence[Variable],
    dtype: torch.dtype = torch.float32,
    *,
    samples: Samples | None = None,
) -> tuple[Tensor, ...]:
    """One contiguous tensor ``[sample, *dims]`` per variable; samples in the order of ``samples`` or ``samples_of``."""
    samples = samples or samples_of(ds, variables)
    return tuple(_tensor(ds[variable.name], variable, samples, dtype) for variable in variables)


def _tensor(array: xr.DataArray, variable: Variable, samples: Samples, dtype: torch.dtype) -> Tensor:
    absent = {dim: size for dim, size in samples.sizes.items() if dim not in array.dims}
    array = array.expand_dims(absent) if absent else array
    array = array.transpose(*samples.sizes, *variable.dims)
    sizes = tuple(array.sizes[dim] for dim in variable.dims)
    values = np.asarray(array.values, dtype=_NUMPY[dtype]).reshape(samples.count, *sizes)
    return torch.from_numpy(np.array(values, order="C"))  # a copy: the user's array is never shared with a network


_NUMPY = {torch.float32: np.float32, torch.float64: np.float64}


def unpack(tensors: Sequence[Tensor], variables: Sequence[Variable], schema: Schema, samples: Samples) -> xr.Dataset:
    """Tensors ``[sample, *dims]`` back to a Dataset with the coordinates of the samples and of the schema's axes."""
    arrays = {
        variable.name: _labelled(tensor, variable, samples) for variable, tensor in zip(variables, tensors, strict=True)
    }
    used = {dim for variable in variables for dim in variable.dims}
    axes = {
        axis.name: (axis.name, np.asarray(axis.labels), {"units": axis.units, "long_name": axis.about})
        for axis in schema.axes
        if axis.name in used
    }
    return xr.Dataset(arrays, coords={**samples.coords, **axes})


def _labelled(
    tensor: Tensor, variable: Variable, samples: Samples
) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
    shape = (*samples.sizes.values(), *tensor.shape[1:])
    attrs = {"units": variable.units, "long_name": variable.about}
    return (*samples.sizes, *variable.dims), tensor.detach().cpu().numpy().reshape(shape), attrs
