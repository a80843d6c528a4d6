"""Tangent-linear and adjoint operators against closed forms, each other, and the function itself."""

import inspect

import numpy as np
import pytest
import torch

from geodl.dynamics.chaos.lyapunov import orbit
from geodl.dynamics.chaos.tangent import TangentLinear, dot_product_test, jacobian, jvp, taylor_remainders, vjp
from geodl.dynamics.lorenz63 import lorenz63, lorenz63_jacobian
from geodl.dynamics.ode.solve import odeint
from geodl.errors import OptionError, SchemaError
from geodl.testing import assert_refused, observed_order

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-13}
GAP = {torch.float32: 1e-4, torch.float64: 1e-12}


def rk4(h=0.01):
    times = torch.tensor([0.0, h], dtype=torch.float64)
    return lambda y: odeint(lambda t, u: lorenz63(u), y, times.to(y), method="rk4")[-1]


def random(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 3)], ids=str)
def test_the_jacobian_of_the_rate_is_the_known_one(batch, dtype):
    state = random(*batch, 3, dtype=dtype)
    torch.testing.assert_close(
        jacobian(lorenz63, state), lorenz63_jacobian(state), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype]
    )


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_products_forward_and_backward_are_those_of_the_jacobian(dtype):
    state, forward, backward = (random(4, 3, dtype=dtype, seed=seed) for seed in range(3))
    matrix = lorenz63_jacobian(state)
    close = {"rtol": TOLERANCE[dtype], "atol": 10 * TOLERANCE[dtype]}
    for (value, product), expected in (
        (jvp(lorenz63, state, forward), (matrix @ forward[..., None])[..., 0]),
        (vjp(lorenz63, state, backward), (matrix.mT @ backward[..., None])[..., 0]),
    ):
        torch.testing.assert_close(value, lorenz63(state), rtol=0, atol=0)
        torch.testing.assert_close(product, expected, **close)


def test_a_jacobian_need_not_be_square():
    weight = random(2, 3)
    torch.testing.assert_close(jacobian(lambda y: y @ weight.mT, random(7, 3)), weight.expand(7, 2, 3))


@pytest.mark.parametrize("dtype", GAP, ids=str)
@pytest.mark.parametrize("forecast", [lorenz63, rk4(), lambda y: orbit(rk4(), y, 100)], ids=["rate", "step", "orbit"])
def test_the_adjoint_is_the_adjoint(forecast, dtype):
    assert dot_product_test(forecast, random(4, 3, dtype=dtype), seed=1) <= GAP[dtype]


class WrongAdjoint(torch.autograd.Function):
    """Twice the state, with a gradient that is one in a thousand too large."""

    @staticmethod
    def forward(y):
        return 2 * y

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def jvp(ctx, perturbation):
        return 2 * perturbation

    @staticmethod
    def backward(ctx, covector):
        return 2.002 * covector


def test_a_wrong_adjoint_fails_both_tests():
    state = random(1000, 3)
    assert dot_product_test(WrongAdjoint.apply, state) > 1e-7
    steps = [1e-1, 1e-2, 1e-3]
    remainders = taylor_remainders(lambda y: WrongAdjoint.apply(y).sum(), state, random(1000, 3, seed=1), steps)
    assert observed_order(remainders.tolist(), steps) == pytest.approx([1, 1], abs=0.01)


def test_the_remainder_of_a_cost_falls_with_the_square_of_the_step():
    def cost(y):
        return orbit(rk4(), y, 50).square().sum()

    start, steps = random(2, 3) + 1, [1e-2, 1e-3, 1e-4, 1e-5, 1e-6]
    remainders = taylor_remainders(cost, start, random(2, 3, seed=1), steps)
    assert observed_order(remainders.tolist(), steps) == pytest.approx([2] * 4, abs=0.05)


def test_the_operator_is_linear_between_flat_vectors():
    forecast, state = lambda y: orbit(rk4(), y, 5), random(3)
    model = TangentLinear(forecast, state)
    operator = model.linear_operator()
    matrix = torch.autograd.functional.jacobian(forecast, state).reshape(-1, 3).numpy()
    np.testing.assert_allclose(operator @ np.eye(3), matrix, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(operator.T @ np.eye(18), matrix.T, rtol=1e-12, atol=1e-14)
    assert operator.dtype == np.float64
    torch.testing.assert_close(model.value, forecast(state), rtol=0, atol=0)


def test_wrong_shapes_are_refused():
    state = random(4, 3)
    model = TangentLinear(lorenz63, state)
    for call in (inspect.unwrap(jvp), inspect.unwrap(vjp), inspect.unwrap(taylor_remainders)):
        rest = ([0.1],) if call.__name__ == "taylor_remainders" else ()
        assert_refused(SchemaError, lambda call=call, rest=rest: call(lorenz63, state, random(3), *rest), "(4, 3)")
    assert_refused(SchemaError, lambda: model.adjoint(random(3)), "(3,)", "(4, 3)")
    assert_refused(SchemaError, lambda: taylor_remainders(lorenz63, state, state, [0.1]), "one number")
    assert_refused(SchemaError, lambda: jacobian(lambda y: y.sum(0), state), "as many rows")


def test_a_step_without_derivative_is_refused():
    assert_refused(OptionError, lambda: jacobian(lambda y: 2 * y.detach(), random(4, 3)), "no derivative")
