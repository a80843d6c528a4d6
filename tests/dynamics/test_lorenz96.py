"""Lorenz-96, one and two scales: conservation of energy, symmetry of the ring, and limits that are known."""

import pytest
import torch
from torch import Tensor

from geodl.dynamics.lorenz96 import CLIMATE_MEAN, CLIMATE_STD, lorenz96, two_scale_lorenz96
from geodl.errors import SchemaError
from geodl.testing import assert_refused

K, J = 8, 32


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def by_loops(x: Tensor, y: Tensor, h: float, b: float, c: float, f: float) -> tuple[Tensor, Tensor]:
    """The two-scale system letter by letter, for one state."""
    sites, ring = len(x), len(y)
    per_site, dx, dy = ring // sites, torch.empty_like(x), torch.empty_like(y)
    for k in range(sites):
        felt = sum(y[k * per_site + j] for j in range(per_site))
        dx[k] = -x[k - 1] * (x[k - 2] - x[(k + 1) % sites]) - x[k] + f - h * c / b * felt
    for i in range(ring):
        advection = -c * b * y[(i + 1) % ring] * (y[(i + 2) % ring] - y[i - 1])
        dy[i] = advection - c * y[i] + h * c / b * x[i // per_site]
    return dx, dy


def test_energy_changes_by_damping_and_forcing_alone():
    x = 3 * normal(20, 40)
    balance = -x.square().sum(-1) + 8 * x.sum(-1)
    torch.testing.assert_close((x * lorenz96(x)).sum(-1), balance, rtol=0, atol=1e-11)


def test_the_climate_obeys_the_balance_of_energy():
    assert pytest.approx(8 * CLIMATE_MEAN, rel=0.01) == CLIMATE_MEAN**2 + CLIMATE_STD**2


def test_the_divergence_is_minus_the_number_of_sites():
    jacobian = torch.func.jacrev(lorenz96)(normal(40))
    assert float(jacobian.trace()) == -40


def test_the_uniform_state_at_the_forcing_is_steady():
    assert lorenz96(torch.full((40,), 8.0, dtype=torch.float64)).abs().max() == 0


@pytest.mark.parametrize("shift", [1, 7, -3])
def test_turning_the_ring_commutes_with_the_rate(shift: int):
    x = normal(5, 40)
    torch.testing.assert_close(lorenz96(x.roll(shift, -1)), lorenz96(x).roll(shift, -1), rtol=0, atol=0)


@pytest.mark.parametrize("shift", [1, 5])
def test_turning_both_rings_by_whole_sites_commutes_with_the_rates(shift: int):
    x, y = normal(3, K), normal(3, K * J, seed=1)
    slow, fast = two_scale_lorenz96(x, y)
    turned = two_scale_lorenz96(x.roll(shift, -1), y.roll(shift * J, -1))
    torch.testing.assert_close(turned[0], slow.roll(shift, -1), rtol=0, atol=1e-12)  # the sum over j has other partners
    torch.testing.assert_close(turned[1], fast.roll(shift * J, -1), rtol=0, atol=0)


@pytest.mark.parametrize("constants", [(1.0, 10.0, 10.0, 20.0), (0.7, 5.0, 4.0, 11.0)], ids=str)
def test_the_two_scale_rates_are_those_of_the_equations(constants: tuple[float, float, float, float]):
    x, y = 5 * normal(K), normal(K * J, seed=1)
    h, b, c, f = constants
    rates = two_scale_lorenz96(x, y, coupling=h, amplitude=b, speed=c, forcing=f)
    for rate, expected in zip(rates, by_loops(x, y, h, b, c, f), strict=True):
        torch.testing.assert_close(rate, expected, rtol=1e-12, atol=1e-11)


def test_without_coupling_the_slow_state_is_lorenz96():
    x = 3 * normal(4, K)
    slow, _ = two_scale_lorenz96(x, normal(4, K * J, seed=1), coupling=0.0, forcing=20.0)
    torch.testing.assert_close(slow, lorenz96(x, 20.0), rtol=0, atol=0)


def test_advection_and_coupling_conserve_the_energy_of_both_scales_together():
    """Without friction −X, −c Y and forcing F, ½ΣX² + ½ΣY² stands still."""
    x, y = 5 * normal(10, K), normal(10, K * J, seed=1)
    slow, fast = two_scale_lorenz96(x, y, speed=10.0, forcing=20.0)
    conserved = (x * (slow + x - 20)).sum(-1) + (y * (fast + 10 * y)).sum(-1)
    scale = (x * slow).abs().sum(-1) + (y * fast).abs().sum(-1)
    assert (conserved.abs() / scale).max() < 1e-14


def test_fast_components_that_do_not_fill_the_sites_are_refused():
    assert_refused(SchemaError, lambda: two_scale_lorenz96(normal(8), normal(30)), "30", "8 sites", "32")
