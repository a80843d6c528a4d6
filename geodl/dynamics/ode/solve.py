"""Initial value problems for torch: fixed-step, adaptive, implicit and learned schemes with exact gradients."""

import dataclasses
import functools

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from geodl.dynamics.ode.adaptive import Control, Status, adaptive_steps
from geodl.dynamics.ode.checks import IMPLICIT, Adjoint, Engine, check_choice, check_numbers, check_problem
from geodl.dynamics.ode.dense_tape import DenseTape, is_dense
from geodl.dynamics.ode.march import Grid, Problem, march, refuse_captured
from geodl.dynamics.ode.scheme import AbstractScheme, Explicit, ImplicitMidpoint, Learned
from geodl.dynamics.ode.tableau import TABLEAUS, Tableau
from geodl.dynamics.ode.tape import Field, GraphTape, leaves_of
from geodl.dynamics.ode.torchdiffeq_solvers import PREFIX, torchdiffeq_path
from geodl.errors import DtypeError, OptionError

# torch's own rounding allows no more in single precision; torchdiffeq asks for 1e-7 there and underflows.
TOLERANCES = {torch.float64: (1e-7, 1e-9), torch.float32: (1e-5, 1e-6)}
MAX_STEPS = 100_000


@dataclasses.dataclass(frozen=True)
class Solution:
    """What an integration yields.

    Attributes:
        states: at the requested times, NaN after a failure.
        status: code of `Status` for each sample.
        steps: accepted steps of each sample.
    """

    states: Float[Tensor, "time *batch n"]
    status: Int[Tensor, "*batch"]
    steps: Int[Tensor, "*batch"]


def odeint(
    field: Field,
    y0: Float[Tensor, "*batch n"],
    t: Float[Tensor, "time *b"],
    *,
    method: str | nn.Module = "dopri5",
    substeps: int = 1,
    adjoint: Adjoint | None = None,
    engine: Engine = "eager",
    rtol: float | None = None,
    atol: float | None = None,
    max_steps: int = MAX_STEPS,
) -> Float[Tensor, "time *batch n"]:
    """States at the times t of dy/dt = field(t, y), y(t[0]) = y0.

    Args:
        field: ``field(t, y)``, each sample (row) of y by itself. t is a scalar, or ``[*batch, 1]`` where samples have
            times of their own: with per-sample ``t``, and in every adaptive method.
        y0: initial states.
        t: increasing times ``[time]``, or ``[time, *batch]`` for each sample its own.
        method: a fixed-step scheme (euler, midpoint, heun, rk4, rk4_38, implicit_midpoint), an adaptive one (dopri5,
            tsit5, dopri8) whose every sample has steps of its own, a LearnedRungeKutta, or a solver of torchdiffeq as
            in "torchdiffeq:dopri5". rk4 is the classic scheme; what torchdiffeq calls rk4 is rk4_38.
        substeps: steps of a fixed-step scheme between two times.
        adjoint: "discrete", the default, is the exact transpose of the scheme; "checkpoint" the same with about √N
            states kept instead of all stages; "autograd", the default with torchdiffeq, goes through plain operations.
            "continuous" solves the adjoint equation backwards (torchdiffeq's ``odeint_adjoint``): its gradient is not
            that of the solution returned, and is wrong by e^{λ Δt} times rounding where the system contracts at a
            rate λ.
        engine: "fused" runs bilinear fields, and MLP fields of tanh, silu or relu, on the CPU in C that is compiled on
            first use for the shape of the field.
        rtol, atol: tolerances of an adaptive method; by default 1e-7 and 1e-9 in float64, 1e-5 and 1e-6 in float32.
        max_steps: attempted steps of one sample in an adaptive method.
    Returns:
        The states; NaN after the time at which a sample failed, see `integrate` for the reason.
    Raises:
        TimeAxisError: t does not increase.
        ShapeError, DtypeError, NonFiniteError: y0, t and the field do not fit together.
        UnknownNameError: there is no such method, adjoint or engine.
        AdjointError: the method cannot offer this adjoint, or the field captures a tensor that wants a gradient.
    Source: Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I; for the adjoint Sanz-Serna 2016,
        SIAM Review 58, 3.
    """
    return integrate(
        field, y0, t, method=method, substeps=substeps, adjoint=adjoint, engine=engine, rtol=rtol, atol=atol,
        max_steps=max_steps,
    ).states  # fmt: skip


@torch.compiler.disable  # type: ignore[untyped-decorator]  # tracing would unroll the loop over the steps
def integrate(
    field: Field,
    y0: Float[Tensor, "*batch n"],
    t: Float[Tensor, "time *b"],
    *,
    method: str | nn.Module = "dopri5",
    substeps: int = 1,
    adjoint: Adjoint | None = None,
    engine: Engine = "eager",
    rtol: float | None = None,
    atol: float | None = None,
    max_steps: int = MAX_STEPS,
) -> Solution:
    """As `odeint`, with the status and the number of steps of each sample."""
    check_problem(field, y0, t)
    foreign = isinstance(method, str) and method.startswith(PREFIX)
    adjoint = adjoint or ("autograd" if foreign else "discrete")
    check_choice(method, adjoint, engine, t)
    default = TOLERANCES.get(y0.dtype, TOLERANCES[torch.float32])
    control = Control(default[0] if rtol is None else rtol, default[1] if atol is None else atol, max_steps)
    check_numbers(substeps, control.rtol, control.atol, max_steps)
    if foreign:
        continuous = adjoint == "continuous"
        states = torchdiffeq_path(
            field, y0, t, method=str(method), substeps=substeps, continuous=continuous, control=control
        )
        return _fixed(states, (len(t) - 1) * substeps)
    tableau = TABLEAUS.get(method) if isinstance(method, str) else None
    if tableau is not None and tableau.adaptive:
        if substeps != 1:
            raise OptionError(f"method {method!r} chooses its own steps, got substeps={substeps}: leave substeps out")
        if y0.dtype not in TOLERANCES:
            raise DtypeError(f"method {method!r} controls errors in float32 or float64, got {y0.dtype}: y0.float()")
        return _adaptive(field, y0, t, tableau, adjoint, control)
    grid = _grid(y0, t, substeps)
    if engine == "fused":
        return _fixed(_fused(field, y0, t, method, substeps), len(grid))
    return _fixed(march(_problem(field, _scheme(method, field), grid, y0), y0, adjoint), len(grid))


def _problem(field: Field, scheme: AbstractScheme, grid: Grid, start: Tensor) -> Problem:
    if is_dense(field, start):
        return Problem(field, scheme, grid, functools.partial(DenseTape, field))
    tape = functools.partial(GraphTape, field, leaves_of(field), times=bool(scheme.leaves))
    return Problem(field, scheme, grid, tape)


def _scheme(method: str | nn.Module, field: Field) -> AbstractScheme:
    if isinstance(method, nn.Module):
        return Learned(*method.coefficients())  # type: ignore[operator]
    return ImplicitMidpoint(field) if method == IMPLICIT else Explicit(TABLEAUS[method])


def _grid(y0: Tensor, t: Tensor, substeps: int) -> Grid:
    """Equal steps between two times."""
    shared = t.ndim == 1
    times = t if shared else t[..., None]
    lengths = (times[1:] - times[:-1]) / substeps
    begins = times[:-1, None] + lengths[:, None] * torch.arange(substeps, device=t.device).view(
        1, -1, *[1] * (times.ndim - 1)
    )
    plain = shared and not t.requires_grad
    each = lengths.tolist() if plain else list(lengths.unbind())
    return Grid(begins.flatten(0, 1).unbind(), [h for h in each for _ in range(substeps)], substeps)


def _fixed(states: Tensor, steps: int) -> Solution:
    """With the status that can be read off the states."""
    finite = torch.isfinite(states.detach()).all(-1).all(0)
    return Solution(states, torch.where(finite, Status.OK, Status.NONFINITE), torch.full_like(finite.long(), steps))


def _adaptive(field: Field, y0: Tensor, t: Tensor, tableau: Tableau, adjoint: str, control: Control) -> Solution:
    """Choose the steps without gradients; if gradients are wanted, take them again."""
    times = t if t.ndim > 1 else t.view(-1, *[1] * (y0.ndim - 1)).expand(-1, *y0.shape[:-1])
    steps = adaptive_steps(field, tableau, control, y0, times)
    problem = _problem(field, Explicit(tableau), Grid(steps.begins, steps.lengths), y0)
    if torch.is_grad_enabled() and (y0.requires_grad or bool(leaves_of(field)) or adjoint == "autograd"):
        path = march(problem, y0, adjoint)
    else:
        refuse_captured(problem, y0)
        path = torch.stack(steps.states)
    rounds = steps.rounds[..., None].expand(*steps.rounds.shape, y0.shape[-1])
    reached = rounds > 0
    reached[0] = True
    return Solution(torch.where(reached, path.gather(0, rounds), torch.nan), steps.status, steps.accepted)


def _fused(field: Field, y0: Tensor, t: Tensor, method: str | nn.Module, substeps: int) -> Tensor:
    from geodl.dynamics.ode.fused import fused_odeint

    if method == IMPLICIT or not isinstance(field, nn.Module) or t.ndim > 1:
        raise OptionError(
            f"engine='fused' takes explicit schemes, t [time] and an MLPField or BilinearField, got {method!r}, "
            f"t {tuple(t.shape)} and a {type(field).__name__}: say engine='eager'"
        )
    tableau = TABLEAUS[method] if isinstance(method, str) else method.coefficients()  # type: ignore[operator]
    return fused_odeint(field, y0, t, tableau, substeps)
