"""Datasets become tensors in schema order and come back the same, whatever the order of their dimensions."""

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from geodl.core.pack import pack, samples_of, unpack
from geodl.core.schema import Axis, Schema, Variable
from geodl.errors import SchemaError
from geodl.testing import assert_refused

LEVEL = Axis("level", (10.0, 20.0, 30.0), "m", "height")
A = Variable("a", "K", "scalar")
B = Variable("b", "m", "profile", dims=("level",))
SCHEMA = Schema((A, B), (), (LEVEL,))


def numbered(sizes: dict[str, int]) -> np.ndarray:
    """Every entry differs, so that no exchange goes unseen."""
    return np.arange(np.prod(list(sizes.values()), dtype=int), dtype=np.float64).reshape(tuple(sizes.values()))


@st.composite
def datasets(draw):
    """One to three sample dimensions in any order; the scalar may lack some, and is then broadcast."""
    sizes = draw(st.dictionaries(st.sampled_from(["case", "time", "cell"]), st.integers(1, 4), min_size=1))
    of_a = {dim: sizes[dim] for dim in draw(st.permutations(list(sizes)))[: draw(st.integers(0, len(sizes)))]}
    of_b = {dim: {**sizes, "level": 3}[dim] for dim in draw(st.permutations([*sizes, "level"]))}
    arrays = {"a": (tuple(of_a), numbered(of_a)), "b": (tuple(of_b), 1000 + numbered(of_b))}
    coords = {dim: 10 * np.arange(size) for dim, size in sizes.items()} | {"level": list(LEVEL.labels)}
    return xr.Dataset(arrays, coords)


@given(datasets(), st.sampled_from([torch.float32, torch.float64]))
def test_pack_and_unpack_give_the_dataset_again(ds, dtype):
    samples = samples_of(ds, [A, B])
    again = unpack(pack(ds, [A, B], dtype), [A, B], SCHEMA, samples)
    for name in ("a", "b"):
        expected = ds[name].broadcast_like(ds["b"].isel(level=0, drop=True)) if name == "a" else ds[name]
        xr.testing.assert_equal(again[name].transpose(*expected.dims), expected.astype(again[name].dtype))
    assert again["a"].attrs == {"units": "K", "long_name": "scalar"}
    assert again["level"].attrs == {"units": "m", "long_name": "height"}


@given(datasets())
def test_the_same_row_of_every_tensor_is_the_same_sample(ds):
    a, b = pack(ds, [A, B], torch.float64)
    samples = samples_of(ds, [A, B])
    for row in range(samples.count):
        where = dict(zip(samples.sizes, map(int, np.unravel_index(row, tuple(samples.sizes.values()))), strict=True))
        assert float(a[row]) == float(ds["a"].isel({d: i for d, i in where.items() if d in ds["a"].dims}))
        assert b[row].tolist() == ds["b"].isel(where).values.tolist()


def test_the_last_sample_dimension_runs_fastest_in_order_of_appearance():
    ds = xr.Dataset({"a": (("time", "case"), numbered({"time": 2, "case": 3}))})
    assert pack(ds, [A])[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert list(samples_of(ds, [A]).sizes) == ["time", "case"]


def test_a_single_sample_without_dimensions_is_one_row():
    ds = xr.Dataset({"a": 5.0, "b": ("level", [1.0, 2.0, 3.0])})
    a, b = pack(ds, [A, B])
    assert a.tolist() == [5.0]
    assert b.tolist() == [[1.0, 2.0, 3.0]]
    back = unpack((a, b), [A, B], SCHEMA, samples_of(ds, [A, B]))
    assert back["a"].shape == ()
    assert float(back["a"]) == 5.0


def test_dask_arrays_give_the_same_tensors():
    pytest.importorskip("dask")
    ds = xr.Dataset({"a": (("x",), numbered({"x": 7})), "b": (("level", "x"), numbered({"level": 3, "x": 7}))})
    for lazy, eager in zip(pack(ds.chunk({"x": 2, "level": 1}), [A, B]), pack(ds, [A, B]), strict=True):
        assert torch.equal(lazy, eager)


def test_every_coordinate_of_the_samples_comes_back_and_no_other():
    ds = xr.Dataset(
        {"b": (("x", "level"), numbered({"x": 2, "level": 3}))},
        {"x": [4, 5], "name": ("x", ["p", "q"]), "run": 7, "level": [10.0, 20.0, 30.0], "code": ("level", [1, 2, 3])},
    )
    back = unpack(pack(ds, [B]), [B], SCHEMA, samples_of(ds, [B]))
    assert back["name"].values.tolist() == ["p", "q"]
    assert int(back["run"]) == 7
    assert "code" not in back.coords


def test_tensors_share_no_memory_with_the_users_array():
    ds = xr.Dataset({"a": (("x",), np.zeros(3))})
    pack(ds, [A], torch.float64)[0].fill_(1)
    assert ds["a"].values.tolist() == [0, 0, 0]


def test_a_dimension_cannot_be_samples_here_and_values_there():
    ds = xr.Dataset({"a": (("level",), np.zeros(3)), "b": (("level",), np.zeros(3))})
    assert_refused(SchemaError, lambda: samples_of(ds, [A, B]), "'level'")
