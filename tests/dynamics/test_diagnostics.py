"""All diagnostics at once: of the true equations, of wrong ones, and of what is no model at all."""

import dataclasses
import math

import numpy as np
import pytest
import torch
import xarray as xr

from geodl.dynamics.chaos.diagnostic_plots import diagnostic_figures
from geodl.dynamics.chaos.diagnostics import Settings, diagnose, reference_run, step_of
from geodl.dynamics.dataset import lorenz63_dataset
from geodl.dynamics.lorenz63 import CLIMATE_STD, lorenz63
from geodl.errors import NonFiniteError, OptionError, SchemaError, TimeAxisError
from geodl.testing import assert_refused

DT, SPECTRUM = 0.02, (0.9056, 0.0, -14.5723)
SHORT = Settings(spectrum_steps=500, warm_up=200, members=5)
NO_SPECTRUM = dataclasses.replace(SHORT, spectrum_steps=0)


def rk4(rho=28.0, h=DT):
    def step(y):
        a = lorenz63(y, rho=rho)
        b = lorenz63(y + h / 2 * a, rho=rho)
        c = lorenz63(y + h / 2 * b, rho=rho)
        return y + h / 6 * (a + 2 * b + 2 * c + lorenz63(y + h * c, rho=rho))

    return step


@pytest.fixture(scope="module")
def truth() -> xr.Dataset:
    return lorenz63_dataset(16, 1000, DT, seed=4)


@pytest.fixture(scope="module")
def found(truth: xr.Dataset) -> xr.Dataset:
    return diagnose(rk4(), truth, other_truth=truth, exponents=SPECTRUM, settings=SHORT)


def test_the_true_equations_are_found_good(found: xr.Dataset):
    low, median, high = found["valid_prediction_time_quantiles"].values
    assert 6 < low < median < high < 14  # classic RK4 at 0.02
    assert (found["wasserstein1"] < 0.15).all()
    assert float(found["bounded_share"]) == 1
    assert float(found["lyapunov_exponents"][0]) == pytest.approx(0.9056, abs=0.1)
    assert float(found["lyapunov_sum"]) == pytest.approx(-41 / 3, abs=5e-3)
    assert float(found["kaplan_yorke"]) == pytest.approx(2.062, abs=0.01)
    assert float(found["kaplan_yorke_truth"]) == pytest.approx(2.0621, abs=1e-4)


def test_its_climate_is_the_one_of_the_system(truth: xr.Dataset):
    given = reference_run(truth, None)
    np.testing.assert_allclose(given.scale, CLIMATE_STD, rtol=0.03)
    assert given.dt == pytest.approx(DT)
    assert given.path.shape == (1000, 16, 3)


def test_wrong_equations_are_found_worse(truth: xr.Dataset, found: xr.Dataset):
    wrong = diagnose(rk4(rho=35.0), truth, exponents=SPECTRUM, settings=NO_SPECTRUM)
    assert float(wrong["valid_prediction_time_quantiles"][1]) < 1
    assert float(wrong["wasserstein1"].sel(component="z")) > 0.5
    at_one = [data["crps"].sel(lead=1.0, method="nearest") for data in (wrong, found)]
    assert (at_one[0] > 10 * at_one[1]).all()
    assert "lyapunov_exponents" not in wrong
    assert "ground_truth_time" not in wrong


def test_a_perfect_ensemble_is_reliable_and_ends_without_skill(found: xr.Dataset):
    first = found.isel(lead=0)
    np.testing.assert_allclose(first["spread"], 1e-3 * math.sqrt(6 / 5), rtol=0.25)
    np.testing.assert_allclose(first["ensemble_error"], 1e-3 * math.sqrt(6 / 5), rtol=0.6)
    late = found.isel(lead=slice(-300, None)).mean("lead")
    np.testing.assert_allclose(late["crps_skill"], 0, atol=0.15)
    np.testing.assert_allclose(late["spread"], math.sqrt(6 / 5), rtol=0.15)
    assert (first["crps_skill"] > 0.99).all()


def test_a_truth_that_is_its_own_double_caps_nothing(found: xr.Dataset):
    assert found["ground_truth_time_censored"].all()
    assert not found["valid_prediction_time_censored"].any()


def test_every_variable_has_units_and_a_name(found: xr.Dataset):
    for name, variable in found.variables.items():
        if name not in ("quantile", "component", "source", "exponent"):
            assert {"units", "long_name"} <= set(variable.attrs), name


def test_components_of_other_units_count_by_their_own_deviations(truth: xr.Dataset, found: xr.Dataset):
    factor = torch.tensor([1.0, 1.0, 128.0])  # a power of two: chaos does not see another rounding
    scaled = truth.assign(z=(truth["z"] * 128).assign_attrs(units="cm"))
    scaled = scaled.assign_coords(time=truth["time"].assign_attrs(units="s"))
    other = diagnose(lambda y: rk4()(y / factor) * factor, scaled, settings=NO_SPECTRUM)
    for name in ("wasserstein1", "power", "density", "crps"):
        np.testing.assert_allclose(other[name], found[name], rtol=1e-6, atol=1e-12)
    assert other["valid_prediction_time"].attrs["units"] == other["power"].attrs["units"] == "s"
    assert other["frequency"].attrs["units"] == "s-1"
    assert other["maxima_truth"].attrs["units"] == "cm"


def test_an_array_is_as_good_as_a_dataset(truth: xr.Dataset, found: xr.Dataset):
    path = truth.to_dataarray("component").transpose("time", "trajectory", "component").values
    other = diagnose(rk4(), path, dt=DT, exponents=SPECTRUM, settings=NO_SPECTRUM)
    assert other["component"].values.tolist() == ["u0", "u1", "u2"]
    for name in ("valid_prediction_time", "wasserstein1", "crps"):
        np.testing.assert_allclose(other[name].values, found[name].values, rtol=1e-9, atol=1e-12)


def test_a_float32_model_is_diagnosed_in_its_own_precision(truth: xr.Dataset):
    seen = set()

    def step(y):
        seen.add(y.dtype)
        return rk4()(y)

    settings = dataclasses.replace(SHORT, dtype=torch.float32, spectrum_steps=50, warm_up=0)
    other = diagnose(step, truth.isel(time=slice(200)), settings=settings)
    assert seen == {torch.float32}
    assert other["lyapunov_exponents"].dtype == np.float64


def test_a_model_that_blows_up_has_a_diagnosis_too(truth: xr.Dataset):
    found = diagnose(lambda y: y + y**3, truth.isel(time=slice(100)), exponents=SPECTRUM, settings=SHORT)
    assert float(found["bounded_share"]) == 0
    assert found["lyapunov_exponents"].isnull().all()
    assert found["wasserstein1"].isnull().all()
    assert (found["valid_prediction_time"] < 0.1).all()
    assert diagnostic_figures(found)


def test_every_figure_has_labelled_axes(found: xr.Dataset):
    figures = diagnostic_figures(found)
    assert len(figures) == 8
    for title, figure in figures.items():
        figure.draw_without_rendering()
        shown = [axis for axis in figure.axes if axis.axison]
        assert all(axis.get_xlabel() or axis.get_ylabel() for axis in shown), title
        assert "[" in shown[0].get_ylabel(), title


def test_figures_without_a_spectrum_are_fewer(truth: xr.Dataset):
    found = diagnose(rk4(), truth.isel(time=slice(100)), settings=NO_SPECTRUM)
    assert len(diagnostic_figures(found)) == 6


def test_a_core_steps_to_its_first_lead():
    def core(x, y):
        return torch.stack([x + 1, x + 2], -1), torch.stack([y * 2, y * 4], -1)

    assert step_of(core)(torch.tensor([[1.0, 3.0], [2.0, 5.0]])).tolist() == [[2, 6], [3, 10]]


def test_what_is_no_truth_is_refused(truth: xr.Dataset):
    path = np.random.default_rng(0).normal(size=(40, 2, 3))
    gap = path.copy()
    gap[3, 1, 2] = np.nan
    uneven = truth.isel(time=[*range(40), 50])
    for error, data, dt, words in (
        (OptionError, path, None, "dt is None"),
        (OptionError, path, -0.1, "-0.1"),
        (OptionError, truth, 0.02, "its own time"),
        (NonFiniteError, gap, 0.1, "NaN"),
        (SchemaError, path[:31], 0.1, "31 states"),
        (SchemaError, path * [1.0, 0.0, 1.0], 0.1, "'u1' never changes"),
        (SchemaError, truth.drop_vars("time"), None, "time"),
        (TimeAxisError, uneven, None, "time steps"),
    ):
        assert_refused(error, lambda data=data, dt=dt: reference_run(data, dt), words)
    assert_refused(OptionError, lambda: diagnose(rk4(), path, dt=0.1, exponents=(-14.6, 0.9)), "-14.6", "largest")


@pytest.mark.parametrize("wrong", [{"members": 1}, {"threshold": 0.0}, {"perturbation": -1.0}, {"bins": 0}], ids=str)
def test_settings_out_of_range_are_refused(wrong: dict):
    ((key, value),) = wrong.items()
    assert_refused(OptionError, lambda: Settings(**wrong), f"{key}={value}")


def test_maxima_of_a_component_that_is_not_there_are_refused(truth: xr.Dataset):
    settings = dataclasses.replace(NO_SPECTRUM, maxima_of=3)
    assert_refused(OptionError, lambda: diagnose(rk4(), truth.isel(time=slice(50)), settings=settings), "3 components")
