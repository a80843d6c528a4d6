"""The ensemble smoother: exact where an ensemble can be, convergent where it is a sample, useful on Lorenz-63."""

import dataclasses
import functools

import pytest
import torch
from torch import Tensor

from geodl.dynamics.dataset import lorenz63_dataset
from geodl.dynamics.fields import BilinearField
from geodl.dynamics.identification.integrator_training import FlowMap, exact, fit_flow_map
from geodl.dynamics.identification.kalman import Gaussians, LinearSystem, kalman_filter, kalman_smoother
from geodl.dynamics.identification.observation import Observation, components, linear
from geodl.dynamics.identification.shooting import series_of
from geodl.dynamics.identification.smoother import EnsembleSmoother, smooth_and_fit
from geodl.errors import NonFiniteError, OptionError, SchemaError, ShapeError
from geodl.testing import assert_refused

TIMES, N, STD = 8, 3, 0.7


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


MODEL = torch.linalg.qr(normal(N, N, seed=1))[0]
OPERATOR = normal(2, N, seed=3)


def system(model_std: float) -> LinearSystem:
    eye = torch.eye(N, dtype=torch.float64)
    return LinearSystem(MODEL, model_std**2 * eye, OPERATOR, STD**2 * torch.eye(2, dtype=torch.float64))


def smoother(**options: float) -> EnsembleSmoother:
    return EnsembleSmoother(lambda states: states @ MODEL.mT, Observation(linear(OPERATOR), STD), **options)


def series() -> Tensor:
    values = 2 * normal(TIMES, 2, seed=5)
    values[2, 0] = values[3] = torch.nan
    return values


def ensemble_of(mean: Tensor, covariance: Tensor, members: int) -> Tensor:
    """Members whose mean and covariance are exactly these."""
    sample = normal(members, len(mean), seed=8)
    orthonormal = torch.linalg.qr(sample - sample.mean(0))[0]
    return mean + (members - 1) ** 0.5 * orthonormal @ torch.linalg.cholesky(covariance).mT


def moments(path: Tensor) -> Gaussians:
    anomalies = path - path.mean(-2, keepdim=True)
    return Gaussians(path.mean(-2), anomalies.mT @ anomalies / (path.shape[-2] - 1))


PRIOR = normal(N, seed=6), torch.diag(torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64))


@pytest.mark.parametrize("members", [N + 1, 10])
def test_without_model_error_the_filter_is_that_of_kalman(members: int):
    path = smoother().smooth(ensemble_of(*PRIOR, members), series())
    exact, found = kalman_filter(system(0.0), *PRIOR, series()), moments(path)
    torch.testing.assert_close(found.mean, exact.mean, rtol=0, atol=1e-12)
    torch.testing.assert_close(found.covariance, exact.covariance, rtol=0, atol=1e-12)


@pytest.mark.parametrize("members", [N + 1, 10])
def test_without_model_error_the_smoother_is_that_of_rauch_tung_and_striebel(members: int):
    path = smoother(lag=TIMES).smooth(ensemble_of(*PRIOR, members), series())
    exact = kalman_smoother(system(0.0), kalman_filter(system(0.0), *PRIOR, series()))
    found = moments(path)
    torch.testing.assert_close(found.mean, exact.mean, rtol=0, atol=1e-11)
    torch.testing.assert_close(found.covariance, exact.covariance, rtol=0, atol=1e-11)


def test_with_model_error_large_ensembles_come_to_the_exact_smoother():
    exact = kalman_smoother(system(0.3), kalman_filter(system(0.3), *PRIOR, series()))
    errors = []
    for members in (100, 10_000):
        found = moments(smoother(model_std=0.3, lag=TIMES).smooth(ensemble_of(*PRIOR, members), series()))
        errors.append(
            float((found.mean - exact.mean).abs().mean() + (found.covariance - exact.covariance).abs().mean())
        )
    assert errors[1] < 0.01  # standard deviations are near 0.5; 1 / √members = 0.01
    assert errors[1] < errors[0] / 4  # tenfold on average


def test_steps_by_hand_give_what_smooth_gives():
    lagged, start, values = smoother(model_std=0.2, inflation=1.1, lag=2, seed=3), normal(6, N), series()
    noise = torch.Generator().manual_seed(3)
    latest, final = lagged.analyse(start[None], values[0]), []
    for present in values[1:]:
        final += [latest[0]] if len(latest) > 2 else []
        latest = lagged.step(latest, present, noise)
    torch.testing.assert_close(torch.stack([*final, *latest]), lagged.smooth(start, values), rtol=0, atol=1e-14)


def test_a_series_does_not_depend_on_its_neighbours():
    start, values = normal(2, 6, N), torch.stack([series(), normal(TIMES, 2, seed=9)], 1)
    together = smoother(lag=3, inflation=1.05).smooth(start, values)
    for i in range(2):
        alone = smoother(lag=3, inflation=1.05).smooth(start[i], values[:, i])
        torch.testing.assert_close(together[:, i], alone, rtol=0, atol=1e-12)


def test_a_value_that_is_missing_changes_nothing():
    start = normal(5, N)
    unchanged = smoother().analyse(start[None], torch.full((2,), torch.nan, dtype=torch.float64))[0]
    torch.testing.assert_close(unchanged, start, rtol=0, atol=1e-15)


def test_any_function_can_be_the_operator():
    """Values in other units, with an offset, tell the same."""
    start, values = normal(6, N), normal(2)
    converted = EnsembleSmoother(lambda u: u, Observation(lambda u: u @ OPERATOR.mT * 2 + 1, 2 * STD))
    expected = smoother().analyse(start[None], values)
    torch.testing.assert_close(converted.analyse(start[None], 2 * values + 1), expected, rtol=0, atol=1e-13)


def test_lorenz63_from_noisy_x_alone():
    """RMSE below the noise in x; y and z, never observed, are known to a tenth of their climate."""
    truth = series_of(lorenz63_dataset(4, 201, 0.05, seed=3)[list("xyz")].to_dataarray("component"))
    x = truth[..., :1] + normal(201, 4, 1)
    start = truth.flatten(0, 1).mean(0) + truth.flatten(0, 1).std(0) * normal(4, 40, 3, seed=1)
    flow = FlowMap(exact, 0.05, substeps=2)
    rmse = {}
    for lag in (0, 10):
        path = EnsembleSmoother(flow, Observation(components(0)), inflation=1.02, lag=lag).smooth(start, x)
        rmse[lag] = (path.mean(-2) - truth)[50:].square().mean((0, 1)).sqrt()
    assert rmse[0][0] < 0.7
    assert rmse[10][0] < 0.5
    assert (rmse[10] < rmse[0]).all()
    assert (rmse[10] < 0.1 * truth.flatten(0, 1).std(0)).all()


@functools.cache
def lorenz63_series(seed: int, dt: float = 0.01) -> Tensor:
    return series_of(lorenz63_dataset(10, 151, dt, seed=seed)[list("xyz")].to_dataarray("component"))


def test_smoothing_and_fitting_in_turn_learn_a_field_from_noise():
    """Noise of 0.5 at dt = 0.01 hides the change over one interval, 0.64: a fit to the data themselves is poor."""
    truth, fresh = lorenz63_series(5), lorenz63_series(9)
    values = truth + 0.5 * normal(*truth.shape)
    field = BilinearField(3).double()
    flow = FlowMap(field, 0.01)
    fit_flow_map(flow, values)
    before = flow.error(fresh) ** 0.5
    start = values[0][:, None] + 0.5 * normal(10, 20, 3, seed=1)
    refined = smooth_and_fit(EnsembleSmoother(flow, Observation(std=0.5), 0.1, lag=30), start, values, rounds=5)
    assert before > 0.08
    assert flow.error(fresh) ** 0.5 < 0.25 * before
    assert (refined.states - truth).square().mean().sqrt() < 0.15
    assert len(refined.model_std) == 6
    assert refined.model_std[-1] < refined.model_std[1]


def test_settings_out_of_range_are_refused():
    assert_refused(OptionError, lambda: smoother(inflation=0.9), "0.9")
    assert_refused(OptionError, lambda: smoother(lag=-1), "lag=-1")
    assert_refused(OptionError, lambda: smoother(model_std=-0.1), "-0.1")
    flow = dataclasses.replace(smoother(), model=FlowMap(exact, 0.01))
    assert_refused(OptionError, lambda: smooth_and_fit(flow, normal(2, 5, N), normal(4, 2, 2), rounds=0), "rounds is 0")


def test_ensembles_and_values_that_do_not_fit_are_refused():
    assert_refused(OptionError, lambda: smoother().smooth(normal(1, N), series()), "2 members")
    assert_refused(SchemaError, lambda: smoother().smooth(normal(5, N), normal(TIMES, 3)), "2 values", "3")
    assert_refused(NonFiniteError, lambda: smoother().smooth(normal(5, N), torch.inf * series()), "infinite")
    assert_refused(NonFiniteError, lambda: smoother().smooth(torch.nan * normal(5, N), series()), "15 numbers of start")


@pytest.mark.usefixtures("unchecked")
def test_ensembles_of_other_series_than_the_values_are_refused():
    assert_refused(ShapeError, lambda: smoother().smooth(normal(2, 5, N), series()), "(2,)", "series")


def test_a_model_that_blows_up_is_named_with_its_interval():
    wild = EnsembleSmoother(lambda u: torch.inf * u, Observation(linear(OPERATOR), STD))
    assert_refused(NonFiniteError, lambda: wild.smooth(normal(5, N), series()), "interval 1", "5 members")


def test_only_a_flow_map_can_be_fitted():
    assert_refused(OptionError, lambda: smooth_and_fit(smoother(), normal(2, 5, N), normal(4, 2, 2)), "FlowMap")
