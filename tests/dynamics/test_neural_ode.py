"""Learned right-hand sides inside an integrator."""

import math

import pytest
import torch
from torch import nn

from geodl.dynamics.fields import BilinearField, MLPField
from geodl.dynamics.lorenz63 import lorenz63
from geodl.dynamics.neural_ode import NeuralODE
from geodl.testing import observed_order


class Decay(nn.Module):
    """du/dt = -u, whose solution is known."""

    def forward(self, t, state):
        return -state


def one_interval_error(method: str, substeps: int) -> float:
    ode = NeuralODE(Decay(), 1, method=method, substeps=substeps)
    (end,) = ode(torch.ones(1, dtype=torch.float64))
    return abs(float(end[0, 0]) - math.exp(-1))


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("rk4", 4)])
def test_substeps_reach_the_order_of_the_scheme(method, order):
    counts = (16, 32, 64)
    orders = observed_order([one_interval_error(method, n) for n in counts], [1 / n for n in counts])
    assert orders == pytest.approx([order, order], abs=0.1)


def test_the_adaptive_method_solves_to_its_tolerance():
    assert one_interval_error("dopri5", 1) < 1e-6


def test_leads_are_the_states_after_1_2_3_intervals():
    state = torch.tensor([1.0, 2.0], dtype=torch.float64)
    (path,) = NeuralODE(Decay(), 3, method="rk4", substeps=8)(state)
    expected = state[:, None] * torch.exp(-torch.arange(1.0, 4.0, dtype=torch.float64))
    torch.testing.assert_close(path, expected, rtol=1e-5, atol=0)


def lorenz63_as_bilinear() -> BilinearField:
    """The bilinear field with the coefficients of Lorenz-63."""
    field = BilinearField(3).double()
    pairs = list(zip(field.left.tolist(), field.right.tolist(), strict=True))
    weights = torch.zeros_like(field.weights)
    for entry, target, value in [
        (0, 0, -10), (1, 0, 10), (0, 1, 28), (1, 1, -1), (3 + pairs.index((0, 2)), 1, -1),
        (2, 2, -8 / 3), (3 + pairs.index((0, 1)), 2, 1),
    ]:  # fmt: skip
        weights[entry, target] = value
    field.weights.data.copy_(weights)
    return field


def test_the_bilinear_field_contains_lorenz63():
    states = torch.randn(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 10
    t = torch.zeros((), dtype=torch.float64)
    torch.testing.assert_close(lorenz63_as_bilinear()(t, states), lorenz63(states), rtol=1e-13, atol=1e-12)


def test_warm_start_finds_a_quadratic_map_exactly():
    truth = lorenz63_as_bilinear()
    states = torch.randn(200, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    field = BilinearField(3).double()
    field.warm_start(states, truth(torch.zeros(()), states))
    torch.testing.assert_close(field.weights, truth.weights, rtol=1e-10, atol=1e-10)


def test_the_mlp_starts_at_the_speed_of_the_data():
    field = MLPField(2, width=8, depth=2, activation="tanh")
    increment = torch.tensor([[3.0, 1e-4], [-3.0, 1e-4]])
    field.warm_start(torch.zeros(2, 2), increment)
    torch.testing.assert_close(field.rate, torch.tensor([3.0, 1e-4]))


def test_a_sample_without_numbers_spoils_no_other():
    ode = NeuralODE(Decay(), 2, method="rk4", substeps=8)
    (path,) = ode(torch.tensor([1.0, torch.nan, 2.0]))
    assert torch.isnan(path[1]).all()
    torch.testing.assert_close(path[2], 2 * path[0])


def test_gradients_through_the_integrator_pass_a_finite_difference_check():
    field = lorenz63_as_bilinear()
    field.weights.data *= 0.05  # data intervals of 0.05 time units
    ode = NeuralODE(field, 2, method="rk4", substeps=4)
    state = torch.tensor([[0.3, -0.2, 0.5]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: ode(*s.unbind(-1)), (state,), eps=1e-6, atol=1e-5, rtol=1e-6)
