"""The learned Runge-Kutta scheme: consistent whatever its parameters, classic at the start, better once trained."""

import functools
import math

import pytest
import torch
from torch import Tensor

from geodl.dynamics.dataset import lorenz63_dataset
from geodl.dynamics.fields import BilinearField
from geodl.dynamics.identification.integrator_training import FlowMap, coarse_case, exact, fit_flow_map, integrator_case
from geodl.dynamics.identification.shooting import series_of
from geodl.dynamics.ode.learned_runge_kutta import ORDERS, LearnedRungeKutta
from geodl.dynamics.ode.solve import odeint
from geodl.dynamics.ode.tableau import TABLEAUS
from geodl.errors import OptionError, UnknownNameError
from geodl.testing import assert_refused, observed_order

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-13}
DT = 0.2


def learned(stages: int = 8, **options: object) -> LearnedRungeKutta:
    return LearnedRungeKutta(stages, **{"dtype": torch.float64, **options})  # type: ignore[arg-type]


def shaken(scheme: LearnedRungeKutta, size: float = 0.3) -> LearnedRungeKutta:
    """The same with other coefficients."""
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in scheme.parameters():
            parameter += size * torch.randn(parameter.shape, generator=noise, dtype=parameter.dtype)
    return scheme


@functools.cache
def lorenz63_series(seed: int, dt: float = DT) -> Tensor:
    return series_of(lorenz63_dataset(10, 101, dt, seed=seed)[list("xyz")].to_dataarray("component"))


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_eight_stages_begin_as_two_classic_steps(dtype: torch.dtype):
    start = lorenz63_series(0)[0].to(dtype)
    times = torch.linspace(0, 1, 6, dtype=dtype)
    path = odeint(exact, start, times, method=learned(dtype=dtype))
    classic = odeint(exact, start, times, method="rk4", substeps=2)
    torch.testing.assert_close(path, classic, rtol=10 * TOLERANCE[dtype], atol=100 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("start", ["rk4", None])
def test_every_scheme_is_consistent_and_explicit(start: str | None, dtype: torch.dtype):
    a, b, c = shaken(learned(start=start, dtype=dtype)).coefficients()
    assert float(b.detach().sum()) == pytest.approx(1, abs=TOLERANCE[dtype])
    torch.testing.assert_close(c, a.sum(1), rtol=0, atol=0)
    assert a.triu().abs().max() == 0
    assert c[0] == 0


def test_training_keeps_the_scheme_consistent_at_every_iteration():
    scheme, series = learned(), lorenz63_series(0)[:20]
    flow, optimizer = FlowMap(exact, DT, method=scheme), torch.optim.Adam(scheme.parameters(), 1e-2)
    for _ in range(5):
        optimizer.zero_grad()
        (flow(series[:-1].flatten(0, 1)) - series[1:].flatten(0, 1)).square().mean().backward()
        optimizer.step()
        assert float(scheme.coefficients()[1].detach().sum()) == pytest.approx(1, abs=1e-13)


@pytest.mark.parametrize("adjoint", ["discrete", "checkpoint", "autograd"])
def test_gradients_of_the_coefficients_are_those_of_differences(adjoint: str):
    scheme, start = shaken(learned(4), 0.1), torch.tensor([[0.3, -0.8]], dtype=torch.float64)
    times = torch.linspace(0, 1, 3, dtype=torch.float64)

    def pendulum(t: Tensor, u: Tensor) -> Tensor:
        return torch.stack([u[..., 1], -torch.sin(u[..., 0]) + 0.1 * torch.cos(t)], -1)

    def loss(lower: Tensor, beta: Tensor) -> Tensor:
        wrapped = _With(scheme, lower, beta)
        return odeint(pendulum, start, times, method=wrapped, adjoint=adjoint)[1:].square().sum()  # type: ignore[arg-type]

    assert torch.autograd.gradcheck(loss, (scheme.lower, scheme.beta), atol=1e-8)


class _With(torch.nn.Module):
    """A scheme at given parameters."""

    def __init__(self, scheme: LearnedRungeKutta, lower: Tensor, beta: Tensor):
        super().__init__()
        self.scheme, self.given = scheme, {"scheme.lower": lower, "scheme.beta": beta}

    def coefficients(self) -> tuple[Tensor, Tensor, Tensor]:
        return torch.func.functional_call(self, self.given, ())

    def forward(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.scheme.coefficients()


@pytest.mark.parametrize("name", ["euler", "midpoint", "heun", "rk4", "rk4_38", "dopri5", "dopri8"])
def test_order_conditions_hold_up_to_the_order_of_the_start(name: str):
    tableau = TABLEAUS[name]
    residuals = learned(2 * tableau.stages, start=name).order_residuals()
    held = torch.tensor(ORDERS) <= tableau.order
    assert residuals[held].abs().max() < 1e-14
    assert (residuals[~held].abs() > 1e-3).sum() >= min(len(residuals[~held]), 1)
    assert learned(2 * tableau.stages, start=name).tableau().order == min(tableau.order, 4)


def test_a_start_of_order_four_is_observed_to_have_it():
    steps, errors = (0.2, 0.1, 0.05), []
    one = torch.ones(1, 1, dtype=torch.float64)
    for h in steps:
        times = torch.linspace(0, 1, round(1 / h) + 1, dtype=torch.float64)
        path = odeint(lambda t, y: -y + torch.sin(3 * t), one, times, method=learned())
        truth = (1 + 0.3) * math.exp(-1) + (math.sin(3) - 3 * math.cos(3)) / 10
        errors.append(abs(float(path[-1].detach()) - truth))
    assert observed_order(errors, steps) == pytest.approx([4, 4], abs=0.25)


@pytest.mark.parametrize("stages", [1, 3, 8])
def test_without_a_start_the_stages_are_euler_steps(stages: int):
    z = torch.tensor([-0.5 + 1j, 2.0], dtype=torch.complex128)
    expected = (1 + z / stages) ** stages
    torch.testing.assert_close(learned(stages, start=None).stability_function(z), expected, rtol=1e-13, atol=0)


def test_the_stability_function_is_one_step_of_a_linear_equation():
    scheme = shaken(learned())
    rates = torch.tensor([[-3.0], [0.7]], dtype=torch.float64)
    step = odeint(lambda t, y: rates * y, torch.ones_like(rates), torch.tensor([0, 0.5]).double(), method=scheme)[-1]
    z = (0.5 * rates).to(torch.complex128)
    torch.testing.assert_close(scheme.stability_function(z).real, step, rtol=1e-12, atol=0)


def test_a_scheme_begins_where_another_ended():
    scheme = shaken(learned())
    again = learned(start=scheme.tableau())
    for one, other in zip(scheme.coefficients(), again.coefficients(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-15)
    assert scheme.tableau().order == 1


def test_a_trained_scheme_beats_the_classic_one_on_unseen_data_and_at_half_the_step():
    """A twentieth of the error of two classic steps after six iterations; at dt = 0.1, never seen, not worse."""
    flow = FlowMap(exact, DT, method=learned())
    unseen, half = lorenz63_series(9), lorenz63_series(9, DT / 2)
    classic = flow.error(unseen)
    fit_flow_map(flow, lorenz63_series(0), iterations=6)
    assert classic > 0.05
    assert flow.error(unseen) < classic / 20
    assert FlowMap(exact, DT / 2, method=flow.method).error(half) < FlowMap(exact, DT / 2, substeps=2).error(half)


def test_scheme_and_field_are_trained_together():
    """The field alone through two classic steps first: from there both come below what either reaches alone."""
    series = lorenz63_series(0)
    field = BilinearField(3).double()
    field.warm_start(series[:-1].flatten(0, 1), series.diff(dim=0).flatten(0, 1) / DT)
    alone = FlowMap(field, DT, substeps=2)
    fit_flow_map(alone, series)
    error = alone.error(series)
    joint = FlowMap(field, DT, method=learned())
    solution = fit_flow_map(joint, series, iterations=5)
    assert solution.unknowns.shape == (1, 36 + 30)
    assert joint.error(series) == pytest.approx(2 * float(solution.cost) / series[1:].numel(), rel=1e-10)
    assert error < 0.04
    assert joint.error(series) < error / 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_eight_evaluations_reach_a_hundredth_where_two_classic_steps_have_nine(seed: int):
    errors = integrator_case(seed)
    assert errors["classic"] == pytest.approx(0.088, rel=0.05)
    assert errors["learned"] <= 0.01
    assert errors["joint"] <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_field_from_coarse_data_is_better_than_the_exact_one_through_the_same_scheme(seed: int):
    errors = coarse_case(seed)
    assert errors["rk4_16"] <= min(1e-3, errors["exact_16"])
    assert errors["rk4_32"] <= min(1e-5, errors["exact_32"])


def test_stages_and_names_that_do_not_fit_are_refused():
    assert_refused(OptionError, lambda: LearnedRungeKutta(6), "6 stages", "multiple of 4", "start=None")
    assert_refused(OptionError, lambda: LearnedRungeKutta(0, start=None), "0 stages")
    assert_refused(UnknownNameError, lambda: LearnedRungeKutta(8, start="rk5"), "'rk5'", "rk4")


def test_a_flow_map_without_parameters_is_not_fitted():
    assert_refused(OptionError, lambda: fit_flow_map(FlowMap(exact, DT), lorenz63_series(0)), "nothing to fit")
