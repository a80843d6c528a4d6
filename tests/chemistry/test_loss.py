"""The loss of a step: zero at the truth, as large for slow induction as for a flame, and differentiable."""

import pytest
import torch

from geodl.chemistry.surrogate.box_cox import POWER, root, tenth_power
from geodl.chemistry.surrogate.loss import LARGE, OWN, SMALL, STILL, step_loss
from tests.chemistry.surrogates import mixtures, oxyhydrogen

TEMPERATURE, PRESSURE, FRACTION, DT = mixtures(50, oxyhydrogen(), spread=1.0)


def loss(found, truth, dt=DT) -> float:
    return float(step_loss(found, truth, (TEMPERATURE, PRESSURE, FRACTION, dt)))


def after(change: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Every root a little further, the temperature as it was."""
    return TEMPERATURE, tenth_power(root(FRACTION) + change)


def test_the_truth_costs_nothing():
    assert loss(after(0.01), after(0.01)) == 0
    assert loss((TEMPERATURE, FRACTION), (TEMPERATURE, FRACTION)) == 0


def test_the_same_error_costs_more_in_a_cell_where_little_happens():
    slow, fast = (loss(after(change + 1e-5), after(change)) for change in (1e-4, 1e-1))
    assert slow > 10 * fast


def test_one_change_has_a_closed_form():
    change, dt = 1e-3, torch.full_like(DT, 1e-6)  # a share of one half
    size = change / POWER / 0.5
    weight = LARGE + OWN / STILL  # the truth is that nothing happens
    expected = (torch.asinh(torch.tensor(size / SMALL)) + weight * size) * 9 / 10  # of nine species and a temperature
    assert loss(after(change), after(0.0), dt) == pytest.approx(float(expected), rel=1e-6)


def test_temperature_counts_in_units_of_three_hundred_kelvin():
    dt = torch.full_like(DT, 1.0)
    expected = (torch.asinh(torch.tensor(1 / SMALL)) + LARGE + OWN / STILL) / 10
    found = loss((TEMPERATURE + 300, FRACTION), (TEMPERATURE, FRACTION), dt)
    assert found == pytest.approx(float(expected), rel=1e-5)


def test_an_error_in_a_short_step_counts_as_much_as_one_in_a_long_step():
    """Errors in proportion to dt / (dt + 1 us)."""
    found = []
    for dt in (1e-8, 1e-6, 1e-5):
        share = dt / (dt + 1e-6)
        found.append(loss(after(1e-4 * share), after(2e-4 * share), torch.full_like(DT, dt)))
    assert found == pytest.approx([found[0]] * 3, rel=1e-4)


def test_half_of_a_small_change_costs_nearly_as_much_as_half_of_a_large_one():
    """Slow induction counts: a thousand times less change, and less than a hundred times less loss."""
    dt = torch.full_like(DT, 1.0)
    small, large = (loss(after(change / 2), after(change), dt) for change in (1e-4, 1e-1))
    assert small > large / 100


def test_gradients_are_finite_where_species_are_absent():
    fraction = FRACTION.clone()
    fraction[:, 1] = 0
    found = fraction.clone().requires_grad_()
    step_loss((TEMPERATURE, found), (TEMPERATURE, FRACTION), (TEMPERATURE, PRESSURE, fraction, DT)).backward()
    assert bool(torch.isfinite(found.grad).all())
