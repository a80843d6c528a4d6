"""Initial value problems: accuracy, status of every sample, and what is refused."""

import pytest
import torch
import torchdiffeq
from torch import nn

from geodl.core.compiler import find_compiler
from geodl.dynamics.fields import BilinearField, MLPField
from geodl.dynamics.ode.adaptive import Status
from geodl.dynamics.ode.explicit import Coefficients, explicit_step
from geodl.dynamics.ode.solve import integrate, odeint
from geodl.dynamics.ode.tableau import TABLEAUS
from geodl.dynamics.ode.torchdiffeq_solvers import odeint_event
from geodl.errors import (
    AdjointError,
    DtypeError,
    NonFiniteError,
    OptionError,
    ShapeError,
    TimeAxisError,
    UnknownNameError,
)
from geodl.testing import assert_refused, observed_order

ADAPTIVE = [name for name, tableau in TABLEAUS.items() if tableau.adaptive]
FIXED = [name for name in TABLEAUS if name not in ADAPTIVE]
UNIT = torch.tensor([0.0, 1.0], dtype=torch.float64)


def forced(t, y):
    """dy/dt = −2 t y², with the solution 1 / (1 + t²)."""
    return -2 * t * y * y


def seasonal(t, y):
    return torch.cos(t) * y


def oscillator(t, y):
    return torch.stack((y[..., 1], -y[..., 0]), -1)


def van_der_pol(mu):
    def field(t, y):
        return torch.stack((y[..., 1], mu * (1 - y[..., 0] ** 2) * y[..., 1] - y[..., 0]), -1)

    return field


def spread(batch: int, size: int = 3, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(batch, size, dtype=dtype, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize(("method", "order"), [(m, TABLEAUS[m].order) for m in FIXED] + [("implicit_midpoint", 2)])
def test_fixed_steps_reach_the_order_of_the_scheme_with_a_field_that_knows_the_time(method, order):
    counts, y0 = (16, 32, 64), torch.ones(1, dtype=torch.float64)
    ends = [odeint(forced, y0, UNIT, method=method, substeps=n)[-1] for n in counts]
    orders = observed_order([abs(float(end) - 0.5) for end in ends], [1 / n for n in counts])
    assert orders == pytest.approx([order, order], abs=0.2)


@pytest.mark.parametrize(
    ("method", "counts"), [("dopri5", (32, 64, 96)), ("tsit5", (32, 64, 96)), ("dopri8", (12, 16, 20))]
)
def test_the_order_of_the_adaptive_schemes_is_seen_with_equal_steps(method, counts):
    scheme, times = Coefficients.of(TABLEAUS[method]), torch.linspace(0, 1, 2, dtype=torch.float64)

    def error(steps):
        state, h = torch.ones(1, dtype=torch.float64), 2 / steps
        for n in range(steps):
            state, _ = explicit_step(forced, scheme, [times[0] + (n + c) * h for c in TABLEAUS[method].c], h, state)
        return abs(float(state) - 0.2)

    observed = observed_order([error(n) for n in counts], [1 / n for n in counts])
    assert all(-0.6 < order - TABLEAUS[method].order < 1.3 for order in observed), observed


@pytest.mark.parametrize("method", ADAPTIVE)
@pytest.mark.parametrize("tolerance", [1e-4, 1e-7, 1e-10])
def test_adaptive_methods_keep_their_tolerance(method, tolerance):
    t = torch.linspace(0, 10, 5, dtype=torch.float64)
    path = odeint(
        oscillator, torch.tensor([[1.0, 0.0]], dtype=torch.float64), t, method=method, rtol=tolerance, atol=tolerance
    )
    assert float((path[:, 0, 0] - torch.cos(t)).abs().max()) < 30 * tolerance


def test_rk4_38_is_what_torchdiffeq_calls_rk4():
    field, t = MLPField(3, 8, 1, "tanh").double(), torch.linspace(0, 1, 6, dtype=torch.float64)
    theirs = torchdiffeq.odeint(field, spread(5), t, method="rk4")
    torch.testing.assert_close(odeint(field, spread(5), t, method="rk4_38"), theirs, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("solver", ["dopri5", "rk4", "bosh3", "explicit_adams"])
def test_solvers_of_torchdiffeq_are_within_reach(solver):
    field, t = MLPField(3, 8, 1, "tanh").double(), torch.linspace(0, 1, 6, dtype=torch.float64)
    theirs = torchdiffeq.odeint(field, spread(5), t, method=solver, rtol=1e-7, atol=1e-9)
    ours = odeint(field, spread(5), t, method=f"torchdiffeq:{solver}")
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_an_event_is_found_with_its_derivative():
    """A ball thrown up with v falls back after 2 v / g."""
    speed = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)

    def fall(t, y):
        return torch.stack((y[1], torch.full_like(y[1], -9.81)))

    start = torch.stack((torch.tensor(1e-9, dtype=torch.float64), speed))
    found, state = odeint_event(fall, start, torch.zeros((), dtype=torch.float64), event=lambda t, y: y[0])
    assert float(found) == pytest.approx(6 / 9.81, abs=1e-6)
    (slope,) = torch.autograd.grad(found, speed)
    assert float(slope) == pytest.approx(2 / 9.81, abs=1e-5)
    assert float(state[1].detach()) == pytest.approx(-3, abs=1e-5)


@pytest.mark.parametrize("method", ["rk4", "implicit_midpoint", "dopri5"])
def test_times_of_ones_own_are_the_times_of_each_sample_alone(method):
    y0, t = spread(4), torch.stack([torch.linspace(0, end, 6, dtype=torch.float64) for end in (0.5, 1, 2, 3)], 1)
    together = odeint(seasonal, y0, t, method=method)
    for i in range(4):
        alone = odeint(seasonal, y0[i], t[:, i], method=method)
        torch.testing.assert_close(together[:, i], alone, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("method", [*FIXED, *ADAPTIVE, "implicit_midpoint"])
def test_a_sample_does_not_feel_its_batch_mates(method):
    field, t = MLPField(3, 16, 2, "tanh").double(), torch.linspace(0, 2, 5, dtype=torch.float64)
    y0 = spread(7)
    wild = torch.cat([y0[:3], 1e3 * spread(20)])
    together, mates = odeint(field, y0, t, method=method), odeint(field, wild, t, method=method)
    torch.testing.assert_close(together[:, :3], mates[:, :3], rtol=1e-12, atol=1e-12)


def test_a_stiff_batch_takes_a_third_of_the_steps_of_one_common_step():
    """Van der Pol oscillators of different stiffness: each takes the steps that it needs."""
    mu = torch.logspace(0, 2, 16, dtype=torch.float64)
    y0 = torch.tensor([[2.0, 0.0]], dtype=torch.float64).repeat(16, 1)
    t = torch.tensor([0.0, 10.0], dtype=torch.float64)
    ours = integrate(van_der_pol(mu), y0, t, method="dopri5", rtol=1e-6, atol=1e-6)
    count = [0]

    def counted(time, y):
        count[0] += 1
        return van_der_pol(mu)(time, y)

    theirs = torchdiffeq.odeint(counted, y0, t, method="dopri5", rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(ours.states[-1], theirs[-1], rtol=1e-4, atol=1e-4)
    assert 3 * int(ours.steps.sum()) <= 16 * count[0] / 6


def test_the_status_tells_how_each_sample_ended():
    def field(t, y):
        grows = y * y  # infinite at t = 1 / y0
        lost = torch.where(t > 0.5, torch.nan, -y)
        return torch.cat([grows[:1], lost[1:2], -y[2:]])

    y0 = torch.tensor([[2.0], [1.0], [1.0]], dtype=torch.float64)
    solution = integrate(field, y0, torch.tensor([0.0, 0.4, 1.0], dtype=torch.float64), method="dopri5")
    assert solution.status.tolist()[1:] == [Status.NONFINITE, Status.OK]
    assert solution.status[0] in (Status.DT_MIN, Status.NONFINITE)
    assert torch.isfinite(solution.states[1]).all()
    assert torch.isfinite(solution.states[2]).flatten().tolist() == [False, False, True]
    few = integrate(lambda t, y: -1e4 * y, y0, UNIT, method="tsit5", max_steps=10)
    assert few.status.tolist() == [Status.MAX_STEPS] * 3
    fixed = integrate(lambda t, y: y**3, torch.tensor([[5.0], [0.1]]), torch.linspace(0, 5, 50), method="euler")
    assert fixed.status.tolist() == [Status.NONFINITE, Status.OK]


@pytest.mark.parametrize("method", ["rk4", "dopri5", "tsit5", "implicit_midpoint"])
def test_no_random_field_raises_and_every_status_is_right(method):
    """Fields from calm to explosive: a sample is finite at the end if and only if its status says so."""
    t, statuses = torch.linspace(0, 1, 4, dtype=torch.float64), set()
    count = 1000 if method == "rk4" else 20
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        size = 10 ** float(torch.rand((), generator=generator) * 5 - 2)
        cubic = size * torch.randn(3, 3, dtype=torch.float64, generator=generator)
        y0 = torch.randn(4, 3, dtype=torch.float64, generator=generator)
        solution = integrate(
            lambda t, y, m=cubic: torch.tanh(y) @ m + y * y * m[0], y0, t, method=method, max_steps=100
        )
        finite = torch.isfinite(solution.states).all(-1).all(0)
        assert torch.equal(finite, solution.status == Status.OK)
        statuses |= set(solution.status.tolist())
    assert Status.OK in statuses
    assert len(statuses) > 1


def test_the_implicit_midpoint_rule_keeps_quadratic_invariants_and_is_stable_where_explicit_schemes_are_not():
    t = torch.linspace(0, 100, 201, dtype=torch.float64)
    path = odeint(oscillator, torch.tensor([[1.0, 0.0]], dtype=torch.float64), t, method="implicit_midpoint")
    assert float((path.square().sum(-1) - 1).abs().max()) < 1e-12
    stiff = odeint(lambda t, y: -1e6 * y, torch.ones(1, dtype=torch.float64), t, method="implicit_midpoint")
    assert float(stiff.abs().max()) <= 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 4, 3)])
def test_any_batch_shape_and_precision_comes_back(dtype, shape):
    y0, t = torch.ones(shape, dtype=dtype), torch.linspace(0, 1, 4, dtype=dtype)
    for method in ("rk4", "dopri5", "implicit_midpoint"):
        path = odeint(lambda t, y: -y, y0, t, method=method)
        assert path.shape == (4, *shape)
        assert path.dtype == dtype


Y0, T = torch.ones(2, 3), torch.linspace(0, 1, 4)


class Wrong(nn.Module):
    def forward(self, t, y):
        return y[..., :2]


@pytest.mark.parametrize(
    ("error", "words", "change"),
    [
        (TimeAxisError, ["does not increase", "entry 1"], {"t": torch.tensor([0.0, 0.5, 0.5, 1.0])}),
        (TimeAxisError, ["does not increase", "-field"], {"t": T.flip(0)}),
        (TimeAxisError, ["nan"], {"t": torch.tensor([0.0, torch.nan])}),
        (ShapeError, ["(4, 3)", "[time, 2]"], {"t": T[:, None].expand(4, 3)}),
        (ShapeError, ["at least 2"], {"t": T[:1]}),
        (ShapeError, ["scalar"], {"y0": torch.tensor(1.0)}),
        (ShapeError, ["(2, 2)", "(2, 3)"], {"field": Wrong()}),
        (DtypeError, ["float64", "t.to(y0)"], {"t": T.double()}),
        (DtypeError, ["int64", "floating"], {"y0": torch.ones(2, 3, dtype=torch.long)}),
        (DtypeError, ["field.to(y0)"], {"y0": Y0.double(), "t": T.double(), "field": MLPField(3, 4, 1, "tanh")}),
        (DtypeError, ["list", "as_tensor"], {"y0": [1.0, 2.0]}),
        (NonFiniteError, ["nan", "[1, 2]"], {"y0": torch.tensor([[0.0, 0, 0], [0, 0, torch.nan]])}),
        (UnknownNameError, ["'rk45'", "rk4"], {"method": "rk45"}),
        (UnknownNameError, ["torchdiffeq has no solver", "'rk4'"], {"method": "torchdiffeq:rk5"}),
        (UnknownNameError, ["adjoint", "discrete"], {"adjoint": "discret"}),
        (UnknownNameError, ["engine", "fused"], {"engine": "fussed"}),
        (AdjointError, ["torchdiffeq:dopri5"], {"adjoint": "continuous"}),
        (AdjointError, ["checkpoint"], {"method": "torchdiffeq:rk4", "adjoint": "checkpoint"}),
        (AdjointError, ["torch.nn.Module"], {"method": "torchdiffeq:rk4", "adjoint": "continuous"}),
        (AdjointError, ["with respect to t"], {"t": T.clone().requires_grad_()}),
        (OptionError, ["substeps"], {"substeps": 0}),
        (OptionError, ["substeps", "2.5"], {"substeps": 2.5}),
        (OptionError, ["rtol is -1"], {"rtol": -1.0}),
        (OptionError, ["one must be positive"], {"rtol": 0.0, "atol": 0.0}),
        (OptionError, ["max_steps"], {"max_steps": 0}),
        (OptionError, ["NoneType", "field(t, y)"], {"field": None}),
        (DtypeError, ["ndarray", "expected a tensor"], {"field": lambda t, y: y.detach().numpy()}),
        (DtypeError, ["tuple", "torch.cat"], {"y0": (Y0, Y0)}),
        (DtypeError, ["bfloat16"], {"method": "dopri5", "y0": Y0.bfloat16(), "t": T.bfloat16()}),
        (OptionError, ["own steps"], {"method": "dopri5", "substeps": 3}),
        (OptionError, ["LearnedRungeKutta"], {"method": nn.Linear(1, 1)}),
    ],
)
def test_bad_input_is_named(error, words, change, unchecked):
    arguments = {"field": lambda t, y: -y, "y0": Y0, "t": T, "method": "rk4"} | change
    field, y0, t = (arguments.pop(name) for name in ("field", "y0", "t"))
    assert_refused(error, lambda: odeint(field, y0, t, **arguments), *words)


@pytest.mark.skipif(find_compiler() is None, reason="there is no C compiler")
@pytest.mark.parametrize("field", [MLPField(3, 16, 2, "tanh").double(), BilinearField(3).double()])
def test_the_fused_engine_goes_the_same_way(field):
    for parameter in field.parameters():
        parameter.data += 0.1
    t, y0 = torch.linspace(0, 1, 5, dtype=torch.float64), spread(6)
    both = [odeint(field, y0, t, method="rk4", substeps=3, engine=engine) for engine in ("eager", "fused")]
    torch.testing.assert_close(*both, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(path.square().sum(), list(field.parameters())) for path in both]
    for eager, fused in zip(*gradients, strict=True):
        torch.testing.assert_close(fused, eager, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("method", ["dopri5", "implicit_midpoint", "torchdiffeq:rk4"])
def test_the_fused_engine_says_what_it_cannot_do(method):
    adjoint = "autograd" if ":" in method else "discrete"
    field = MLPField(3, 4, 1, "tanh")
    assert_refused(OptionError, lambda: odeint(field, Y0, T, method=method, adjoint=adjoint, engine="fused"), "fused")
    assert_refused(
        AdjointError, lambda: odeint(field, Y0, T, method="rk4", adjoint="autograd", engine="fused"), "fused"
    )
    assert_refused(OptionError, lambda: odeint(lambda t, y: -y, Y0, T, method="rk4", engine="fused"), "MLPField")
