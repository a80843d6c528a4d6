"""Partial observation."""

import math

import pytest
import torch

from geodl.dynamics.dataset import lorenz63_dataset
from geodl.dynamics.hybrid import KnownField
from geodl.dynamics.identification.hidden import hidden_components
from geodl.dynamics.identification.latent import fit_partial, forecast_partial, infer_start, nearest_states
from geodl.dynamics.identification.observation import Observation, components
from geodl.dynamics.identification.shooting import Shooting, series_of
from geodl.dynamics.lorenz63 import lorenz63
from geodl.errors import OptionError, SchemaError
from geodl.testing import assert_refused

DT, EXACT = 0.01, Shooting(tolerance=0.1)  # without noise the cost falls for ever, tenfold at first


def lorenz(trajectories, points, seed=3):
    return series_of(
        lorenz63_dataset(trajectories=trajectories, points=points, dt=DT, seed=seed).to_dataarray("component")
    )


def test_a_known_start_is_found_from_its_first_component():
    truth = lorenz(4, 21)
    wrong = torch.stack([truth[0].roll(k, 0) for k in (1, 2, 3)])
    window = truth[..., :1].clone()
    window[5:9, 2] = math.nan
    found = infer_start(
        KnownField(lorenz63), window, Observation(components(0)), candidates=wrong, dt=DT, shooting=EXACT
    )
    torch.testing.assert_close(found.states, truth[0], rtol=1e-5, atol=1e-5)
    assert found.misfit.max() < 1e-6


def test_uneven_times_are_followed_to_the_start():
    truth, kept = lorenz(3, 61), torch.tensor([0, 3, 4, 9, 15, 16, 20, 26, 33, 40, 41, 48, 53, 60])
    found = infer_start(
        KnownField(lorenz63), truth[kept, :, :1], Observation(components(0)),
        candidates=truth[None, 0] + 1, dt=DT * kept.double(), shooting=Shooting(substeps=8, tolerance=0.1),
    )  # fmt: skip
    torch.testing.assert_close(found.states, truth[0], rtol=1e-5, atol=1e-5)


def test_hidden_components_are_the_true_ones_up_to_an_affine_map():
    truth = lorenz(1, 2000)
    x = (truth[..., :1] / truth[..., :1].std()).numpy()
    guess = torch.from_numpy(hidden_components(x, 2))[400:-10, 0]
    columns = torch.cat([torch.ones(len(guess), 1), torch.from_numpy(x)[400:-10, 0], guess], 1)
    target = truth[400:-10, 0, 1:]
    rest = target - columns @ torch.linalg.lstsq(columns, target).solution
    assert (rest.std(0) / target.std(0)).max() < 0.1


@pytest.fixture(scope="module")
def model():
    return fit_partial(lorenz(1, 1500)[..., :1], 3, window=24)


def test_a_window_of_x_forecasts_x(model):
    x = lorenz(12, 71, seed=4)[..., :1]
    forecast = forecast_partial(model, x[:31], 40)
    error = (forecast - x[30:]).square().mean((1, 2)).sqrt()
    assert error[4] < 2e-4
    assert error[40] < 1e-2


def test_missing_values_in_a_window_are_left_out(model):
    x = lorenz(4, 41, seed=6)[..., :1]
    window = x[:31].clone()
    window[10:20] = math.nan
    error = (forecast_partial(model, window, 10) - x[30:]).abs().max()
    assert error < 1e-3


def test_the_nearest_training_state_of_a_training_window_is_its_own(model):
    window = model.states[200:260, :, :1]
    assert torch.equal(nearest_states(model, window, 2)[0], model.states[200])


def test_what_does_not_fit_is_refused(unchecked):
    x = lorenz(2, 30)[..., :1]
    assert_refused(OptionError, lambda: fit_partial(x, 1), "size is 1")
    assert_refused(OptionError, lambda: fit_partial(x[:10], 3), "10 times")
    candidates = torch.zeros(1, 5, 3, dtype=torch.float64)
    field, observation = KnownField(lorenz63), Observation(components(0))
    call = lambda: infer_start(field, x, observation, candidates=candidates)  # noqa: E731
    assert_refused(SchemaError, call, "5 series", "2")
