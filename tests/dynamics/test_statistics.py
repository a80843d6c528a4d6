"""Statistics of trajectories against closed forms."""

import inspect
import math

import numpy as np
import pytest

from geodl.dynamics.chaos.statistics import (
    autocorrelation,
    bounded_share,
    power_spectrum,
    successive_maxima,
    wasserstein1,
)
from geodl.dynamics.reference import attractor_starts
from geodl.dynamics.taylor import taylor_trajectory
from geodl.errors import OptionError, SchemaError
from geodl.testing import assert_refused


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("sizes", [(100, 100), (100, 70), (1, 12), (7, 1)], ids=str)
def test_distance_of_distributions_equals_the_integral_of_their_difference(sizes):
    a, b = normal(sizes[0], 2), normal(sizes[1], 2, seed=1) * 3 + 1
    spread = np.where(b.std(0) > 0, b.std(0), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = wasserstein1(a, b) * b.std(0) / spread
    expected = []
    for x, y in zip(a.T, b.T, strict=True):
        points = np.sort(np.concatenate([x, y]))
        shares = [np.searchsorted(np.sort(z), points[:-1], side="right") / len(z) for z in (x, y)]
        expected.append((np.abs(shares[0] - shares[1]) * np.diff(points)).sum())
    if sizes[1] > 1:
        np.testing.assert_allclose(found, np.array(expected) / spread, rtol=1e-12)


def test_a_shift_is_a_distance_of_the_shift_over_the_deviation():
    truth = normal(1000, 3) * [1.0, 2.0, 4.0]
    np.testing.assert_allclose(wasserstein1(truth[::-1] + 0.7, truth), 0.7 / truth.std(0), rtol=1e-12)


def test_normal_distributions_differ_by_their_means_and_deviations():
    # W1 of N(0, 1) and N(0, s) is (s − 1) sqrt(2/π): the quantile functions differ by (s − 1) times a normal deviate.
    found = wasserstein1(1.5 * normal(200_000, 1), normal(150_000, 1, seed=1))
    assert found[0] == pytest.approx(0.5 * math.sqrt(2 / math.pi), abs=0.01)


def test_a_forecast_that_blew_up_has_no_distance_in_that_component():
    forecast = normal(50, 2)
    forecast[3, 1] = np.inf
    assert np.isnan(wasserstein1(forecast, normal(50, 2))).tolist() == [False, True]


def test_other_components_are_refused():
    assert_refused(SchemaError, lambda: inspect.unwrap(wasserstein1)(normal(5, 2), normal(5, 3)), "(5, 2)", "(5, 3)")
    assert_refused(SchemaError, lambda: wasserstein1(normal(0, 2), normal(5, 2)), "(0, 2)")


def test_the_spectrum_of_a_sine_peaks_at_its_frequency_and_integrates_to_its_variance():
    dt, times = 0.05, 0.05 * np.arange(8000)
    path = np.stack([3 * np.sin(2 * np.pi * 2.0 * times), np.cos(2 * np.pi * 5.0 * times)], -1)
    frequency, density = power_spectrum(path, dt)
    np.testing.assert_allclose(frequency[density.argmax(0)], [2.0, 5.0], atol=frequency[1])
    np.testing.assert_allclose(density.sum(0) * frequency[1], [4.5, 0.5], rtol=1e-3)


def test_the_spectrum_of_white_noise_is_flat():
    frequency, density = power_spectrum(normal(20_000, 4), 0.1, segments=199)
    assert density[2:-1].mean() == pytest.approx(2 * 0.1, rel=0.02)  # one-sided: variance over the highest frequency
    assert frequency[-1] == pytest.approx(5.0)


@pytest.mark.parametrize("wrong", [{"dt": 0.0}, {"segments": 0}, {"segments": 51}], ids=str)
def test_a_spectrum_without_sense_is_refused(wrong: dict):
    assert_refused(OptionError, lambda: power_spectrum(normal(100, 1), **{"dt": 0.1, **wrong}), "50 segments")


def test_an_autoregressive_series_forgets_at_its_rate():
    noise, path = normal(200_000, 2), np.zeros((200_000, 2))
    for k in range(1, len(path)):
        path[k] = [0.9, -0.5] * path[k - 1] + noise[k]
    lags = np.arange(8)[:, None]
    np.testing.assert_allclose(autocorrelation(path, 7), [0.9, -0.5] ** lags, atol=0.02)


def test_the_autocorrelation_is_the_mean_of_products():
    path = normal(37, 2)
    anomaly = path - path.mean(0)
    expected = [(anomaly[: 37 - k] * anomaly[k:]).mean(0) / path.var(0) for k in range(37)]
    np.testing.assert_allclose(autocorrelation(path, 36), expected, rtol=1e-9, atol=1e-12)
    assert_refused(OptionError, lambda: autocorrelation(path, 37), "37", "36")


def test_maxima_between_outputs_are_those_of_the_parabola():
    times = 0.1 * np.arange(600)
    pairs = successive_maxima(np.sin(times) * np.exp(-times / 100))
    top = math.atan(100)  # where the derivative is zero
    expected = [math.sin(top) * math.exp(-(top + 2 * math.pi * k) / 100) for k in range(10)]
    np.testing.assert_allclose(pairs[:, 0], expected[: len(pairs)], rtol=1e-5)
    np.testing.assert_array_equal(pairs[1:, 0], pairs[:-1, 1])


def test_the_maxima_of_lorenz_63_lie_on_a_cusp():
    path = taylor_trajectory(attractor_starts(8, seed=3), 0.01, 4000, substep=0.02, order=16, dtype=np.float64)
    pairs = np.concatenate([successive_maxima(z) for z in path[..., 2].T])
    now, later = pairs[np.argsort(pairs[:, 0])].T
    assert len(now) == pytest.approx(8 * 40 / 0.766, rel=0.03)  # the mean time of one turn
    rises, falls = np.diff(later[now < 38.5]), np.diff(later[now > 38.7])
    assert rises.min() > -0.01  # maxima from parabolas are off by some thousandths, where they range from 29 to 48
    assert falls.max() < 0.01


def test_members_count_as_lost_once_they_have_left():
    path = np.zeros((5, 4, 2))
    path[2, 1, 0], path[4, 2, 1], path[1, 3, 1] = 10.5, np.nan, 19.0
    assert bounded_share(path, np.zeros(2), np.array([1.0, 2.0])) == 0.5
    assert bounded_share(path, np.zeros(2), np.array([1.0, 2.0]), limit=11.0) == 0.75
    assert bounded_share(path[:, 0], np.zeros(2), np.ones(2)) == 1.0
