"""Scores are the textbook numbers, in the units of the data, with the baselines beside them."""

import numpy as np
import pytest
import torch

from geodl.errors import NonFiniteError, UnitsError
from geodl.testing import assert_refused
from geodl.train import metrics
from geodl.train.evaluate import evaluate

ROUNDING = 2e-5  # relative; scores are taken in float32


@pytest.fixture(scope="module")
def scores(surrogate, parts):
    return evaluate(surrogate, parts.test)


def test_scores_equal_those_computed_by_hand_from_the_predictions(surrogate, parts, scores):
    predicted = surrogate(parts.test)
    for name in ("density", "flux"):
        truth = parts.test[name].astype("float64")
        error = predicted[name].astype("float64") - truth
        samples = ["case", "time"]
        expected = {
            "rmse": np.sqrt((error**2).mean(samples)),
            "mae": abs(error).mean(samples),
            "r2": 1 - (error**2).mean(samples) / ((truth - truth.mean(samples)) ** 2).mean(samples),
        }
        for kind, value in expected.items():
            found = scores[f"{kind}_{name}"].sel(model="surrogate", drop=True)
            np.testing.assert_allclose(found, value, rtol=ROUNDING, err_msg=f"{kind}_{name}")
    inside = (predicted["density_low"] <= parts.test["density"]) & (parts.test["density"] <= predicted["density_high"])
    assert abs(scores["coverage_density"] - inside.mean(samples)).max() <= 1 / inside.sizes["case"]
    assert float(scores["in_domain"]) == float(predicted["in_domain"].mean())


def test_scores_of_the_mean_are_the_spread_of_the_truth_around_it(parts, scores):
    for name in ("density", "flux"):
        guess = parts.train[name].mean(["case", "time"])
        by_hand = np.sqrt(((parts.test[name] - guess) ** 2).mean(["case", "time"]))
        np.testing.assert_allclose(scores[f"rmse_{name}"].sel(model="mean"), by_hand, rtol=ROUNDING)


def test_every_score_has_units_and_every_model_its_row(scores):
    assert scores["model"].values.tolist() == ["surrogate", "mean", "linear", "quadratic"]
    assert scores["rmse_flux"].dims == ("model", "component")
    assert scores["component"].values.tolist() == ["east", "north", "up"]
    units = {name: score.attrs["units"] for name, score in scores.items()}
    assert units["rmse_density"] == units["mae_density"] == "kg m-3"
    assert units["rmse_flux"] == "kg m-2 s-1"
    assert {units[name] for name in units if name.startswith(("r2", "coverage", "in_domain"))} == {"1"}
    assert np.isfinite(scores.to_array()).all()


def test_units_of_the_test_data_do_not_change_a_score(surrogate, test_part, scores):
    test_part["density"] = (test_part["density"] * 1000).assign_attrs(units="g m-3")
    again = evaluate(surrogate, test_part)
    np.testing.assert_allclose(again["rmse_density"], scores["rmse_density"], rtol=ROUNDING)


def test_test_data_that_do_not_fit_are_refused(surrogate, test_part):
    test_part["density"][0, 0] = np.nan
    assert_refused(NonFiniteError, lambda: evaluate(surrogate, test_part), "'density'")
    del test_part["temperature"].attrs["units"]
    assert_refused(UnitsError, lambda: evaluate(surrogate, test_part), "'temperature'")


def test_metrics_of_known_errors_are_known():
    truth = torch.tensor([[0.0, 10.0], [2.0, 30.0]])
    predicted = truth + torch.tensor([[3.0, 0.0], [-4.0, 0.0]])
    assert metrics.rmse(predicted, truth).tolist() == pytest.approx([12.5**0.5, 0.0], rel=1e-6)
    assert metrics.mean_absolute_error(predicted, truth).tolist() == [3.5, 0.0]
    assert metrics.r2(predicted, truth).tolist() == [1 - 12.5 / 1.0, 1.0]
    assert metrics.r2(truth.mean(0).expand(2, 2), truth).tolist() == [0.0, 0.0]
