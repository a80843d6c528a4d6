"""Gradients through integrations."""

import pytest
import torch
from torch import nn

from geodl.dynamics.fields import BilinearField, MLPField
from geodl.dynamics.ode.checks import METHODS
from geodl.dynamics.ode.learned_runge_kutta import LearnedRungeKutta
from geodl.dynamics.ode.solve import odeint
from geodl.errors import AdjointError
from geodl.testing import assert_refused, observed_order

ADAPTIVE = ("dopri5", "tsit5", "dopri8")
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


class Forced(nn.Module):
    """A field that depends on the time, with parameters that are used in part."""

    def __init__(self):
        super().__init__()
        self.rate, self.unused = nn.Parameter(torch.tensor(0.7)), nn.Parameter(torch.ones(2))
        self.dense = nn.Linear(3, 3)

    def forward(self, t, y):
        return torch.sin(self.dense(y)) + self.rate * t * y


def make(name: str, dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    field = {
        "tanh": lambda: MLPField(3, 16, 2, "tanh"),
        "deep": lambda: MLPField(3, 5, 3, "tanh"),
        "silu": lambda: MLPField(3, 16, 1, "silu"),
        "bilinear": lambda: BilinearField(3),
        "forced": Forced,
    }[name]()
    for parameter in field.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return field.to(dtype)


def gradients(field, method, adjoint, dtype, per_sample=False, batch=(5,)):
    y0 = torch.randn(*batch, 3, dtype=dtype, generator=torch.Generator().manual_seed(3)).requires_grad_()
    t = torch.tensor([0.0, 0.1, 0.35, 0.4, 0.8], dtype=dtype)
    if per_sample:
        t = t.view(-1, *[1] * len(batch)) * torch.linspace(0.5, 1.5, batch[0], dtype=dtype).view(
            -1, *[1] * (len(batch) - 1)
        )
        t = t.expand(-1, *batch)
    substeps = 1 if method in ADAPTIVE else 2
    path = odeint(field, y0, t, method=method, adjoint=adjoint, substeps=substeps)
    weight = torch.randn(path.shape, dtype=dtype, generator=torch.Generator().manual_seed(4))
    wanted = [y0, *field.parameters(), *(method.parameters() if isinstance(method, nn.Module) else ())]
    found = torch.autograd.grad((weight * path).sum(), wanted, allow_unused=True)
    return path.detach(), torch.cat([torch.zeros(1, dtype=dtype) if g is None else g.ravel() for g in found])


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("adjoint", ["discrete", "checkpoint"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["tanh", "deep", "silu", "bilinear", "forced"])
def test_the_discrete_adjoint_is_the_gradient_through_the_scheme(name, method, adjoint, dtype):
    field = make(name, dtype)
    path, exact = gradients(field, method, "autograd", dtype)
    ours, found = gradients(field, method, adjoint, dtype)
    torch.testing.assert_close(ours, path, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert float((found - exact).norm() / exact.norm()) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("adjoint", ["discrete", "checkpoint"])
@pytest.mark.parametrize("name", ["tanh", "bilinear", "forced"])
@pytest.mark.parametrize("per_sample", [False, True])
def test_a_learned_scheme_and_its_field_learn_together(name, adjoint, dtype, per_sample):
    field, scheme = make(name, dtype), LearnedRungeKutta(5, start=None).to(dtype)
    for parameter in scheme.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    _, exact = gradients(field, scheme, "autograd", dtype, per_sample)
    _, found = gradients(field, scheme, adjoint, dtype, per_sample)
    assert float((found - exact).norm() / exact.norm()) < TOLERANCE[dtype]


@pytest.mark.parametrize("method", ["rk4", "implicit_midpoint", "dopri5"])
@pytest.mark.parametrize("batch", [(), (4,), (2, 3)])
@pytest.mark.parametrize("name", ["tanh", "forced"])
def test_samples_of_any_batch_shape_may_have_times_of_their_own(method, batch, name):
    field, own = make(name, torch.float64), len(batch) > 0
    _, exact = gradients(field, method, "autograd", torch.float64, own, batch)
    for adjoint in ("discrete", "checkpoint"):
        _, found = gradients(field, method, adjoint, torch.float64, own, batch)
        assert float((found - exact).norm() / exact.norm()) < 1e-12


def test_the_gradient_falls_short_of_the_loss_by_the_square_of_the_step():
    """|J(θ + ε d) − J(θ) − ε ⟨g, d⟩| = O(ε²) over four decades."""
    field, y0 = (
        make("tanh", torch.float64),
        torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(5)),
    )
    t = torch.linspace(0, 1, 5, dtype=torch.float64)

    def loss():
        return odeint(field, y0, t, method="rk4").square().mean()

    parameters = list(field.parameters())
    found = torch.autograd.grad(loss(), parameters)
    with torch.no_grad():
        origin, before = loss(), [p.clone() for p in parameters]
        direction = [
            torch.randn(p.shape, dtype=p.dtype, generator=torch.Generator().manual_seed(6)) for p in parameters
        ]
        slope = sum((g * d).sum() for g, d in zip(found, direction, strict=True))
        steps, remainders = [1e-1, 1e-2, 1e-3, 1e-4], []
        for step in steps:
            for p, b, d in zip(parameters, before, direction, strict=True):
                p.copy_(b + step * d)
            remainders.append(abs(float(loss() - origin - step * slope)))
    assert observed_order(remainders, steps) == pytest.approx([2, 2, 2], abs=0.2)


@pytest.mark.parametrize("adjoint", ["autograd", "discrete"])
@pytest.mark.parametrize("method", ["rk4", "implicit_midpoint", "dopri5"])
def test_second_derivatives_go_through(method, adjoint):
    field = make("tanh", torch.float64)
    t = torch.linspace(0, 0.5, 3, dtype=torch.float64)

    def end(y0):
        return odeint(field, y0, t, method=method, adjoint=adjoint)[-1].square().sum()

    y0 = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(8)).requires_grad_()
    if method != "dopri5":  # whose steps change with y0, which a finite difference sees
        assert torch.autograd.gradcheck(end, (y0,))
        assert torch.autograd.gradgradcheck(end, (y0,))
    first = torch.autograd.grad(end(y0), y0, create_graph=True)[0]
    mixed = torch.autograd.grad(first.sum(), list(field.parameters()))
    assert all(torch.isfinite(g).all() for g in mixed)


@pytest.mark.parametrize("adjoint", ["autograd", "discrete", "checkpoint"])
@pytest.mark.parametrize("method", ["rk4", "implicit_midpoint"])
def test_transforms_of_torch_func_go_through(method, adjoint):
    field, t = make("tanh", torch.float64), torch.linspace(0, 0.5, 3, dtype=torch.float64)
    y0 = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(9))

    def end(y):
        return odeint(field, y, t, method=method, adjoint=adjoint)[-1]

    rows = torch.stack([torch.autograd.functional.jacobian(end, y) for y in y0])
    torch.testing.assert_close(torch.func.vmap(torch.func.jacrev(end))(y0), rows)
    torch.testing.assert_close(torch.func.vmap(torch.func.jacfwd(end))(y0), rows)
    tangent = torch.ones_like(y0)
    pushed = torch.func.jvp(end, (y0,), (tangent,))[1]
    torch.testing.assert_close(pushed, (rows @ tangent[..., None])[..., 0])


def test_a_gradient_can_be_asked_for_twice():
    field = make("tanh", torch.float64)
    path = odeint(
        field, torch.ones(2, 3, dtype=torch.float64), torch.linspace(0, 1, 3, dtype=torch.float64), method="rk4"
    )
    first = torch.autograd.grad(path.sum(), list(field.parameters()), retain_graph=True)
    again = torch.autograd.grad(path.sum(), list(field.parameters()))
    for a, b in zip(first, again, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_an_optimiser_may_change_what_it_gets():
    field = make("tanh", torch.float32)
    odeint(field, torch.ones(2, 3), torch.linspace(0, 1, 3), method="rk4").sum().backward()
    nn.utils.clip_grad_norm_(field.parameters(), 1e-3)
    for parameter in field.parameters():
        parameter.grad.zero_()


@pytest.mark.parametrize("name", ["tanh", "silu"])
def test_mixed_precision_gets_the_gradient_of_autograd(name):
    found = []
    for adjoint in ("autograd", "discrete"):
        field = make(name, torch.float32)
        with torch.autocast("cpu", torch.bfloat16):
            odeint(field, torch.ones(2, 3), torch.linspace(0, 1, 3), method="rk4", adjoint=adjoint).sum().backward()
        found.append(torch.cat([parameter.grad.ravel() for parameter in field.parameters()]))
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)


def test_times_get_gradients_through_plain_operations():
    t = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    y0 = torch.ones(1, dtype=torch.float64)
    end = odeint(lambda t, y: -y, y0, t, method="rk4", substeps=20, adjoint="autograd")[-1]
    (slope,) = torch.autograd.grad(end.sum(), t)
    assert slope.tolist() == pytest.approx([0.36787944, -0.36787944], abs=1e-6)


def test_a_captured_tensor_that_wants_a_gradient_is_refused(unchecked):
    context, t = torch.ones(3, requires_grad=True), torch.linspace(0, 1, 3)

    def field(t, y):
        return -context * y

    y0 = torch.ones(2, 3, requires_grad=True)
    assert_refused(AdjointError, lambda: odeint(field, y0, t, method="rk4"), "torch.nn.Module", "adjoint='autograd'")
    assert_refused(AdjointError, lambda: odeint(field, y0.detach(), t, method="rk4"), "torch.nn.Module")
    assert odeint(field, y0, t, method="rk4", adjoint="autograd").requires_grad


def test_frozen_parameters_get_no_gradient():
    field = make("tanh", torch.float64)
    field.network[0].weight.requires_grad_(False)
    path = odeint(
        field, torch.ones(2, 3, dtype=torch.float64), torch.linspace(0, 1, 3, dtype=torch.float64), method="rk4"
    )
    path.sum().backward()
    assert field.network[0].weight.grad is None
    assert field.network[2].weight.grad is not None


class Lorenz(nn.Module):
    def __init__(self):
        super().__init__()
        self.rho = nn.Parameter(torch.tensor(28.0, dtype=torch.float64))

    def forward(self, t, y):
        x, y, z = y.unbind(-1)
        return torch.stack((10 * (y - x), x * (self.rho - z) - y, x * y - 8 / 3 * z), -1)


def test_the_continuous_adjoint_goes_astray_where_the_system_contracts():
    """Lorenz-63 contracts at 14.57, so the backward solution of the adjoint equation loses the path by e^{14.57 Δt}."""

    def slope(method, adjoint, span):
        field = Lorenz()
        t = torch.tensor([0.0, span], dtype=torch.float64)
        start = torch.tensor([[-7.5, -7.2, 26.1]], dtype=torch.float64)
        end = odeint(field, start, t, method=method, adjoint=adjoint, rtol=1e-9, atol=1e-9)[-1]
        return float(torch.autograd.grad(end.sum(), field.rho)[0])

    short, long = (
        abs(slope("torchdiffeq:dopri5", "continuous", span) / slope("dopri5", "discrete", span) - 1)
        for span in (0.1, 2.0)
    )
    assert short < 1e-6
    assert long > 1e-4
    assert abs(slope("dopri8", "discrete", 2.0) / slope("dopri5", "discrete", 2.0) - 1) < 1e-5
