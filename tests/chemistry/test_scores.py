"""Scores of single steps: what a perfect model, no model, and a trained one get."""

import numpy as np
import pytest
import torch
import xarray as xr

import geodl
from geodl.chemistry.example import one_step
from geodl.chemistry.scores import element_error, scores, species_change_error, temperature_change_error
from geodl.errors import MechanismError
from geodl.testing import assert_refused
from geodl.train.config import FitConfig


@pytest.fixture(scope="module")
def surrogate():
    """As good as untrained."""
    family = geodl.family("chemistry", hidden=(8,))
    parts = geodl.split(family.example(0), family.group)
    return geodl.fit(family, parts.train, parts.valid, config=FitConfig(epochs=1), show=False)


@pytest.fixture(scope="module")
def test_data() -> xr.Dataset:
    return geodl.family("chemistry").example(1)


def states(count: int = 5):
    random = torch.Generator().manual_seed(0)
    temperature = 1000 + 500 * torch.rand(count, generator=random, dtype=torch.float64)
    fractions = torch.rand(count, 4, generator=random, dtype=torch.float64)
    return temperature, fractions / fractions.sum(1, keepdim=True)


def test_the_truth_has_no_error_and_no_change_is_all_wrong():
    (t, y), (hot, new) = states(), states(5)
    hot, new = hot + 100, new.flip(0)
    inputs = t, torch.ones_like(t), y, torch.ones_like(t)
    for error in (temperature_change_error, species_change_error):
        assert (error((hot, new), (hot, new), inputs) == 0).all()
    np.testing.assert_allclose(temperature_change_error((t, y), (hot, new), inputs), 1.0, rtol=1e-12)
    moved = (new - y).abs().sum(1) > 0
    np.testing.assert_allclose(species_change_error((t, y), (hot, new), inputs)[moved], 1.0, rtol=1e-12)


def test_small_changes_are_no_excuse_for_large_numbers():
    t, y = states()
    inputs = t, torch.ones_like(t), y, torch.ones_like(t)
    np.testing.assert_allclose(temperature_change_error((t + 0.5, y), (t, y), inputs), 0.5, rtol=1e-9)


def test_the_error_of_an_element_is_relative_to_what_is_there():
    mechanism = one_step()
    t, y = torch.ones(1), torch.tensor([[0.1, 0.9, 0.0, 0.0]], dtype=torch.float64)
    lost = y * torch.tensor([0.98, 1.0, 1.0, 1.0], dtype=torch.float64)
    error = element_error((t, lost), (t, t, y, t), mechanism)
    np.testing.assert_allclose(error, 0.02, rtol=1e-9)


def test_the_surrogate_keeps_the_elements_and_a_linear_map_does_not(surrogate, test_data):
    largest = scores(surrogate, test_data)["element_error"].sel(statistic="largest")
    assert float(largest.sel(model="surrogate")) < 1e-6  # of single precision
    assert float(largest.sel(model="linear")) > 1e-4
    assert float(largest.sel(model="unchanged")) == 0


def test_statistics_are_in_order_and_shares_are_shares(surrogate, test_data):
    found = scores(surrogate, test_data)
    for name in ("temperature_change_error", "species_change_error", "element_error"):
        values = found[name].sel(statistic=["median", "p95", "largest"]).values
        assert (np.diff(values, axis=1) >= 0).all()
    for name in ("share_frozen", "share_clipped", "share_out_of_domain"):
        assert 0 <= float(found[name]) <= 1


def test_scores_stand_in_the_evaluation(surrogate, test_data):
    assert "species_change_error" in geodl.evaluate(surrogate, test_data)


def test_data_of_another_mechanism_are_refused(surrogate, test_data):
    other = test_data.assign_attrs(mechanism_fingerprint="0" * 64)
    assert_refused(MechanismError, lambda: scores(surrogate, other), "fingerprint")
