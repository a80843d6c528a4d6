"""Neural ODEs in C: the forecasts of Python, in any company; and what is refused."""

import functools

import numpy as np
import pytest
import torch

import geodl
from geodl.core.surrogate import Surrogate, predict
from geodl.errors import ExportError
from geodl.testing import assert_refused
from tests.exports.folders import needs_compiler

pytestmark = needs_compiler
KINDS = {
    "bilinear": {"field": "bilinear"},
    "tanh": {"field": "mlp", "width": 9, "activation": "tanh"},
    "silu": {"field": "mlp", "width": 9, "activation": "silu", "substeps": 2},
    "gelu": {"field": "mlp", "width": 9, "activation": "gelu", "method": "heun"},
    "relu": {"field": "mlp", "width": 9, "activation": "relu", "method": "midpoint"},
}
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}  # relative to the largest value; eight steps add up the roundings


@functools.cache
def trained(kind: str, dtype: str = "float64") -> Surrogate:
    """After two epochs."""
    family = geodl.family("dynamics", **KINDS[kind])
    parts = geodl.split(family.example(0), "trajectory")
    config = geodl.FitConfig.parse({**family.settings, "epochs": 2, "line_steps": 5, "dtype": dtype})
    return geodl.fit(family, parts.train, parts.valid, config=config, seed=0, show=False)


@pytest.fixture(scope="module")
def states() -> tuple[np.ndarray, ...]:
    ds = geodl.family("dynamics").example(1)
    return tuple(ds[name].values[:, 0].copy() for name in "xyz")


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kind", KINDS)
def test_c_gives_the_forecasts_of_python(tmp_path, states, kind, dtype):
    surrogate = trained(kind, dtype)
    *ours, status = geodl.Handle(geodl.export(surrogate, tmp_path / kind))(*states)
    given = tuple(torch.from_numpy(x).to(surrogate.core.at()[0]) for x in states)
    with torch.no_grad():
        theirs = predict(surrogate.core, given)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=TOLERANCE[dtype] * float(b.abs().max()))
    np.testing.assert_array_equal(status == 0, surrogate.in_domain(given))


def test_a_state_gets_the_same_forecast_in_any_company(tmp_path, states):
    handle = geodl.Handle(geodl.export(trained("tanh"), tmp_path / "tanh"))
    for some, every in zip(handle(*(x[3:8] for x in states)), handle(*states), strict=True):
        np.testing.assert_array_equal(some, every[3:8])


def test_a_state_that_is_no_number_is_flagged_and_the_others_are_answered(tmp_path, states):
    handle = geodl.Handle(geodl.export(trained("bilinear"), tmp_path / "bilinear"))
    whole, spoilt = handle(*states), [x.copy() for x in states]
    spoilt[1][4], spoilt[2][6] = np.nan, np.inf
    *later, status = handle(*spoilt)
    assert all(np.isnan(x[[4, 6]]).all() for x in later)
    assert status[4] == status[6] == 1
    others = np.delete(np.arange(len(status)), [4, 6])
    np.testing.assert_array_equal(later[0][others], whole[0][others])


def test_integrators_that_choose_their_steps_are_refused(tmp_path):
    family = geodl.family("dynamics", field="mlp", width=4, method="dopri5")
    parts = geodl.split(family.example(0), "trajectory")
    config = geodl.FitConfig.parse({**family.settings, "epochs": 1, "line_steps": 1})
    made = geodl.fit(family, parts.train, parts.valid, config=config, seed=0, show=False)
    assert_refused(ExportError, lambda: geodl.export(made, tmp_path / "adaptive"), "'dopri5'")
