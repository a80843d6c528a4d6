"""Valid prediction time and errors of forecasts whose skill is known beforehand."""

import inspect
import math

import numpy as np
import pytest

from geodl.dynamics.forecast_skill import normalised_error, rmse_at_lead, valid_prediction_time
from geodl.dynamics.lorenz63 import CLIMATE_STD, LYAPUNOV_EXPONENT, LYAPUNOV_TIME
from geodl.dynamics.reference import attractor_starts
from geodl.dynamics.taylor import taylor_trajectory
from geodl.errors import OptionError, SchemaError
from geodl.testing import assert_refused

DT, TIMES = 0.01, 0.01 * np.arange(1001)
TRUTH = np.sin(TIMES[:, None, None] + np.arange(12.0).reshape(1, 4, 3))


def growing(first: np.ndarray) -> np.ndarray:
    """A forecast whose normalised error is ``first`` per start, growing by e in each Lyapunov time."""
    direction = np.array([2.0, -1.0, 2.0]) / 3
    growth = np.exp(TIMES / LYAPUNOV_TIME)
    return TRUTH + CLIMATE_STD * growth[:, None, None] * first[None, :, None] * direction


def test_the_normalised_error_is_one_when_off_by_one_climate():
    forecast = TRUTH + 5.0 * np.array([0.0, 0.6, -0.8])
    np.testing.assert_allclose(normalised_error(forecast, TRUTH, 5.0), 1.0, rtol=1e-13)


def test_a_forecast_that_equals_the_truth_is_censored_at_the_end_of_the_window():
    skill = valid_prediction_time(TRUTH, TRUTH, DT, CLIMATE_STD, LYAPUNOV_TIME)
    assert skill.censored.all()
    np.testing.assert_allclose(skill.times, 10.0 / LYAPUNOV_TIME, rtol=1e-13)


def test_an_exponentially_growing_error_crosses_at_the_known_time():
    first = np.array([1e-1, 1e-2, 1e-3, 1e-9])
    skill = valid_prediction_time(growing(first), TRUTH, DT, CLIMATE_STD, LYAPUNOV_TIME)
    step = DT / LYAPUNOV_TIME
    expected = np.ceil(np.log(0.4 / first) / step) * step
    np.testing.assert_allclose(skill.times[:3], expected[:3], rtol=1e-12)
    np.testing.assert_array_equal(skill.censored, [False, False, False, True])


def test_the_first_crossing_counts_even_if_the_forecast_comes_back():
    forecast = TRUTH.copy()
    forecast[100, 0] += CLIMATE_STD
    skill = valid_prediction_time(forecast, TRUTH, DT, CLIMATE_STD, LYAPUNOV_TIME)
    assert skill.times[0] == pytest.approx(1.0 * LYAPUNOV_EXPONENT)
    np.testing.assert_array_equal(skill.censored, [False, True, True, True])


def test_an_error_that_only_reaches_the_threshold_is_still_valid():
    forecast = np.zeros((3, 1, 3))
    forecast[1, 0, 0], forecast[2, 0, 0] = 0.5, np.nextafter(0.5, 1)
    skill = valid_prediction_time(forecast, np.zeros((3, 1, 3)), 1.0, 1.0, 1.0, threshold=0.5)
    assert skill.times.tolist() == [2.0]
    assert not skill.censored[0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300])
@pytest.mark.parametrize("when", [0, 37, 1000])
def test_a_forecast_that_is_no_number_ends_when_it_became_so(bad: float, when: int):
    forecast = TRUTH.copy()
    forecast[when:, 1, 2] = bad
    skill = valid_prediction_time(forecast, TRUTH, DT, CLIMATE_STD, LYAPUNOV_TIME)
    assert skill.times[1] == pytest.approx(when * DT * LYAPUNOV_EXPONENT)
    np.testing.assert_array_equal(skill.censored, [True, False, True, True])


def test_a_start_off_by_a_known_amount_lasts_as_long_as_its_growth_allows():
    starts = attractor_starts(48, seed=0)
    truth, other = (
        taylor_trajectory(s, 0.05, 300, substep=0.025, dtype=np.float64) for s in (starts, starts * 1.00001)
    )
    skill = valid_prediction_time(other, truth, 0.05, CLIMATE_STD, LYAPUNOV_TIME)
    first = np.median(normalised_error(other, truth, CLIMATE_STD)[0])
    assert np.median(skill.times) == pytest.approx(math.log(0.4 / first), abs=1.0)


def test_rmse_is_the_mean_over_starts_and_components():
    forecast = TRUTH.copy()
    forecast[4, 0, 0] += 6.0
    assert rmse_at_lead(forecast, TRUTH, 4) == pytest.approx(math.sqrt(36 / 12), rel=1e-14)
    assert rmse_at_lead(forecast, TRUTH, 5) == 0.0


def test_one_member_that_blew_up_spoils_the_rmse():
    forecast = TRUTH.copy()
    forecast[4, 0, 0] = np.nan
    assert math.isnan(rmse_at_lead(forecast, TRUTH, 4))


@pytest.mark.parametrize("lead", [-1, 0, 1001])
def test_a_lead_outside_the_forecast_is_refused(lead: int):
    assert_refused(OptionError, lambda: rmse_at_lead(TRUTH, TRUTH, lead), str(lead), "1000")


def test_a_forecast_of_another_length_is_refused():
    unchecked = inspect.unwrap(normalised_error)  # as users have it: shapes in annotations are checked only in tests
    assert_refused(SchemaError, lambda: unchecked(TRUTH[:5], TRUTH, 1.0), "(5, 4, 3)", "(1001, 4, 3)")
