"""Levenberg-Marquardt."""

import pytest
import torch

from geodl.dynamics.identification.gauss_newton import Arrow, Dense, levenberg_marquardt
from geodl.errors import DivergedError
from geodl.testing import assert_refused


def random(*shape, seed=0):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def rosenbrock(points):
    """Residuals 10 (y - x²) and 1 - x, with their Jacobians."""
    x, y = points.unbind(-1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    residual = torch.stack([10 * (y - x * x), 1 - x], -1)
    jacobian = torch.stack([torch.stack([-20 * x, 10 * one], -1), torch.stack([-one, zero], -1)], -2)
    return Dense(residual, jacobian)


def test_a_linear_problem_is_solved_in_one_step():
    matrix, target = random(1, 20, 4), random(1, 20, seed=1)
    expected = torch.linalg.lstsq(matrix[0], target[0]).solution

    def linearise(x):
        return Dense((matrix @ x[..., None])[..., 0] - target, matrix)

    found = levenberg_marquardt(linearise, torch.zeros(1, 4, dtype=torch.float64), iterations=1, damping=1e-14)
    torch.testing.assert_close(found.unknowns[0], expected, rtol=1e-12, atol=1e-12)


def test_a_batch_of_starts_finds_the_minimum_of_rosenbrock():
    starts = torch.tensor([[-1.2, 1.0], [3.0, -2.0], [0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    found = levenberg_marquardt(rosenbrock, starts, iterations=100)
    assert found.converged.all()
    torch.testing.assert_close(found.unknowns, torch.ones_like(starts), rtol=1e-9, atol=0)
    assert all(later <= before for before, later in zip(found.history, found.history[1:], strict=False))


def test_a_problem_does_not_feel_its_neighbours():
    starts = torch.tensor([[-1.2, 1.0], [30.0, -2.0]], dtype=torch.float64)
    together = levenberg_marquardt(rosenbrock, starts, iterations=7).unknowns
    alone = torch.cat([levenberg_marquardt(rosenbrock, start[None], iterations=7).unknowns for start in starts])
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-9)


def test_units_of_the_unknowns_do_not_matter():
    scale = torch.tensor([1e3, 1e-3], dtype=torch.float64)

    def scaled(x):
        inside = rosenbrock(x * scale)
        return Dense(inside.residual, inside.jacobian * scale)

    start = torch.tensor([[-1.2, 1.0]], dtype=torch.float64)
    plain = levenberg_marquardt(rosenbrock, start, iterations=10).unknowns
    torch.testing.assert_close(levenberg_marquardt(scaled, start / scale, iterations=10).unknowns * scale, plain)


@pytest.mark.parametrize("damping", [1e-12, 1e-2, 10.0])
def test_eliminating_what_is_a_windows_own_gives_the_step_of_the_full_matrix(damping):
    arrow = Arrow(random(4, 9), random(4, 9, 2, seed=1), random(4, 9, 3, seed=2))
    full = torch.cat([torch.block_diag(*arrow.own), arrow.shared.flatten(0, 1)], 1)[None]
    dense, damped = Dense(arrow.residual.flatten()[None], full), torch.tensor([damping], dtype=torch.float64)
    for name in ("cost", "gradient", "scale"):
        torch.testing.assert_close(getattr(arrow, name), getattr(dense, name))
    torch.testing.assert_close(arrow.step(damped), dense.step(damped), rtol=1e-9, atol=1e-9)


def test_an_unknown_without_influence_stays_where_it_is():
    def linearise(x):
        return Dense(x[:, :1] - 2.0, torch.tensor([[[1.0, 0.0]]], dtype=torch.float64))

    found = levenberg_marquardt(linearise, torch.tensor([[0.0, 7.0]], dtype=torch.float64))
    torch.testing.assert_close(found.unknowns, torch.tensor([[2.0, 7.0]], dtype=torch.float64))


def test_a_step_to_where_nothing_is_finite_is_taken_back():
    def linearise(x):
        return Dense(torch.log(x) + 3.0, (1 / x)[..., None])

    found = levenberg_marquardt(linearise, torch.tensor([[5.0]], dtype=torch.float64), iterations=100)
    torch.testing.assert_close(found.unknowns, torch.full((1, 1), -3.0, dtype=torch.float64).exp())


def test_a_start_that_is_not_finite_is_refused():
    start = torch.full((1, 2), torch.nan, dtype=torch.float64)
    assert_refused(DivergedError, lambda: levenberg_marquardt(rosenbrock, start), "nan", "start")
