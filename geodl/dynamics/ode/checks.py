"""What an initial value problem must be before it is integrated."""

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from geodl.dynamics.ode.scheme import transforms_active
from geodl.dynamics.ode.tableau import TABLEAUS
from geodl.dynamics.ode.torchdiffeq_solvers import PREFIX, solver_of
from geodl.errors import (
    AdjointError,
    DtypeError,
    NonFiniteError,
    OptionError,
    ShapeError,
    TimeAxisError,
    UnknownNameError,
    did_you_mean,
)

Adjoint = Literal["autograd", "discrete", "checkpoint", "continuous"]
Engine = Literal["eager", "fused"]
IMPLICIT = "implicit_midpoint"
METHODS = (*TABLEAUS, IMPLICIT)


def check_problem(field: Any, y0: Any, t: Any) -> None:
    """Refuse what does not fit together.

    Raises:
        OptionError, DtypeError, ShapeError, NonFiniteError, TimeAxisError: as `geodl.dynamics.odeint` says.
    """
    if not callable(field):
        raise OptionError(f"the field is a {type(field).__name__}, expected a function or module: field(t, y)")
    _check_tensors(y0, t)
    _check_shapes(y0, t)
    if t.dtype != y0.dtype:
        raise DtypeError(f"t has dtype {t.dtype}, y0 has {y0.dtype}: write t.to(y0)")
    weight = next((w for w in field.parameters() if w.is_floating_point()), y0) if isinstance(field, nn.Module) else y0
    if weight.dtype != y0.dtype:
        raise DtypeError(f"the field has parameters of dtype {weight.dtype}, y0 has {y0.dtype}: write field.to(y0)")
    if transforms_active():
        return  # whose tensors have no values to look at
    if not bool(torch.isfinite(y0).all()):
        bad = (~torch.isfinite(y0)).nonzero()[0].tolist()
        raise NonFiniteError(f"y0 is {float(y0[tuple(bad)])} at {bad}: remove it, or replace it by a number")
    _check_increasing(t)


def _check_tensors(y0: Any, t: Any) -> None:
    if isinstance(y0, tuple):
        raise DtypeError("y0 is a tuple, expected one tensor: torch.cat its parts along the last dimension")
    for name, tensor in (("y0", y0), ("t", t)):
        if not isinstance(tensor, Tensor):
            raise DtypeError(f"{name} is a {type(tensor).__name__}, expected a tensor: torch.as_tensor({name})")
        if not tensor.dtype.is_floating_point:
            raise DtypeError(f"{name} has dtype {tensor.dtype}, expected floating point: {name}.double()")


def check_numbers(substeps: Any, rtol: float, atol: float, max_steps: int) -> None:
    """Refuse numbers that no integration can follow.

    Raises:
        OptionError: names the number.
    """
    if not isinstance(substeps, int) or substeps < 1:
        raise OptionError(f"substeps is {substeps!r}, expected a whole number of at least 1")
    if not (rtol >= 0 and atol >= 0 and rtol + atol > 0):
        raise OptionError(f"rtol is {rtol}, atol is {atol}: neither may be negative, and one must be positive")
    if max_steps < 1:
        raise OptionError(f"max_steps is {max_steps}, expected at least 1")


def _check_shapes(y0: Tensor, t: Tensor) -> None:
    if y0.ndim == 0:
        raise ShapeError("y0 is a scalar, expected [..., n]: write y0[None]")
    if t.ndim == 0 or len(t) < 2:
        raise ShapeError(f"t has shape {tuple(t.shape)}, expected [time] with at least 2 times")
    if t.ndim > 1 and t.shape[1:] != y0.shape[:-1]:
        raise ShapeError(
            f"t has shape {tuple(t.shape)}, y0 {tuple(y0.shape)}: expected t of shape [time] or "
            f"[time, {', '.join(map(str, y0.shape[:-1]))}], one column for each sample"
        )


def _check_increasing(t: Tensor) -> None:
    steps = torch.diff(t.detach(), dim=0)
    if not bool((steps > 0).all()):  # NaN fails too
        where = (~(steps > 0)).nonzero()[0].tolist()
        pair = (float(t[tuple(where)]), float(t[(where[0] + 1, *where[1:])]))
        raise TimeAxisError(
            f"t does not increase: entry {where[0]} is {pair[0]:g}, entry {where[0] + 1} is {pair[1]:g}. "
            f"Sort it and drop duplicates; to go back in time integrate -field(-t, y)."
        )


def check_choice(method: Any, adjoint: str, engine: str, t: Tensor) -> None:
    if adjoint not in get_args(Adjoint):
        raise UnknownNameError(f"there is no adjoint {adjoint!r}. {did_you_mean(adjoint, get_args(Adjoint))}")
    if engine not in get_args(Engine):
        raise UnknownNameError(f"there is no engine {engine!r}. {did_you_mean(engine, get_args(Engine))}")
    if isinstance(method, nn.Module):
        if not callable(getattr(method, "coefficients", None)):
            raise OptionError(f"method is a {type(method).__name__}, expected a name or a LearnedRungeKutta")
    elif str(method).startswith(PREFIX):
        solver_of(method)
    elif method not in METHODS:
        raise UnknownNameError(f"there is no method {method!r}. {did_you_mean(str(method), METHODS)}")
    _check_adjoint(method, adjoint, engine, t)


def _check_adjoint(method: Any, adjoint: str, engine: str, t: Tensor) -> None:
    foreign = isinstance(method, str) and method.startswith(PREFIX)
    if foreign and adjoint in ("checkpoint", "discrete"):
        raise AdjointError(f"{method!r} has no adjoint {adjoint!r}: say 'autograd' or 'continuous'")
    if adjoint == "continuous" and not foreign:
        raise AdjointError(
            f"adjoint='continuous' is torchdiffeq's, which has no {method!r}: "
            f"say method='{PREFIX}dopri5', or adjoint='discrete'"
        )
    if t.requires_grad and adjoint != "autograd":
        raise AdjointError(f"adjoint={adjoint!r} has no gradient with respect to t: say adjoint='autograd'")
    if engine == "fused" and isinstance(method, str) and (foreign or TABLEAUS.get(method, TABLEAUS["rk4"]).adaptive):
        raise OptionError(f"engine='fused' has fixed steps only, got method={method!r}: say method='rk4'")
    if engine == "fused" and adjoint != "discrete":
        raise AdjointError(f"engine='fused' has the adjoint 'discrete' only, got {adjoint!r}")
