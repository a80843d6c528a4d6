"""Fixed-step integration of MLP and bilinear fields in C, compiled for the shape of the field, with exact gradients."""

import ctypes
import functools
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.autograd.function import once_differentiable

from geodl.core.compiler import build, find_compiler
from geodl.dynamics.fields import BilinearField, MLPField
from geodl.dynamics.ode.tableau import Tableau
from geodl.errors import OptionError

SOURCES = [Path(__file__).with_name(name) for name in ("fused_kernels.c", "fused.c")]
# The adjoint keeps every stage while they fit in a cache that cores share; beyond, computing them again is faster than
# fetching them: 79 ms against 164 ms for 170 MB, but 4.2 against 5.2 ms for 11 MB [3-64-64-3, 80 stages, Zen 5].
STORED_BYTES = 2**24

_ACTIVATIONS: dict[type[nn.Module], str] = {nn.Tanh: "TANH", nn.SiLU: "SILU", nn.ReLU: "RELU"}
_REALS = {torch.float32: "float", torch.float64: "double"}


def fused_odeint(
    field: nn.Module,
    y0: Float[Tensor, "*batch n"],
    t: Float[Tensor, "time"],
    tableau: Tableau | Sequence[Tensor],
    substeps: int = 1,
) -> Float[Tensor, "time *batch n"]:
    """States at the times t, ``substeps`` steps from each to the next; differentiable once, by the discrete adjoint.

    Gradients go to y0, to the parameters of the field, and to the coefficients of the scheme where these are tensors.
    What becomes of a sample does not depend on the others in its batch, to the last bit.

    Args:
        field: MLPField or BilinearField, of the dtype of y0, on the CPU.
        t: times; the field does not depend on them.
        tableau: an explicit scheme, or tensors a ``[stage, stage]``, of which the lower triangle counts, and b
            ``[stage]``, as of a LearnedRungeKutta; what follows them is not read.
    Raises:
        OptionError: the engine cannot run this, see `why_not_fused`, or t wants a gradient.
        CompilerError: see `geodl.core.compiler.build`.
    Source: Sanz-Serna 2016, SIAM Review 58, 3, section 3.
    """
    found = _read(field, y0, tableau)
    if isinstance(found, str):
        raise OptionError(f"the fused engine cannot run this: {found}")
    if t.requires_grad:
        raise OptionError("the fused engine has no gradient for t, got t.requires_grad=True: give t.detach()")
    a, b = _coefficients(tableau, y0.dtype) if isinstance(tableau, Tableau) else tableau[:2]
    grid = _Grid(substeps, ((t[1:] - t[:-1]) / substeps).to(y0), found.rate)
    path = _Fused.apply(_library(found.shape), grid, a, b, y0.reshape(-1, y0.shape[-1]), *found.parameters)
    return path.view(len(t), *y0.shape)


def why_not_fused(field: nn.Module, y0: Tensor, tableau: Tableau | Sequence[Tensor]) -> str | None:
    """Why `fused_odeint` cannot take these arguments, or None if it can."""
    found = _read(field, y0, tableau)
    return found if isinstance(found, str) else None


class _Shape(NamedTuple):
    """What one compilation is for."""

    sizes: tuple[int, ...]
    activation: str
    bilinear: bool
    dtype: torch.dtype


class _Content(NamedTuple):
    """A field taken apart: weight and bias of each layer, first to last, and what multiplies the last one."""

    shape: _Shape
    parameters: list[Tensor]
    rate: Tensor | None


def _read(field: nn.Module, y0: Tensor, tableau: Tableau | Sequence[Tensor]) -> _Content | str:
    """A field that the engine can run, or why it cannot."""
    content = _content(field, y0.dtype)
    if isinstance(content, str):
        return content
    if any(module._forward_hooks or module._forward_pre_hooks for module in field.modules()):
        return "the field has hooks, which C does not call"
    size, coefficients = content.shape.sizes[-1], () if isinstance(tableau, Tableau) else tableau[:2]
    if y0.shape[-1] != size:
        return f"y0 has states of size {y0.shape[-1]}, the field takes {size}"
    if coefficients and coefficients[0].shape != 2 * coefficients[1].shape:
        return (
            f"a has shape {tuple(coefficients[0].shape)} and b {tuple(coefficients[1].shape)}, expected [s, s] and [s]"
        )
    if content.shape not in _LIBRARIES and find_compiler() is None:
        return "there is no C compiler: install gcc or clang, or set CC to its path"
    rate = () if content.rate is None else (content.rate,)
    return _foreign([y0, *content.parameters, *rate, *coefficients]) or content


def _foreign(tensors: Sequence[Tensor]) -> str | None:
    """What C cannot read."""
    dtype = tensors[0].dtype
    if dtype not in _REALS or any(tensor.dtype != dtype for tensor in tensors):
        return f"it got {_names(tensor.dtype for tensor in tensors)}, expected all torch.float32 or all torch.float64"
    if any(tensor.device.type != "cpu" for tensor in tensors):
        return f"it got tensors on {_names(tensor.device for tensor in tensors)}, expected all on the CPU"
    if torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0:
        return "torch.func transforms and forward-mode derivatives do not reach into it"
    return None


def _content(field: nn.Module, dtype: torch.dtype) -> _Content | str:
    if type(field) is BilinearField:
        shape = _Shape(tuple(field.weights.shape), "TANH", True, dtype)
        return _Content(shape, [field.weights, field.constant], None)
    if type(field) is not MLPField:
        return f"the field is a {type(field).__name__}, expected an MLPField or a BilinearField"
    modules: list[Any] = list(field.network)
    layers, kinds = modules[::2], {type(module) for module in modules[1::2]}
    if len(modules) % 2 == 0 or any(type(layer) is not nn.Linear or layer.bias is None for layer in layers):
        return "the network of the field is not one of dense layers, each with a bias, and activations between them"
    if len(kinds) > 1 or not kinds <= {*_ACTIVATIONS}:
        return f"the activation is {_names(kinds)}, expected one of {_names(_ACTIVATIONS)}"
    inputs, outputs = [layer.in_features for layer in layers], [layer.out_features for layer in layers]
    if outputs != [*inputs[1:], inputs[0]] or field.rate.shape != (inputs[0],):
        return f"its layers take {inputs} and give {outputs}, its rate has shape {tuple(field.rate.shape)}"
    shape = _Shape((inputs[0], *outputs), _ACTIVATIONS[kinds.pop()] if kinds else "TANH", False, dtype)
    return _Content(shape, [tensor for layer in layers for tensor in (layer.weight, layer.bias)], field.rate)


def _names(things: Any) -> str:
    return ", ".join(sorted({getattr(thing, "__name__", str(thing)) for thing in things}))


@functools.lru_cache(maxsize=64)
def _coefficients(tableau: Tableau, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """a as a square, and b."""
    square = [[*row, *[0.0] * (tableau.stages - len(row))] for row in tableau.a]
    return torch.tensor(square, dtype=dtype), torch.tensor(tableau.b, dtype=dtype)


# ---- the library ----


class _Problem(ctypes.Structure):
    """As in fused.c; ``held`` keeps alive what it points at."""

    _fields_ = (
        *((name, ctypes.c_long) for name in ("batch", "intervals", "substeps", "stages", "stored")),
        *((name, ctypes.c_void_p) for name in ("h", "a", "b", "rate", "parameters", "gradients", "tableau")),
    )
    held: Any


_LIBRARIES: dict[_Shape, ctypes.CDLL] = {}


def _library(shape: _Shape) -> ctypes.CDLL:
    """The engine for one shape of field, compiled at its first use."""
    if shape not in _LIBRARIES:
        source = "".join(path.read_text("utf-8") for path in SOURCES)
        library = ctypes.CDLL(str(build(source, _definitions(shape))))
        number, pointer, problem = ctypes.c_long, ctypes.c_void_p, ctypes.POINTER(_Problem)
        library.fused_tape_size.restype, library.fused_tape_size.argtypes = number, [number, number]
        library.fused_workspace_bytes.restype, library.fused_workspace_bytes.argtypes = number, [number]
        for run in (library.fused_integrate, library.fused_adjoint):
            run.restype, run.argtypes = None, [problem, *[pointer] * 4]
        _LIBRARIES[shape] = library
    return _LIBRARIES[shape]


def _definitions(shape: _Shape) -> list[str]:
    layers = [f"DO({i},{wide},{narrow})" for i, (wide, narrow) in enumerate(itertools.pairwise(shape.sizes))]
    values = {
        "REAL": _REALS[shape.dtype],
        "DOUBLE": int(shape.dtype == torch.float64),
        "STATE": shape.sizes[-1],
        "INPUT": shape.sizes[0],
        "LAST": len(layers) - 1,
        "LAYERS(DO)": "".join(layers),
        "REVERSED(DO)": "".join(reversed(layers)),
        "BILINEAR": int(shape.bilinear),
        **{name: int(name == shape.activation) for name in _ACTIVATIONS.values()},
    }
    return [f"-D{name}={value}" for name, value in values.items()]


# ---- one call ----


class _Grid(NamedTuple):
    """What autograd does not follow: steps in each interval of t, their length, the rate of an MLPField."""

    substeps: int
    h: Tensor
    rate: Tensor | None


class _Fused(torch.autograd.Function):
    """The path; backwards, the transpose of the scheme."""

    @staticmethod
    def forward(
        ctx: Any, library: ctypes.CDLL, grid: _Grid, a: Tensor, b: Tensor, y0: Tensor, *parameters: Tensor
    ) -> Tensor:
        y0 = y0.contiguous()
        problem = _problem(grid, a, b, len(y0), parameters)
        steps = len(y0) * problem.intervals * problem.substeps
        all_stages = steps * library.fused_tape_size(problem.stages, 1)
        problem.stored = all_stages * y0.element_size() <= STORED_BYTES
        wanted = any(ctx.needs_input_grad)
        tape = y0.new_empty(steps * library.fused_tape_size(problem.stages, problem.stored)) if wanted else None
        path, work = y0.new_empty(problem.intervals + 1, *y0.shape), _workspace(library, problem)
        library.fused_integrate(problem, *map(_address, (y0, path, tape, work)))
        ctx.compiled, ctx.substeps, ctx.stored = library, grid.substeps, problem.stored
        ctx.save_for_backward(tape, grid.h, grid.rate, a, b, *parameters)
        return path

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, path_gradient: Tensor) -> tuple[Tensor | None, ...]:
        tape, h, rate, a, b, *parameters = ctx.saved_tensors
        path_gradient = path_gradient.contiguous()
        problem = _problem(_Grid(ctx.substeps, h, rate), a, b, path_gradient.shape[1], parameters)
        problem.stored = ctx.stored
        learned, trained = any(ctx.needs_input_grad[2:4]), any(ctx.needs_input_grad[5:])
        tableau = torch.zeros(a.numel() + b.numel(), dtype=torch.float64) if learned else None
        gradients = [torch.zeros(x.shape, dtype=x.dtype) if trained else None for x in parameters]
        targets = _addresses(gradients)
        problem.gradients, problem.tableau = ctypes.addressof(targets) if trained else None, _address(tableau)
        y0_gradient, work = torch.empty_like(path_gradient[0]), _workspace(ctx.compiled, problem)
        ctx.compiled.fused_adjoint(problem, *map(_address, (path_gradient, tape, y0_gradient, work)))
        return None, None, *_split(tableau, a, b), y0_gradient, *gradients


def _problem(grid: _Grid, a: Tensor, b: Tensor, batch: int, parameters: Sequence[Tensor]) -> _Problem:
    shared = [grid.h, a.contiguous(), b.contiguous(), grid.rate]
    parameters = [parameter.contiguous() for parameter in parameters]
    addresses = _addresses(parameters)
    numbers = (batch, len(grid.h), grid.substeps, len(b), 0)
    problem = _Problem(*numbers, *map(_address, shared), ctypes.addressof(addresses))
    problem.held = shared, parameters, addresses
    return problem


def _workspace(library: ctypes.CDLL, problem: _Problem) -> Tensor:
    """Memory of this call alone, so that calls from several threads do not meet."""
    return torch.empty(library.fused_workspace_bytes(problem.stages), dtype=torch.uint8)


def _addresses(tensors: Sequence[Tensor | None]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(tensors))(*map(_address, tensors))


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _split(tableau: Tensor | None, a: Tensor, b: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of a and of b."""
    if tableau is None:
        return None, None
    return tableau[: a.numel()].view_as(a).to(a.dtype), tableau[a.numel() :].to(b.dtype)
