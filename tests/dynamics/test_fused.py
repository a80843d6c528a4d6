"""The fused engine against the same scheme in plain operations."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from geodl.core.compiler import find_compiler
from geodl.dynamics.fields import BilinearField, MLPField
from geodl.dynamics.ode import fused
from geodl.dynamics.ode.fused import fused_odeint, why_not_fused
from geodl.dynamics.ode.learned_runge_kutta import LearnedRungeKutta
from geodl.dynamics.ode.tableau import TABLEAUS
from geodl.errors import CompilerError, OptionError
from geodl.testing import assert_refused, observed_order

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="there is no C compiler")

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
EPS = {dtype: torch.finfo(dtype).eps for dtype in TOLERANCE}
RK4 = TABLEAUS["rk4"]
RK4_AB = (RK4.a, RK4.b)
TIMES = (0.0, 0.1, 0.4, 0.55)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Libraries are compiled once for this file, and not left in the cache of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(fused, "_LIBRARIES", {})
        yield


def mlp_field(size: int, width: int, depth: int, activation: str) -> MLPField:
    torch.manual_seed(0)
    field = MLPField(size, width, depth, activation).double()
    field.rate.copy_(torch.linspace(0.5, 1.5, size))
    return field


def bilinear_field(size: int) -> BilinearField:
    field = BilinearField(size).double()
    field.constant.data = torch.sin(torch.arange(size).double())
    field.weights.data = 0.2 * torch.cos(torch.arange(field.weights.numel()).double()).view_as(field.weights)
    return field


FIELDS = {
    "tanh": lambda: mlp_field(3, 16, 2, "tanh"),
    "silu, odd widths": lambda: mlp_field(5, 33, 1, "silu"),
    "relu, three layers": lambda: mlp_field(2, 5, 3, "relu"),
    "tanh, wide state": lambda: mlp_field(20, 40, 1, "tanh"),
    "linear": lambda: mlp_field(3, 1, 0, "tanh"),
    "bilinear": lambda: bilinear_field(3),
    "bilinear, wide": lambda: bilinear_field(6),
}


def starts(batch: int, field: nn.Module) -> Tensor:
    weight = next(field.parameters())
    size = len(field.rate) if isinstance(field, MLPField) else weight.numel()
    return torch.randn(batch, size, dtype=weight.dtype, generator=torch.Generator().manual_seed(batch)) / 2


def times(y0: Tensor) -> Tensor:
    return torch.tensor(TIMES, dtype=y0.dtype)


def unrolled(field: nn.Module, y0: Tensor, t: Tensor, coefficients: Any, substeps: int = 1) -> Tensor:
    """The scheme of the module's docstring, word for word."""
    a, b, *_ = coefficients
    path = [y0]
    for h in (torch.diff(t) / substeps).tolist():
        state = path[-1]
        for _ in range(substeps):
            k: list[Tensor] = []
            for i in range(len(b)):
                k.append(field(t[0], state + h * sum(a[i][j] * k[j] for j in range(i))))
            state = state + h * sum(b[i] * k[i] for i in range(len(b)))
        path.append(state)
    return torch.stack(path)


def covector(path: Tensor) -> Tensor:
    return torch.cos(torch.arange(path.numel(), dtype=path.dtype)).view_as(path)


def assert_same_gradients(one: Tensor, other: Tensor, leaves: list[Tensor]) -> None:
    """Relative to the size of each gradient."""
    tolerance = TOLERANCE[one.dtype]
    torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)
    pairs = [torch.autograd.grad((path * covector(path)).sum(), leaves) for path in (one, other)]
    for got, expected in zip(*pairs, strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=tolerance * float(expected.abs().max()))


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", FIELDS)
def test_path_and_gradients_are_those_of_the_unrolled_scheme(name, dtype):
    field = FIELDS[name]().to(dtype)
    y0 = starts(17, field).requires_grad_()
    paths = [solve(field, y0, times(y0), *rest) for solve, *rest in ((fused_odeint, RK4, 2), (unrolled, RK4_AB, 2))]
    assert_same_gradients(*paths, [y0, *field.parameters()])


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 48, 300])
@pytest.mark.parametrize("scheme", ["euler", "midpoint", "rk4_38", "dopri5", "dopri8"])
def test_any_scheme_and_batch_will_do(scheme, batch):
    field, tableau = FIELDS["tanh"](), TABLEAUS[scheme]
    y0 = starts(batch, field).requires_grad_()
    path = fused_odeint(field, y0, times(y0), tableau)
    assert_same_gradients(path, unrolled(field, y0, times(y0), (tableau.a, tableau.b)), [y0, *field.parameters()])


@pytest.mark.parametrize("stored", [0, 2**40])
@pytest.mark.parametrize("name", ["tanh", "silu, odd widths", "bilinear"])
def test_stages_that_are_computed_again_give_the_same_gradients_as_stored_ones(name, stored, monkeypatch):
    monkeypatch.setattr(fused, "STORED_BYTES", stored)
    field = FIELDS[name]()
    y0 = starts(60, field).requires_grad_()
    path = fused_odeint(field, y0, times(y0), RK4, 3)
    assert_same_gradients(path, unrolled(field, y0, times(y0), RK4_AB, 3), [y0, *field.parameters()])


@pytest.mark.parametrize("name", ["tanh", "bilinear"])
def test_the_coefficients_of_a_learned_scheme_get_their_gradients(name):
    field, scheme = FIELDS[name](), LearnedRungeKutta(4, dtype=torch.float64)
    y0 = starts(50, field).requires_grad_()
    path = fused_odeint(field, y0, times(y0), scheme.coefficients(), 2)
    expected = unrolled(field, y0, times(y0), scheme.coefficients(), 2)
    assert_same_gradients(path, expected, [*scheme.parameters(), y0, *field.parameters()])


@pytest.mark.parametrize("name", ["tanh", "bilinear"])
def test_gradients_pass_a_finite_difference_check(name):
    field = FIELDS[name]()
    y0 = starts(2, field).requires_grad_()

    def path(y0: Tensor, *parameters: Tensor) -> Tensor:
        return fused_odeint(field, y0, times(y0), RK4)

    assert torch.autograd.gradcheck(path, (y0, *field.parameters()))


def test_a_frozen_field_still_gives_the_gradient_of_its_start():
    field = FIELDS["tanh"]().requires_grad_(False)
    y0 = starts(5, field).requires_grad_()
    path = fused_odeint(field, y0, times(y0), RK4)
    assert_same_gradients(path, unrolled(field, y0, times(y0), RK4_AB), [y0])


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", ["tanh", "bilinear"])
def test_a_sample_does_not_depend_on_its_batch_mates(name, dtype):
    field = FIELDS[name]().to(dtype)
    y0 = starts(61, field).requires_grad_()
    together = fused_odeint(field, y0, times(y0), RK4)
    (slope,) = torch.autograd.grad((together * covector(together[:, :1])).sum(), y0)
    for i in (0, 11, 13, 47, 48, 60):
        alone = fused_odeint(field, y0[i : i + 1], times(y0), RK4)
        (its_slope,) = torch.autograd.grad((alone * covector(alone)).sum(), y0)
        assert torch.equal(alone[:, 0], together[:, i])
        assert torch.equal(its_slope[i], slope[i])


def test_without_gradients_the_path_is_the_same():
    field = FIELDS["tanh"]()
    y0 = starts(60, field)
    with torch.no_grad():
        path = fused_odeint(field, y0, times(y0), RK4)
    assert not path.requires_grad
    assert torch.equal(path, fused_odeint(field, y0, times(y0), RK4))


def test_rk4_is_fourth_order():
    field = FIELDS["tanh"]()
    y0 = starts(4, field)
    unit = torch.tensor([0.0, 2.0], dtype=torch.float64)
    ends = [fused_odeint(field, y0, unit, RK4, n)[-1].detach() for n in (4, 8, 16, 512)]
    errors = [float((end - ends[-1]).norm()) for end in ends[:-1]]
    assert observed_order(errors, [1 / 4, 1 / 8, 1 / 16]) == pytest.approx([4, 4], abs=0.3)


def one_activation(activation: str, dtype: torch.dtype) -> MLPField:
    """du/dt = (0, activation(u_0))."""
    field = MLPField(2, 1, 1, activation).to(dtype)
    values = ([[1.0, 0.0]], [0.0], [[0.0], [1.0]], [0.0, 0.0])
    for parameter, value in zip(field.parameters(), values, strict=True):
        parameter.data = torch.tensor(value, dtype=dtype)
    return field


def activated(activation: str, x: Tensor) -> Tensor:
    """An Euler step of length 1 from (x, 0)."""
    y0 = torch.stack([x, torch.zeros_like(x)], -1)
    unit = torch.tensor([0.0, 1.0], dtype=x.dtype)
    return fused_odeint(one_activation(activation, x.dtype), y0, unit, TABLEAUS["euler"])[-1, :, 1]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_tanh_is_good_to_two_ulp_from_the_smallest_to_the_largest_argument(dtype):
    magnitude = torch.logspace(-30, 3, 20001, dtype=torch.float64)
    x = torch.cat([-magnitude, magnitude]).to(dtype).requires_grad_()
    got = activated("tanh", x)
    expected = torch.tanh(x.double())
    torch.testing.assert_close(got.double(), expected, rtol=2 * EPS[dtype], atol=0)
    (slope,) = torch.autograd.grad(got.sum(), x)
    torch.testing.assert_close(slope.double(), 1 - expected**2, rtol=0, atol=3 * EPS[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_the_other_activations_are_those_of_torch(activation, dtype):
    x = torch.linspace(-30, 30, 20001, dtype=torch.float64).to(dtype).requires_grad_()
    wide = x.detach().double().requires_grad_()
    got, expected = activated(activation, x), getattr(nn.functional, activation)(wide)
    atol = 30 * 4 * EPS[dtype]  # at the largest argument
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=atol)
    slopes = [torch.autograd.grad(values.sum(), leaf)[0].double() for values, leaf in ((got, x), (expected, wide))]
    torch.testing.assert_close(*slopes, rtol=0, atol=atol)


def test_what_is_not_a_number_stays_with_its_sample():
    field = FIELDS["tanh"]()
    y0 = starts(20, field)
    clean = fused_odeint(field, y0, times(y0), RK4)
    y0[4, 1] = torch.nan
    path = fused_odeint(field, y0, times(y0), RK4)
    assert bool(path[1:, 4].isnan().all())
    others = [i for i in range(20) if i != 4]
    assert torch.equal(path[:, others], clean[:, others])


def test_tensors_need_not_be_contiguous():
    field = FIELDS["tanh"]()
    y0 = starts(6, field)
    for layer in field.network[::2]:
        layer.weight.data = layer.weight.data.mT.contiguous().mT
    path = fused_odeint(field, y0.mT.contiguous().mT, times(y0), RK4)
    torch.testing.assert_close(path, unrolled(field, y0, times(y0), RK4_AB), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(), (2, 3)])
def test_the_batch_has_any_number_of_dimensions(shape):
    field = FIELDS["tanh"]()
    y0 = starts(6, field)[: torch.Size(shape).numel()]
    path = fused_odeint(field, y0.reshape(*shape, 3), times(y0), RK4)
    assert torch.equal(path.reshape(len(TIMES), -1, 3), fused_odeint(field, y0, times(y0), RK4))


@pytest.mark.parametrize(("batch", "count"), [(0, 4), (3, 1)])
def test_no_samples_and_no_intervals_are_fine(batch, count):
    field = FIELDS["tanh"]()
    y0 = starts(batch, field).requires_grad_()
    path = fused_odeint(field, y0, times(y0)[:count], RK4)
    (slope,) = torch.autograd.grad(path.sum(), y0)
    assert path.shape == (count, batch, 3)
    assert torch.equal(slope, torch.ones_like(y0))


def test_threads_do_not_meet():
    field = FIELDS["tanh"]()
    y0 = starts(300, field)
    expected, results = fused_odeint(field, y0, times(y0), RK4, 20), []

    def work() -> None:
        results.extend(fused_odeint(field, y0, times(y0), RK4, 20) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 15
    assert all(torch.equal(path, expected) for path in results)


def test_weights_that_change_before_the_gradient_is_taken_are_noticed():
    field = FIELDS["tanh"]()
    y0 = starts(2, field)
    path = fused_odeint(field, y0, times(y0), RK4)
    with torch.no_grad():
        field.network[0].weight.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        path.sum().backward()


def test_the_library_of_a_shape_is_loaded_once(monkeypatch):
    field = FIELDS["tanh"]()
    y0 = starts(2, field)
    fused_odeint(field, y0, times(y0), RK4)
    monkeypatch.setattr(fused, "build", lambda *arguments: pytest.fail("built twice"))
    fused_odeint(FIELDS["tanh"](), y0, times(y0), TABLEAUS["dopri5"], 2)


class Strange(MLPField):
    """A field that may do anything."""


def strange_network(*layers: nn.Module) -> MLPField:
    field = MLPField(3, 4, 1, "tanh").double()
    field.network = nn.Sequential(*layers).double()
    return field


ODD = {
    "Strange": lambda: Strange(3, 4, 1, "tanh").double(),
    "GELU": lambda: strange_network(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 3)),
    "Tanh": lambda: strange_network(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.PReLU(), nn.Linear(4, 3)),
    "bias": lambda: strange_network(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3, bias=False)),
    "dense layers": lambda: strange_network(nn.Linear(3, 4), nn.Tanh()),
    "[3, 4]": lambda: strange_network(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)),
    "torch.float32": lambda: MLPField(3, 4, 1, "tanh"),
}


@pytest.mark.parametrize("word", ODD)
def test_fields_that_it_cannot_run_are_refused_with_the_reason(word):
    field, y0 = ODD[word](), torch.zeros(2, 3, dtype=torch.float64)
    assert word in str(why_not_fused(field, y0, RK4))
    assert_refused(OptionError, lambda: fused_odeint(field, y0, times(y0), RK4), word)


def test_states_of_other_kinds_are_refused_with_the_reason():
    field = FIELDS["tanh"]()
    assert why_not_fused(field, torch.zeros(2, 3, dtype=torch.float64), RK4) is None
    assert "meta" in str(why_not_fused(field, torch.zeros(2, 3, dtype=torch.float64, device="meta"), RK4))
    assert "torch.float16" in str(why_not_fused(field.half(), torch.zeros(2, 3).half(), RK4))


def test_a_state_of_another_size_is_refused():
    y0 = torch.zeros(2, 4, dtype=torch.float64)
    assert_refused(OptionError, lambda: fused_odeint(FIELDS["tanh"](), y0, times(y0), RK4), "4", "3")


def test_coefficients_that_do_not_fit_together_are_refused():
    coefficients = (torch.zeros(2, 2, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))
    assert "(2, 2)" in str(why_not_fused(FIELDS["tanh"](), torch.zeros(2, 3, dtype=torch.float64), coefficients))


def test_derivatives_that_it_lacks_are_refused():
    field = FIELDS["tanh"]()
    y0 = starts(2, field).requires_grad_()
    assert_refused(OptionError, lambda: fused_odeint(field, y0, times(y0).requires_grad_(), RK4), "t.detach()")
    with pytest.raises(OptionError, match="forward-mode"):
        torch.func.jvp(lambda y: fused_odeint(field, y, times(y), RK4), (y0.detach(),), (y0.detach(),))
    (slope,) = torch.autograd.grad(fused_odeint(field, y0, times(y0), RK4).square().sum(), y0, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def test_without_a_compiler_the_reason_is_given(monkeypatch):
    monkeypatch.setattr(fused, "_LIBRARIES", {})
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "install gcc" in str(why_not_fused(FIELDS["tanh"](), torch.zeros(1, 3, dtype=torch.float64), RK4))


def test_a_broken_compiler_gives_the_named_error(monkeypatch, tmp_path):
    (tmp_path / "broken-cc").write_text("#!/bin/sh\necho out of licences >&2; exit 1\n")
    (tmp_path / "broken-cc").chmod(0o700)
    monkeypatch.setattr(fused, "_LIBRARIES", {})
    monkeypatch.setenv("CC", str(tmp_path / "broken-cc"))
    field = FIELDS["tanh"]()
    y0 = starts(1, field)
    assert_refused(CompilerError, lambda: fused_odeint(field, y0, times(y0), RK4), "out of licences")


def test_a_hook_on_the_field_is_not_passed_over():
    field = MLPField(3, 4, 1, "tanh")
    field.network[0].register_forward_hook(lambda module, inputs, output: 2 * output)
    assert "hooks" in why_not_fused(field, torch.ones(2, 3), TABLEAUS["rk4"])
