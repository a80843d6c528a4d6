"""Scores flow by flow: those of the metrics over the cells that count, and pooled over all of them."""

import numpy as np
import pytest
import torch
import xarray as xr

import geodl
from geodl.core.surrogate import Surrogate
from geodl.train.config import FitConfig
from geodl.train.evaluate import evaluate
from geodl.train.split import split
from geodl.turbulence.physics.metrics import frobenius_error, pooled
from geodl.turbulence.scores import SCORES, flows_of, rmse_ln_k, scores


@pytest.fixture(scope="module")
def surrogate() -> Surrogate:
    family = geodl.family("turbulence", members=2, width=16, depth=2)
    parts = split(family.example(0), "flow")
    config = FitConfig.parse({**family.settings, "epochs": 3, "batch_size": 64})
    return geodl.fit(family, parts.train, parts.valid, config=config, show=False)


@pytest.fixture(scope="module")
def test_flows() -> xr.Dataset:
    """Three flows, of which the masks leave 90, 100 and 60 cells."""
    ds = geodl.family("turbulence").example(5).isel(cell=slice(0, 300))
    clean = np.ones(300, bool)
    clean[:10], clean[200:240] = False, False
    return ds.assign(valid_clean=("cell", clean, {"units": "1", "long_name": "trusted"}))


def test_scores_have_units_names_and_a_good_end(surrogate, test_flows):
    found = scores(surrogate, test_flows)
    assert set(found.data_vars) == {*SCORES, *(f"{name}_pooled" for name in SCORES)}
    for name, array in found.data_vars.items():
        assert array.dims == (("model",) if str(name).endswith("_pooled") else ("model", "flow"))
        assert array.attrs["units"] == "1"
        assert array.attrs["long_name"]
        assert array.attrs["best"] in ("low", "high")
        assert bool(np.isfinite(array).all())
    assert found["model"].values[0] == "surrogate"
    assert found["cells"].values.tolist() == [90, 100, 60]


def test_a_pooled_error_is_that_of_all_cells(surrogate, test_flows):
    found = scores(surrogate, test_flows)
    cells = torch.from_numpy(found["cells"].values).double()
    for model in found["model"].values:
        each = torch.from_numpy(found["frobenius_error"].sel(model=model).values)
        whole = float(found["frobenius_error_pooled"].sel(model=model))
        assert float(pooled(each, cells)) == pytest.approx(whole, rel=1e-6)
    largest = found["largest_norm"].max("flow").values
    np.testing.assert_array_equal(found["largest_norm_pooled"].values, largest)


def test_the_error_is_that_of_the_predictions_that_count(surrogate, test_flows):
    chosen = surrogate.family.samples(test_flows)[0]
    error = surrogate(chosen)["anisotropy"].values - chosen["anisotropy"].values
    found = scores(surrogate, test_flows)
    for flow, rows in flows_of(surrogate, test_flows).items():
        expected = frobenius_error(torch.from_numpy(error[rows]), torch.zeros(len(rows), 3, 3).double())
        assert float(found["frobenius_error"].sel(model="surrogate", flow=flow)) == pytest.approx(float(expected), 1e-5)


def test_the_surrogate_is_realizable_and_what_is_not_is_counted(surrogate, test_flows):
    strained = test_flows.assign(omega=0.02 * test_flows["omega"].assign_attrs(units="s-1"))
    found = scores(surrogate, strained)
    assert float(found["nonrealizable_share_pooled"].sel(model="surrogate")) == 0
    assert float(found["largest_norm_pooled"].sel(model="surrogate")) <= 0.8165
    assert float(found["nonrealizable_share_pooled"].sel(model="linear eddy viscosity")) > 0.1


def test_a_factor_of_e_in_k_is_an_error_of_one():
    k = torch.rand(20, generator=torch.Generator().manual_seed(0)).double() + 0.1
    assert float(rmse_ln_k(torch.e * k, k)) == pytest.approx(1)


def test_cells_without_a_name_are_one_flow(surrogate, test_flows):
    assert list(scores(surrogate, test_flows.drop_vars("flow"))["flow"].values) == ["all cells"]


def test_they_stand_beside_the_scores_of_every_family(surrogate, test_flows):
    found = evaluate(surrogate, test_flows)
    assert {"rmse_anisotropy", "frobenius_error", "frobenius_error_pooled", "in_domain"} <= set(found.data_vars)
