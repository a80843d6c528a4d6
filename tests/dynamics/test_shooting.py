"""Identification by multiple shooting."""

import math

import pytest
import torch

from geodl.dynamics.dataset import lorenz63_dataset
from geodl.dynamics.fields import BilinearField, MLPField
from geodl.dynamics.hybrid import KnownField
from geodl.dynamics.identification.observation import Observation, components
from geodl.dynamics.identification.shooting import MultipleShooting, Shooting, cut, filled, identify, series_of
from geodl.dynamics.lorenz63 import lorenz63
from geodl.errors import DivergedError, NonFiniteError, OptionError, SchemaError, TimeAxisError
from geodl.testing import assert_refused

DT = 0.01
EXACT = Shooting(substeps=4, tolerance=0.1)  # without noise the cost falls for ever, tenfold at first
T0 = torch.zeros((), dtype=torch.float64)


def lorenz(trajectories=4, points=61, noise=0.0):
    ds = lorenz63_dataset(trajectories=trajectories, points=points, dt=DT, seed=5, noise=noise)
    return ds.to_dataarray("component")


def bilinear(values):
    field = BilinearField(3).to(values)
    field.warm_start(values[1:-1].flatten(0, 1), (values[2:] - values[:-2]).flatten(0, 1) / (2 * DT))
    return field


def error_of(field):
    """Relative error of the right-hand side on the attractor."""
    states = series_of(lorenz()).flatten(0, 1)
    truth = lorenz63(states)
    return float((field(T0, states) - truth).detach().norm() / truth.norm())


def test_the_equations_are_recovered_from_data_without_noise():
    field = bilinear(series_of(lorenz()))
    assert error_of(field) > 1e-3
    found = identify(field, lorenz(), dt=DT, window=12, shooting=EXACT)
    assert error_of(found.field) < 1e-7
    coefficients = found.field.weights.detach()
    assert coefficients[1, 0] == pytest.approx(10, abs=1e-6)
    assert coefficients[0, 1] == pytest.approx(28, abs=1e-5)
    assert coefficients[2, 2] == pytest.approx(-8 / 3, abs=1e-6)
    assert found.misfit < 1e-7


def test_shooting_sees_through_the_noise_where_differences_do_not():
    noisy = lorenz(noise=0.01)
    field = bilinear(series_of(noisy))
    found = identify(field, noisy, Observation(std=0.01), dt=DT, window=30)
    assert found.misfit == pytest.approx(1, abs=0.05)
    assert error_of(found.field) < error_of(field) / 3


def test_parameters_of_known_equations_are_found_through_one_component():
    truth = series_of(lorenz(trajectories=2))
    guess = truth + 0.5 * torch.randn(truth.shape, dtype=truth.dtype, generator=torch.Generator().manual_seed(0))
    field = KnownField(lorenz63, learn=["rho", "beta"], rho=24.0, beta=2.0)
    found = identify(field, truth[..., :1], Observation(components(0)), dt=DT, window=30, guess=guess, shooting=EXACT)
    assert found.field.rho.item() == pytest.approx(28, abs=1e-4)
    assert found.field.beta.item() == pytest.approx(8 / 3, abs=1e-5)
    assert field.rho.item() == 24.0
    torch.testing.assert_close(found.states, truth, rtol=1e-4, atol=1e-4)


def test_missing_values_cost_nothing_but_their_information():
    values = series_of(lorenz())
    gone = torch.rand(values.shape, generator=torch.Generator().manual_seed(1)) < 0.3
    spoiled = values.masked_fill(gone, math.nan)
    found = identify(bilinear(values), spoiled, dt=DT, window=12, shooting=EXACT)
    assert error_of(found.field) < 1e-6
    torch.testing.assert_close(found.states, values, rtol=1e-6, atol=1e-6)


def test_uneven_times_of_each_series_are_followed():
    values = series_of(lorenz())
    kept = torch.stack(
        [torch.randperm(61, generator=torch.Generator().manual_seed(s))[:40].sort()[0] for s in range(4)], 1
    )
    uneven = values.gather(0, kept[..., None].expand(-1, -1, 3))
    found = identify(
        bilinear(values), uneven, dt=DT * kept.double(), window=7, shooting=Shooting(substeps=8, tolerance=0.1)
    )
    assert error_of(found.field) < 1e-6


def test_continuity_closes_the_gaps_between_windows():
    noisy, gaps = lorenz(noise=0.05), []
    for continuity in ((0.0,), (1e2, 1e6)):
        shooting = Shooting(continuity=continuity)
        found = identify(bilinear(series_of(noisy)), noisy, Observation(std=0.05), dt=DT, window=15, shooting=shooting)
        whole = MultipleShooting(found.field, cut(found.states, 60, dt=DT), Observation(), shooting, continuity=0.0)
        gaps.append(float((whole.states(found.states[0]) - found.states).abs().max()))
    assert gaps[0] > 0.02
    assert gaps[1] < 1e-3


def problem(continuity=3.0):
    values = series_of(lorenz(trajectories=2, points=12))
    values[2, 0, 1] = math.nan
    windows = cut(values, 4, dt=torch.linspace(0, 0.3, 12) ** 1.2)
    made = MultipleShooting(bilinear(filled(values)), windows, Observation(std=0.1), Shooting(), continuity=continuity)
    return made, filled(values)[:11:4].flatten(0, 1) + 0.3


@pytest.mark.parametrize("continuity", [0.0, 3.0])
def test_the_jacobian_gives_the_gradient_of_the_cost_and_of_finite_differences(continuity):
    shooting, starts = problem(continuity)
    linearised = shooting.linearise(shooting.pack(starts))
    free = starts.clone().requires_grad_()
    cost = shooting.cost(free)
    assert linearised.cost.item() == pytest.approx(cost.item(), rel=1e-12)
    gradients = torch.autograd.grad(cost, [free, *shooting.trajectories.field.parameters()])
    expected = torch.cat([gradient.flatten() for gradient in gradients])
    torch.testing.assert_close(linearised.gradient[0], expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max()))
    unknowns = shooting.pack(starts)
    for k in (0, 7, len(expected) - 1):
        step = torch.zeros_like(unknowns)
        step[0, k] = 1e-5
        costs = [shooting.cost(shooting.unpack(unknowns + sign * step)).item() for sign in (1, -1)]
        assert (costs[0] - costs[1]) / 2e-5 == pytest.approx(float(expected[k]), rel=1e-5)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_gradients_alone_lower_the_misfit_of_any_field(optimizer):
    torch.manual_seed(0)
    values = series_of(lorenz()) / 10
    field = MLPField(3, width=8, depth=1, activation="tanh").double()
    field.warm_start(values[0], values[1] - values[0])
    shooting = Shooting(optimizer=optimizer, iterations=15, substeps=1)
    found = identify(field, values, dt=1.0, window=6, shooting=shooting)
    assert found.history[-1] < 0.7 * found.history[0]


def test_windows_put_together_again_are_the_series():
    values = series_of(lorenz(trajectories=3, points=10))
    windows = cut(values, 4, dt=DT)
    assert windows.values.shape == (5, 9, 3)
    assert windows.times.shape == (5, 9)
    count = windows.values.reshape(5, 3, 3, 3).transpose(0, 1)
    joined = torch.cat([count[:, :-1].flatten(0, 1), count[-1, -1:]])
    torch.testing.assert_close(joined[:10], values, rtol=0, atol=0)
    assert torch.isnan(joined[10:]).all()


def test_what_does_not_fit_is_refused(unchecked):
    values = series_of(lorenz())
    field = bilinear(values)
    refused = [
        (OptionError, lambda: identify(field, values, dt=DT, window=0), "0 intervals"),
        (OptionError, lambda: identify(field, values[..., :1], Observation(components(0)), dt=DT, window=5), "guess"),
        (OptionError, lambda: identify(KnownField(lorenz63), values, dt=DT, window=5), "no parameter"),
        (OptionError, lambda: Shooting(optimizer="lbfg"), "'lbfgs'"),
        (OptionError, lambda: Shooting(continuity=(-1.0,)), "-1.0"),
        (SchemaError, lambda: identify(field, values[:, 0], dt=DT, window=5), "(61, 3)"),
        (SchemaError, lambda: identify(field, values, dt=DT, window=5, guess=values[:-1]), "(60, 4, 3)"),
        (SchemaError, lambda: identify(field, lorenz().rename(component="part"), dt=DT, window=5), "'component'"),
        (SchemaError, lambda: cut(values, 5, dt=torch.arange(3.0)), "3 times", "61"),
        (TimeAxisError, lambda: cut(values, 5, dt=-DT), "increase"),
        (NonFiniteError, lambda: identify(field, values / 0, dt=DT, window=5), "infinite"),
        (NonFiniteError, lambda: filled(values.index_fill(2, torch.tensor([1]), math.nan)), "no value"),
        (DivergedError, lambda: identify(field, 1e200 * values, dt=DT, window=5), "start"),
    ]
    for error, call, *words in refused:
        assert_refused(error, call, *words)
