"""Datasets larger than memory: the same prediction, block by block, when dask asks for it."""

import functools
from collections.abc import Callable, Hashable, Sequence

import xarray as xr

from geodl.core.schema import Schema

Predict = Callable[[xr.Dataset], xr.Dataset]


def is_lazy(ds: xr.Dataset, schema: Schema) -> bool:
    """Whether an input of the schema is backed by dask."""
    return any(ds[v.name].chunks is not None for v in schema.inputs if v.name in ds.variables)


def lazily(predict: Predict, ds: xr.Dataset, schema: Schema) -> xr.Dataset:
    """``predict(ds)`` with dask arrays in the result; each block of samples is computed on its own.

    The first sample is predicted at once: it shows what the result looks like, and what is wrong with the Dataset.
    """
    own = {dim for variable in schema.inputs for dim in variable.dims}
    chosen = ds[[v.name for v in schema.inputs if v.name in ds.variables]].chunk({d: -1 for d in own if d in ds.dims})
    chosen = chosen.unify_chunks()
    samples = [dim for dim in chosen.dims if dim not in own]
    first = predict(chosen.isel({dim: slice(0, 1) for dim in samples}).compute())
    template = first.map(functools.partial(_empty, like=chosen, samples=samples), keep_attrs=True).assign_coords(
        {name: coord for name, coord in chosen.coords.items() if set(coord.dims) <= set(samples)}
    )
    return xr.map_blocks(predict, chosen, template=template.assign_attrs(first.attrs))


def _empty(array: xr.DataArray, like: xr.Dataset, samples: Sequence[Hashable]) -> xr.DataArray:
    """A lazy array with the sample sizes and chunks of the whole Dataset."""
    import dask.array

    chunks = [like.chunks.get(dim, array.sizes[dim]) for dim in array.dims]
    sizes = [like.sizes[dim] if dim in like.chunks else array.sizes[dim] for dim in array.dims]
    kept = {name: coord for name, coord in array.coords.items() if not set(coord.dims) & set(samples)}
    data = dask.array.empty(sizes, chunks=chunks, dtype=array.dtype)
    return xr.DataArray(data, dims=array.dims, coords=kept, attrs=array.attrs)
