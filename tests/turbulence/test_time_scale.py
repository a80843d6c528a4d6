"""Time scales: dimensions, limits, and cells without turbulence or without a gradient."""

import math

import pytest
import torch

from geodl.turbulence.physics.time_scale import durbin_time, gradient_time, turbulent_time
from geodl.turbulence.physics.velocity_gradient import rotation_rate, strain_rate
from tests.turbulence.tensors import random


def test_the_turbulent_time_is_k_over_epsilon_and_zero_where_there_is_no_turbulence():
    k = torch.tensor([2.0, 0.0, -1.0, 1.0, 0.0])
    epsilon = torch.tensor([4.0, 1.0, 1.0, 0.0, 0.0])
    assert turbulent_time(k, epsilon).tolist() == [0.5, 0, 0, 0, 0]


def test_durbin_takes_over_where_the_eddies_are_smaller_than_viscosity_allows():
    k, epsilon, nu = torch.tensor([1.0, 1e-6, 1.0]), torch.tensor([1.0, 1.0, 0.0]), torch.tensor([1e-4, 1e-4, 1e-4])
    torch.testing.assert_close(durbin_time(k, epsilon, nu), torch.tensor([1.0, 0.06, 0.0]))


def test_times_scale_as_times():
    k, epsilon, nu = random(3, 20).abs()
    gradient = random(20, 3, 3)
    scaled = durbin_time(k * 9, epsilon * 27, nu * 3)  # lengths as they are, times a third
    torch.testing.assert_close(scaled, durbin_time(k, epsilon, nu) / 3)
    times = [gradient_time(strain_rate(a), rotation_rate(a)) for a in (gradient, 3 * gradient)]
    torch.testing.assert_close(times[1], times[0] / 3)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_a_gradient_scaled_by_its_own_time_has_unit_size_at_any_magnitude(size):
    gradient = (random(50, 3, 3) * size).float()
    time = gradient_time(strain_rate(gradient), rotation_rate(gradient))
    torch.testing.assert_close((time[:, None, None] * gradient).flatten(1).norm(dim=1), torch.ones(50))


def test_no_gradient_gives_no_time_and_a_finite_derivative():
    zero = torch.zeros(2, 3, 3, requires_grad=True)
    time = gradient_time(zero, torch.zeros(2, 3, 3))
    assert time.tolist() == [0, 0]
    k = torch.zeros(2, requires_grad=True)
    durbin_time(k, torch.zeros(2), torch.zeros(2)).sum().add(time.sum()).backward()
    assert k.grad.tolist() == [0, 0]
    assert bool((zero.grad == 0).all())


def test_undefined_input_stays_undefined():
    assert math.isnan(turbulent_time(torch.tensor(math.nan), torch.tensor(1.0)))
    assert math.isnan(turbulent_time(torch.tensor(1.0), torch.tensor(math.nan)))
