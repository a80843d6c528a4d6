"""Lorenz-63: symmetry, contraction of phase space, fixed points, and the numbers that describe its attractor."""

import math

import pytest
import torch
from torch import Tensor
from torchdiffeq import odeint

from geodl.dynamics import lorenz63 as module
from geodl.dynamics.lorenz63 import FIXED_POINTS, LYAPUNOV_EXPONENT, LYAPUNOV_TIME, lorenz63, lorenz63_jacobian
from geodl.dynamics.reference import attractor_starts

CONTRACTION = 10 + 1 + 8 / 3
TURN = torch.tensor([-1.0, -1.0, 1.0], dtype=torch.float64)


def states(count: int = 50) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return 10 * torch.randn(count, 3, dtype=torch.float64, generator=generator) + torch.tensor([0.0, 0.0, 25.0])


def with_tangents(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Rates of a state and of the small displacements from it, the columns of a matrix."""
    state, tangents = pair
    return lorenz63(state), lorenz63_jacobian(state) @ tangents


def test_turning_about_the_z_axis_commutes_with_the_rate():
    torch.testing.assert_close(lorenz63(states() * TURN), lorenz63(states()) * TURN, rtol=0, atol=0)


def test_the_rate_is_known_at_a_point_with_every_parameter_changed():
    rate = lorenz63(torch.tensor([[2.0, 3.0, 5.0]]), 7.0, 11.0, 13.0)
    torch.testing.assert_close(rate, torch.tensor([[7.0, 9.0, -59.0]]), rtol=0, atol=0)


def test_fixed_points_have_zero_rate():
    rates = lorenz63(torch.tensor(FIXED_POINTS, dtype=torch.float64))
    assert rates.abs().max() < 1e-13
    assert len({tuple(point) for point in FIXED_POINTS}) == 3


def test_beta_is_exactly_eight_thirds():
    assert float(lorenz63(torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))[2]) == -8 / 3


@pytest.mark.parametrize("parameters", [(), (7.0, 11.0, 13.0)], ids=str)
def test_the_jacobian_is_the_derivative_of_the_rate(parameters: tuple[float, ...]):
    by_autograd = torch.func.vmap(torch.func.jacrev(lambda u: lorenz63(u, *parameters)))(states())
    torch.testing.assert_close(lorenz63_jacobian(states(), *parameters), by_autograd, rtol=0, atol=1e-13)


@pytest.mark.parametrize("parameters", [(10.0, 28.0, 8 / 3), (7.0, 11.0, 13.0)], ids=str)
def test_the_trace_of_the_jacobian_is_the_same_everywhere(parameters: tuple[float, float, float]):
    trace = lorenz63_jacobian(states(), *parameters).diagonal(dim1=-2, dim2=-1).sum(-1)
    torch.testing.assert_close(trace, torch.full_like(trace, -(parameters[0] + 1 + parameters[2])), rtol=1e-14, atol=0)


def test_the_volume_spanned_by_tangents_shrinks_at_the_rate_of_the_trace():
    start = (states(8), torch.eye(3, dtype=torch.float64).expand(8, 3, 3))
    times = torch.tensor([0.0, 0.25, 0.5], dtype=torch.float64)
    _, tangents = odeint(lambda t, pair: with_tangents(pair), start, times, method="dopri8", rtol=1e-11, atol=1e-11)
    expected = torch.exp(-CONTRACTION * times)[:, None].expand(3, 8)
    torch.testing.assert_close(torch.linalg.det(tangents), expected, rtol=1e-6, atol=0)


def test_small_errors_grow_at_the_published_lyapunov_exponent():
    pair = torch.from_numpy(attractor_starts(256, seed=0)), torch.ones(256, 3, 1, dtype=torch.float64)
    h, growth = 0.02, torch.zeros(256, dtype=torch.float64)
    times = torch.arange(0, 51, dtype=torch.float64) * h
    for k in range(25):  # the first 5 units turn the tangents into the growing direction
        pair = tuple(path[-1] for path in odeint(lambda t, p: with_tangents(p), pair, times, method="rk4"))
        length = pair[1].norm(dim=(-2, -1))
        growth += length.log() * (k >= 5)
        pair = pair[0], pair[1] / length[:, None, None]
    assert float(growth.mean()) / 20 == pytest.approx(LYAPUNOV_EXPONENT, abs=0.015)


def test_the_lyapunov_time_belongs_to_the_exponent():
    assert math.isclose(LYAPUNOV_TIME * LYAPUNOV_EXPONENT, 1.0, rel_tol=1e-15)
    assert pytest.approx(14.77, abs=0.01) == module.CLIMATE_STD
