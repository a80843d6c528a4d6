"""The solvers of torchdiffeq, their continuous adjoint and their events, behind the names of this library."""

from collections.abc import Callable

import torch
import torchdiffeq
from jaxtyping import Float
from torch import Tensor, nn

from geodl.dynamics.ode.adaptive import Control
from geodl.dynamics.ode.tape import Field
from geodl.errors import AdjointError, ShapeError, UnknownNameError, did_you_mean

PREFIX = "torchdiffeq:"
SOLVERS = (
    "dopri8", "dopri5", "bosh3", "fehlberg2", "adaptive_heun", "euler", "midpoint", "heun2", "heun3", "rk4",
    "explicit_adams", "implicit_adams", "fixed_adams", "scipy_solver",
)  # fmt: skip


def solver_of(method: str) -> str:
    """The name that torchdiffeq has for "torchdiffeq:name".

    Raises:
        UnknownNameError: torchdiffeq 0.2.5 has no such solver.
    """
    name = method.removeprefix(PREFIX)
    if name not in SOLVERS:
        raise UnknownNameError(f"torchdiffeq has no solver {name!r}. {did_you_mean(name, SOLVERS)}")
    return name


def torchdiffeq_path(
    field: Field,
    y0: Float[Tensor, "*batch n"],
    t: Float[Tensor, "time"],
    *,
    method: str,
    substeps: int,
    continuous: bool,
    control: Control,
) -> Float[Tensor, "time *batch n"]:
    """``torchdiffeq.odeint`` or ``odeint_adjoint``: one step size for the whole batch.

    Raises:
        UnknownNameError: there is no such solver.
        AdjointError: the continuous adjoint of a field that is no module.
        ShapeError: samples have times of their own.
    """
    if t.ndim > 1:
        raise ShapeError(f"t has shape {tuple(t.shape)}, but torchdiffeq has one time for the whole batch: [time]")
    if continuous and not isinstance(field, nn.Module):
        raise AdjointError("adjoint='continuous' finds the parameters of a torch.nn.Module only: make the field one")
    solve = torchdiffeq.odeint_adjoint if continuous else torchdiffeq.odeint
    # A fixed-step solver takes one step between two requested times, so substeps are requested and dropped.
    steps = torch.arange(substeps, dtype=t.dtype, device=t.device) / substeps
    times = torch.cat([(t[:-1, None] + torch.diff(t)[:, None] * steps).flatten(), t[-1:]])
    path: Tensor = solve(field, y0, times, method=solver_of(method), rtol=control.rtol, atol=control.atol)
    return path[::substeps]


def odeint_event(
    field: Field,
    y0: Float[Tensor, "*batch n"],
    t0: Float[Tensor, ""],
    *,
    event: Callable[[Tensor, Tensor], Tensor],
    method: str = "torchdiffeq:dopri5",
    rtol: float = 1e-7,
    atol: float = 1e-9,
) -> tuple[Float[Tensor, ""], Float[Tensor, "*batch n"]]:
    """The time at which an event happens, and the state then; both differentiable.

    Args:
        event: ``event(t, y)``; it happens where one of the numbers returned changes its sign.
        method: a solver of torchdiffeq; the batch has one time and one event.
    Raises:
        UnknownNameError: there is no such solver.
    Source: Chen, Amos & Nickel 2021, Learning neural event functions for ordinary differential equations, ICLR.
    """
    found, path = torchdiffeq.odeint_event(
        field,
        y0,
        t0,
        event_fn=event,
        method=solver_of(method),
        rtol=rtol,
        atol=atol,
        odeint_interface=torchdiffeq.odeint,
    )
    return found, path[-1]
