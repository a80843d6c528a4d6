"""Scores of air: what a perfect model, no model and a trained one get, in one step and over days."""

import dataclasses

import numpy as np
import pytest
import torch
import xarray as xr

import geodl
from geodl.chemistry.atmosphere.air_emulator import EmulatedAir
from geodl.chemistry.atmosphere.air_example import air_example, made_up
from geodl.chemistry.atmosphere.air_scores import (
    family_budget,
    family_drift,
    family_error,
    judged_species,
    relative_error,
    roll_out_scores,
    scores,
)
from geodl.chemistry.atmosphere.box import DAY, roll_out
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes
from geodl.errors import MechanismError
from geodl.testing import assert_refused
from geodl.train.config import FitConfig


@pytest.fixture(scope="module")
def surrogate():
    """As good as untrained."""
    family = geodl.family("chemistry", mechanism=made_up().to_record(), hidden=(8,))
    parts = geodl.split(air_example(0), family.group)
    return geodl.fit(family, parts.train, parts.valid, config=FitConfig(epochs=1), show=False)


@pytest.fixture(scope="module")
def boxes():
    return draw_boxes(Plan(seed=1, emission=1.0, dilution=1.0), made_up(), range(4))


@pytest.fixture(scope="module")
def run(surrogate, boxes):
    return roll_out(EmulatedAir(surrogate), boxes, days=1, show=False)


def test_errors_are_relative_to_what_is_there_or_to_a_thousandth_of_the_mean():
    truth = torch.tensor([2.0, 2.0, 0.0, 4.0], dtype=torch.float64)  # of the mean 2
    predicted = torch.tensor([2.0, 3.0, 0.001, 2.0], dtype=torch.float64)
    torch.testing.assert_close(relative_error(predicted, truth), torch.tensor([0.0, 0.5, 0.5, 0.5]).double())


def test_the_error_of_a_family_counts_what_was_emitted():
    mechanism = made_up()  # CO, M, NO, NO2, of which NO + NO2 stays
    before, source = torch.tensor([[1.0, 9.0, 2.0, 3.0]]), torch.tensor([[0.0, 0.0, 0.5, 0.0]])
    inputs = torch.ones(1), torch.ones(1), before, torch.ones(1), source, torch.tensor([10.0])
    kept, lost = torch.tensor([[5.0, 0.0, 4.0, 6.0]]), torch.tensor([[1.0, 9.0, 4.0, 5.0]])
    np.testing.assert_allclose(family_error((kept,), inputs, mechanism), 0.0)
    np.testing.assert_allclose(family_error((lost,), inputs, mechanism), 0.1)


def test_the_species_of_smog_are_judged_as_far_as_there_are():
    assert judged_species(["CO", "PAN", "O3"]) == ["O3", "PAN"]
    assert judged_species(["CO", "M"]) == ["CO"]


def test_the_surrogate_keeps_families_and_a_linear_map_does_not(surrogate):
    largest = scores(surrogate, air_example(1))["family_error"].sel(statistic="largest")
    assert float(largest.sel(model="surrogate")) < 1e-6  # of single precision
    assert float(largest.sel(model="linear")) > 1e-3


def test_statistics_are_in_order_and_stand_in_the_evaluation(surrogate):
    found = geodl.evaluate(surrogate, air_example(1))
    assert (np.diff(found["relative_error_NO2"].sel(statistic=["median", "p95", "largest"]), axis=1) >= 0).all()
    assert found["relative_error_NO2"]["model"].values.tolist() == ["surrogate", "unchanged", "linear"]
    for name in ("share_clipped", "share_out_of_domain"):
        assert 0 <= float(found[name]) <= 1


def test_data_of_another_mechanism_are_refused(surrogate):
    other = air_example(1).assign_attrs(mechanism_fingerprint="another")
    assert_refused(MechanismError, lambda: scores(surrogate, other), "another")


def days(seed: int = 0) -> xr.Dataset:
    """Two days of two boxes, recorded every hour."""
    values = np.random.default_rng(seed).uniform(1, 2, (49, 2, 2))
    return xr.Dataset({"concentration": (("time", "box", "species"), values)}, {"species": ["O3", "X"]})


def test_a_run_that_is_too_high_on_one_day_in_one_box_is_biased_there_alone():
    truth, run = days(), days()
    run["concentration"][25:, 1] *= 1.1
    found = roll_out_scores(run, truth, dataclasses.replace(made_up(), species=("O3", "X")))
    np.testing.assert_allclose(found["bias"].sel(species="O3"), [[0, 0], [0, 0.1]], atol=1e-12)
    share = truth["concentration"].sel(species="O3")[25:].sum("time")
    expected = float(0.1 * share[1] / share.sum())
    np.testing.assert_allclose(found["mean_bias"].sel(species="O3"), [0, expected], atol=1e-12)
    np.testing.assert_allclose(found["error"].sel(species="O3"), [0, 0.05], atol=1e-12)  # between none and 10 %


def test_families_of_boxes_that_mix_follow_a_geometric_series(run, boxes):
    assert family_drift(run, boxes, made_up()) < 1e-13
    lost = run.assign(concentration=run["concentration"] * 0.99)
    assert family_drift(lost, boxes, made_up()) == pytest.approx(0.01, rel=1e-9)


def test_after_long_what_is_emitted_is_what_is_mixed_away(boxes):
    amount = family_budget(made_up(), boxes, np.array([60 * DAY]))[0]
    matrix = made_up().family_matrix.T
    balance = 300 * (boxes.emission @ matrix) / -np.expm1(-boxes.dilution * 300)[:, None]
    np.testing.assert_allclose(amount, boxes.background @ matrix + balance, rtol=1e-12)
