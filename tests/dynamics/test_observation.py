"""What is observed of a state."""

import math

import pytest
import torch

from geodl.dynamics.identification.observation import Observation, components, linear, require_observed
from geodl.errors import NonFiniteError, OptionError, SchemaError
from geodl.testing import assert_refused

STATES = torch.randn(5, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_a_subset_is_the_linear_operator_with_its_rows_of_the_identity():
    matrix = torch.eye(3, dtype=torch.float64)[[2, 0]]
    torch.testing.assert_close(Observation(components(2, 0)).apply(STATES), Observation(linear(matrix)).apply(STATES))


def test_the_residual_of_the_truth_is_noise_of_unit_variance():
    noise = torch.randn(STATES.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    std = torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64)
    torch.testing.assert_close(Observation(std=std).residual(STATES, STATES + std * noise), -noise)


def test_missing_values_have_neither_residual_nor_gradient():
    states, values = STATES.clone().requires_grad_(), torch.zeros_like(STATES)
    values[1, :, 2] = math.nan
    residual = Observation(std=0.5).residual(states, values)
    (gradient,) = torch.autograd.grad(residual.square().sum() / 2, states)
    seen = torch.isfinite(values)
    torch.testing.assert_close(gradient, torch.where(seen, 4 * STATES, 0.0))
    assert (residual[1, :, 2] == 0).all()


def test_any_differentiable_function_can_observe():
    observation = Observation(lambda states: states.square().sum(-1, keepdim=True))
    assert torch.func.jacrev(observation.apply)(STATES[0, 0]).tolist() == [(2 * STATES[0, 0]).tolist()]


def test_another_number_of_values_than_observed_is_refused():
    assert_refused(SchemaError, lambda: Observation().residual(STATES, STATES[..., :2]), "3", "2", "components")


@pytest.mark.parametrize("std", [0.0, -1.0, math.nan])
def test_noise_that_is_not_positive_is_refused(std):
    assert_refused(OptionError, lambda: Observation(std=std), str(std))


def test_no_component_or_a_negative_one_is_refused():
    assert_refused(OptionError, lambda: components(), "()")
    assert_refused(OptionError, lambda: components(0, -1), "-1")


def test_data_that_are_infinite_or_missing_altogether_are_refused():
    assert_refused(NonFiniteError, lambda: require_observed(torch.tensor([1.0, math.inf])), "1 of 2", "infinite")
    assert_refused(NonFiniteError, lambda: require_observed(torch.full((3,), math.nan)), "all 3")
