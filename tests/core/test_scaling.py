"""A scaling can be undone, sees only what it was fitted on, and keeps the symmetry of what it scales."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geodl.core.scaling import scaling
from geodl.core.schema import SCALES, Schema, Variable
from geodl.core.surrogate import Core
from geodl.errors import DomainError, OptionError
from geodl.testing import assert_refused

THERE_AND_BACK = {torch.float32: 5e-6, torch.float64: 1e-13}  # relative to the largest value
DIGIT_LOST = {"box-cox": 10.0}  # by the tenth power
POSITIVE = ("log", "ln", "box-cox")


def drawn(seed: int, size: float, dtype: torch.dtype, *, positive: bool = False) -> torch.Tensor:
    """Thirty samples of three components around a mean, of the given size."""
    x = torch.randn(30, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (size * (x.exp() if positive else x + 2)).to(dtype)


def fitted(scale: str, x: torch.Tensor) -> torch.nn.Module:
    made = scaling(Variable("v", "1", "", dims=("component",), scale=scale), (3,)).to(x.dtype)
    made.fit(x)
    return made


@pytest.mark.parametrize("dtype", THERE_AND_BACK, ids=str)
@pytest.mark.parametrize("scale", SCALES)
@given(seed=st.integers(0, 10**6), exponent=st.integers(-12, 12))
def test_inverse_undoes_forward(scale, dtype, seed, exponent):
    x = drawn(seed, 10.0**exponent, dtype, positive=scale in POSITIVE)
    made = fitted(scale, x)
    bound = THERE_AND_BACK[dtype] * DIGIT_LOST.get(scale, 1.0) * float(x.abs().max())
    torch.testing.assert_close(made.inverse(made(x)), x, rtol=0, atol=bound)


@pytest.mark.parametrize("scale", ["standard", "components", "log", "box-cox"])
def test_scaled_training_data_have_mean_zero_and_spread_one(scale):
    x = drawn(0, 100.0, torch.float64, positive=scale in POSITIVE)
    dims = 0 if scale == "components" else (0, 1)
    z = fitted(scale, x)(x)
    torch.testing.assert_close(z.mean(dims), torch.zeros_like(z.mean(dims)), rtol=0, atol=1e-12)
    torch.testing.assert_close(z.std(dims, unbiased=False), torch.ones_like(z.mean(dims)), rtol=1e-12, atol=0)


def test_components_have_their_own_mean_and_standard_is_one_for_all():
    x = torch.tensor([[0.0, 10.0, 100.0], [2.0, 30.0, 500.0]])
    assert fitted("components", x).mean.tolist() == [1.0, 20.0, 300.0]
    assert fitted("components", x).std.tolist() == [1.0, 10.0, 200.0]
    assert float(fitted("standard", x).mean) == pytest.approx(107.0, rel=1e-6)


@pytest.mark.parametrize("dtype", THERE_AND_BACK, ids=str)
def test_isotropic_scaling_commutes_with_rotation(dtype):
    x = drawn(3, 40.0, dtype)
    rotation = torch.linalg.qr(drawn(4, 1.0, torch.float64)[:3])[0].to(dtype)
    made = fitted("isotropic", x)
    bound = THERE_AND_BACK[dtype]
    torch.testing.assert_close(made(x @ rotation), made(x) @ rotation, rtol=bound, atol=bound)
    assert float(made(x).square().mean()) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("dtype", THERE_AND_BACK, ids=str)
@pytest.mark.parametrize("value", [0.0, 101325.3, -1e-9])
def test_a_constant_is_only_centred(value, dtype):
    x = torch.full((20, 3), value, dtype=dtype)
    made = fitted("standard", x)
    assert float(made.std) == 1.0
    assert made(x + 1).tolist() == (x + 1 - x).tolist()


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_log_scaling_refuses_what_has_no_logarithm(bad):
    x = torch.tensor([[1.0, 2.0, bad]])
    for scale in ("log", "ln"):
        assert_refused(DomainError, lambda scale=scale: fitted(scale, x), "positive", f"{bad:g}")


def test_box_cox_takes_zero_and_refuses_less():
    made = fitted("box-cox", torch.tensor([[0.0, 1e-8, 1.0]], dtype=torch.float64))
    assert made.inverse(made(torch.zeros(3, dtype=torch.float64))).tolist() == [0.0, 0.0, 0.0]
    assert made.inverse(torch.full((1,), -1e6, dtype=torch.float64)).tolist() == [0.0]
    assert_refused(DomainError, lambda: fitted("box-cox", torch.tensor([[-1e-9, 0.0, 1.0]])), "not negative", "-1e-09")


def test_components_of_unknown_number_are_refused():
    assert_refused(OptionError, lambda: scaling(Variable("v", "1", "", ("cell",), scale="components"), (None,)), "'v'")


class Same(torch.nn.Module):
    """Gives back what it gets: an output then differs from its input only by its scaling."""

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return inputs


def test_one_name_has_one_scaling_fitted_on_the_inputs():
    x, y = Variable("x", "K", ""), Variable("y", "m", "")
    core = Core(Schema((x, y), (y, x)), Same())
    assert len(core.scalings) == 2
    now, later = torch.tensor([0.0, 2.0]), torch.tensor([100.0, 300.0])
    core.fit_scalings((now, 10 * now), (later, later))
    assert [float(s.mean) for s in core.scalings] == [1.0, 10.0]
    # "y" of the network is what it was given first: x, scaled as x and taken back as y.
    assert core(now, 10 * now)[0].tolist() == [0.0, 20.0]


def test_a_value_that_cannot_be_scaled_is_named():
    core = Core(Schema((Variable("humidity", "1", "", scale="log"),), ()), Same())
    assert_refused(DomainError, lambda: core.fit_scalings((torch.zeros(3),), ()), "'humidity'", "positive")
