"""The scale of the mass fractions: there and back, and what a change of the roots does to absent species."""

import pytest
import torch

from geodl.chemistry.surrogate.box_cox import FLOOR, FLOOR_ROOT, moved, root, tenth_power


def fractions(count: int = 1000, seed: int = 0) -> torch.Tensor:
    """Over all orders of magnitude down to the floor, [cell, 1]."""
    exponent = torch.rand(count, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return 10 ** (-19.9 * exponent)


def test_the_tenth_power_of_a_root_is_the_fraction():
    torch.testing.assert_close(tenth_power(root(fractions())), fractions(), rtol=1e-14, atol=0)


def test_what_is_below_the_floor_counts_as_absent():
    for low in (0.0, FLOOR / 2, -1.0, 1e-300):
        assert root(torch.tensor(low, dtype=torch.float64)) == pytest.approx(FLOOR_ROOT, rel=1e-14)


def test_no_change_leaves_every_fraction_bit_for_bit():
    given = torch.cat([fractions(), torch.tensor([[0.0], [1.0], [1e-30], [1e-300], [5e-324]], dtype=torch.float64)])
    assert torch.equal(moved(given, root(given), torch.zeros_like(given)), given)


def test_a_change_of_the_root_is_a_change_of_the_root():
    given, change = fractions(), 0.3 * fractions(seed=1) ** 0.05
    torch.testing.assert_close(root(moved(given, root(given), change)), root(given) + change, rtol=1e-14, atol=0)


@pytest.mark.parametrize("change", [-1e-3, -1.0, -1e30], ids=str)
def test_no_fraction_becomes_negative(change):
    given = torch.cat([fractions(), torch.zeros(1, 1, dtype=torch.float64)])
    after = moved(given, root(given), torch.full_like(given, change))
    assert after.min() >= 0
    assert bool((after <= given).all())


def test_an_absent_species_forms_where_its_root_grows_and_stays_absent_where_it_falls():
    absent = torch.zeros(2, 1, dtype=torch.float64)
    formed = moved(absent, root(absent), torch.tensor([[0.1], [-0.1]], dtype=torch.float64))
    assert formed[0] == pytest.approx(0.11**10 - 1e-20, rel=1e-12)
    assert formed[1] == 0


def test_gradients_are_those_of_finite_differences_and_finite_at_zero():
    given = fractions(20).clamp(min=1e-6).requires_grad_()
    change = (0.1 * fractions(20, seed=1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda y, d: moved(y, root(y), d), (given, change), eps=1e-8, rtol=1e-4)
    absent = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    moved(absent, root(absent), torch.full((1, 1), 0.1, dtype=torch.float64)).sum().backward()
    assert bool(torch.isfinite(absent.grad).all())
