"""The Kalman filter and smoother of linear systems, against the one joint normal distribution of all states."""

import pytest
import torch
from torch import Tensor

from geodl.dynamics.identification.kalman import Gaussians, LinearSystem, kalman_filter, kalman_smoother
from geodl.errors import NonFiniteError, ShapeError
from geodl.testing import assert_refused

TIMES, N = 6, 3


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def positive(n: int, seed: int) -> Tensor:
    root = normal(n, n, seed=seed)
    return root @ root.mT / n + 0.1 * torch.eye(n)


def system(model_noise: float = 1.0) -> LinearSystem:
    model = torch.linalg.qr(normal(N, N, seed=1))[0] * 0.95
    return LinearSystem(model, model_noise * positive(N, 2), normal(2, N, seed=3), positive(2, 4))


def series(missing: bool = True) -> Tensor:
    values = normal(TIMES, 2, seed=5)
    if missing:
        values[2, 0] = values[3] = torch.nan
    return values


def joint(linear: LinearSystem, mean: Tensor, covariance: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of all states given all values, by conditioning their joint distribution at once."""
    means, blocks = [mean], [[covariance]]
    for t in range(1, len(values)):
        means.append(linear.model @ means[-1])
        column = [row[-1] @ linear.model.mT for row in blocks]
        blocks = [[*row, new] for row, new in zip(blocks, column, strict=True)]
        latest = linear.model @ blocks[t - 1][t - 1] @ linear.model.mT + linear.model_noise
        blocks.append([*(new.mT for new in column), latest])
    prior, p = torch.cat(means), torch.cat([torch.cat(row, 1) for row in blocks])
    seen = ~torch.isnan(values).flatten()
    h = torch.block_diag(*[linear.operator] * len(values))[seen]
    r = torch.block_diag(*[linear.noise] * len(values))[seen][:, seen]
    gain = p @ h.mT @ torch.linalg.inv(h @ p @ h.mT + r)
    return prior + gain @ (values.flatten()[seen] - h @ prior), p - gain @ h @ p


def assert_equal_distributions(found: Gaussians, mean: Tensor, covariance: Tensor, times: range) -> None:
    for t in times:
        at = slice(N * t, N * t + N)
        torch.testing.assert_close(found.mean[t], mean[at], rtol=0, atol=1e-11)
        torch.testing.assert_close(found.covariance[t], covariance[at, at], rtol=0, atol=1e-11)


@pytest.mark.parametrize("model_noise", [1.0, 0.0])
def test_the_smoother_conditions_every_state_on_all_values(model_noise: float):
    linear, prior, values = system(model_noise), (normal(N, seed=6), positive(N, 7)), series()
    smoothed = kalman_smoother(linear, kalman_filter(linear, *prior, values))
    assert_equal_distributions(smoothed, *joint(linear, *prior, values), range(TIMES))


def test_the_filter_conditions_every_state_on_the_values_so_far():
    linear, prior, values = system(), (normal(N, seed=6), positive(N, 7)), series()
    filtered = kalman_filter(linear, *prior, values)
    for last in range(TIMES):
        assert_equal_distributions(filtered, *joint(linear, *prior, values[: last + 1]), range(last, last + 1))


def test_a_state_without_noise_and_a_value_is_averaged_by_the_inverse_variances():
    one = torch.ones(1, 1, dtype=torch.float64)
    found = kalman_filter(LinearSystem(one, 0 * one, one, 3 * one), torch.zeros(1).double(), one, 4 * one)
    assert float(found.mean) == pytest.approx(1.0, abs=1e-15)
    assert float(found.covariance) == pytest.approx(0.75, abs=1e-15)


def test_matrices_and_values_that_do_not_fit_are_refused():
    linear, prior = system(), (normal(N), positive(N, 7))
    assert_refused(ShapeError, lambda: kalman_filter(linear, *prior, normal(4, 3)), "3", "2")
    assert_refused(NonFiniteError, lambda: kalman_filter(linear, *prior, torch.inf * normal(4, 2)), "NaN")


@pytest.mark.usefixtures("unchecked")
def test_a_system_whose_matrices_do_not_fit_is_refused():
    eye = torch.eye(3)
    assert_refused(ShapeError, lambda: LinearSystem(eye, eye, torch.ones(2, 3), eye), "(3, 3)", "[d, d]")
