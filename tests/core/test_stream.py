"""Predictions of data that dask holds."""

import pytest
import xarray as xr

import geodl
from geodl.errors import DomainError, SchemaError


@pytest.fixture(scope="module")
def surrogate():
    return geodl.load("dynamics-lorenz63")


@pytest.fixture(scope="module")
def states() -> xr.Dataset:
    return geodl.open_sample("lorenz63/test").isel(trajectory=slice(0, 30))


@pytest.mark.parametrize("chunks", [{"trajectory": 7}, {"time": 4}, {"trajectory": 11, "time": 2}, {}])
def test_a_lazy_prediction_equals_the_eager_one_in_any_chunks(surrogate, states, chunks):
    lazy = surrogate(states.chunk(chunks))
    assert lazy.z.chunks is not None
    eager = surrogate(states)
    xr.testing.assert_allclose(lazy.compute(), eager, rtol=1e-12)  # a block of another size rounds otherwise
    xr.testing.assert_identical(xr.zeros_like(lazy.compute()), xr.zeros_like(eager))  # names, coordinates, attributes


def test_nothing_but_one_sample_is_computed_before_it_is_asked_for(surrogate, states):
    computed = []
    counted = xr.apply_ufunc(
        lambda x: computed.append(x.size) or x, states.chunk(trajectory=10), dask="parallelized", keep_attrs=True
    )
    surrogate(counted)
    assert sum(computed) <= 3 * (10 * states.sizes["time"] + 1)  # the first block of each variable; dask tries with 1


def test_what_does_not_fit_is_refused_before_anything_is_computed(surrogate, states):
    with pytest.raises(SchemaError, match="'z'"):
        surrogate(states.chunk().drop_vars("z"))


def test_an_outlier_in_a_later_block_is_refused_when_it_is_reached(surrogate, states):
    spoiled = states.copy(deep=True)
    spoiled["x"][29, 3] = 1e3
    lazy = surrogate(spoiled.chunk(trajectory=10), outside="raise")
    with pytest.raises(DomainError, match="'x' is 1000"):
        lazy.compute()
