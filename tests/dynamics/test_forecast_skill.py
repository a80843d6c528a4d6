"""Valid prediction time and errors of forecasts whose skill is known beforehand."""

import inspect
import math

import numpy as np
import pytest

from geodl.dynamics.chaos.forecast_skill import (
    PredictionTimes,
    ground_truth_time,
    normalised_error,
    rmse_at_lead,
    spread_and_error,
    valid_prediction_time,
)
from geodl.dynamics.lorenz63 import CLIMATE_STD, LYAPUNOV_EXPONENT, LYAPUNOV_TIME
from geodl.dynamics.reference import attractor_starts
from geodl.dynamics.taylor import taylor_trajectory
from geodl.errors import NonFiniteError, OptionError, SchemaError
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


def test_a_forecast_is_judged_no_longer_than_its_truth_is_known():
    forecast = PredictionTimes(np.array([3.0, 5.0, 5.0, 9.0, 10.0]), np.array([False, False, False, False, True]))
    truths = PredictionTimes(np.array([5.0, 5.0, 4.0, 10.0, 10.0]), np.array([False, False, False, True, True]))
    capped = forecast.capped(truths)
    assert capped.times.tolist() == [3, 5, 4, 9, 10]
    assert capped.censored.tolist() == [False, True, True, False, True]


def test_a_failure_at_the_last_output_is_no_bound_where_the_truths_agree_to_the_end():
    forecast = PredictionTimes(np.array([10.0]), np.array([False]))
    assert not forecast.capped(PredictionTimes(np.array([10.0]), np.array([True]))).censored[0]


def test_truths_of_two_steps_agree_until_their_difference_has_grown():
    starts = attractor_starts(16, seed=2)
    one, other = (
        taylor_trajectory(starts, 0.05, 500, order=order, substep=0.025, dtype=np.float64) for order in (8, 10)
    )
    known = ground_truth_time(one, other, 0.05, CLIMATE_STD, LYAPUNOV_TIME)
    nearby = taylor_trajectory(starts * 1.001, 0.05, 500, order=8, substep=0.025, dtype=np.float64)
    skill = valid_prediction_time(nearby, one, 0.05, CLIMATE_STD, LYAPUNOV_TIME)
    assert not known.censored.any()
    assert np.median(known.times) > np.median(skill.times) + 5
    capped = skill.capped(known)
    np.testing.assert_array_equal(capped.times, skill.times)
    np.testing.assert_array_equal(one_is_its_own_truth(one, known).times, known.times)


def one_is_its_own_truth(path: np.ndarray, known: PredictionTimes) -> PredictionTimes:
    """The perfect forecast, capped: every start is censored where the truths part."""
    capped = valid_prediction_time(path, path, 0.05, CLIMATE_STD, LYAPUNOV_TIME).capped(known)
    assert capped.censored.all()
    return capped


def test_a_truth_that_is_no_number_and_another_number_of_starts_are_refused():
    broken = TRUTH.copy()
    broken[3, 1, 0] = np.nan
    assert_refused(NonFiniteError, lambda: ground_truth_time(TRUTH, broken, DT, 1.0, 1.0), "NaN")
    some, fewer = (PredictionTimes(np.ones(n), np.zeros(n, dtype=bool)) for n in (4, 3))
    assert_refused(SchemaError, lambda: some.capped(fewer), "(3,)", "(4,)")


def test_a_reliable_ensemble_of_any_size_spreads_as_far_as_it_errs():
    random = np.random.default_rng(0)
    for members in (2, 5, 20):
        ensemble, truth = random.normal(size=(members, 2, 100_000, 1)), random.normal(size=(2, 100_000, 1))
        spread, error = spread_and_error(ensemble, truth)
        np.testing.assert_allclose(spread, error, rtol=0.01)
        np.testing.assert_allclose(error, math.sqrt(1 + 1 / members), rtol=0.01)


def test_an_ensemble_of_one_or_of_another_shape_is_refused():
    assert_refused(OptionError, lambda: spread_and_error(TRUTH[None], TRUTH), "1 members", "at least 2")
    unchecked = inspect.unwrap(spread_and_error)
    assert_refused(SchemaError, lambda: unchecked(np.stack([TRUTH, TRUTH]), TRUTH[:5]), "(1001, 4, 3)", "(5, 4, 3)")
