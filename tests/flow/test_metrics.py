"""Scores of flows are what their definitions say."""

import torch

from geodl.flow.cases.nearest import nearest_case
from geodl.flow.metrics import fluid, near_body, pressure_error, velocity_error
from geodl.flow.surrogate.baselines import mean_flow, modes
from tests.flow.flows import GRID, tensors


def test_the_truth_has_no_error():
    (sdf, _), truth = tensors()
    assert float(velocity_error(truth, truth, fluid(sdf)).max()) == 0.0
    assert float(pressure_error(truth[2], truth[2], fluid(sdf)).max()) == 0.0


def test_a_flow_too_fast_by_a_tenth_has_an_error_of_a_tenth():
    (sdf, _), truth = tensors()
    faster = tuple(1.1 * field for field in truth[:2])
    for region in (fluid(sdf), near_body(sdf, GRID.spacing)):
        torch.testing.assert_close(velocity_error(faster, truth, region), torch.full((4,), 0.1).double())


def test_the_level_of_the_pressure_is_no_error():
    (sdf, _), truth = tensors()
    assert float(pressure_error(truth[2] + 3.0, truth[2], fluid(sdf)).max()) < 1e-12


def test_only_the_fluid_counts():
    (sdf, _), truth = tensors()
    spoiled = tuple(field + 100 * (sdf <= 0) for field in truth[:2])
    assert float(velocity_error(spoiled, truth, fluid(sdf)).max()) == 0.0


def test_the_nearest_case_of_a_known_body_is_itself():
    inputs, outputs = tensors(6)
    found = nearest_case(inputs, (inputs, outputs), GRID.spacing)
    for a, b in zip(found, outputs, strict=True):
        torch.testing.assert_close(a, b)


def test_the_mean_flow_of_one_flow_is_that_flow():
    inputs, outputs = tensors(1)
    baseline = mean_flow()
    found = baseline.predict(baseline.fit(inputs, outputs), inputs)
    for a, b in zip(found, outputs, strict=True):
        torch.testing.assert_close(a, b * (inputs[0] > 0) if b.ndim == 3 else b)


def test_modes_recall_what_they_are_fitted_to_better_than_the_mean():
    inputs, outputs = tensors(40)

    def error(baseline):
        found = baseline.predict(baseline.fit(inputs, outputs), inputs)
        return float(velocity_error(found, outputs, fluid(inputs[0])).median())

    assert error(modes()) < 0.75 * error(mean_flow())
