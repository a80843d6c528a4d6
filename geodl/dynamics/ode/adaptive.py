"""Step sizes that each sample of a batch chooses for itself."""

import dataclasses
import enum

import torch
from jaxtyping import Float, Int
from torch import Tensor

from geodl.dynamics.ode.explicit import Coefficients, combine, explicit_step
from geodl.dynamics.ode.tableau import Tableau
from geodl.dynamics.ode.tape import Field


class Status(enum.IntEnum):
    """How the integration of a sample ended; after a failure its states are NaN."""

    OK = 0
    MAX_STEPS = 1
    NONFINITE = 2
    DT_MIN = 3


@dataclasses.dataclass(frozen=True)
class Control:
    """What a step may be wrong by, and how many there may be.

    Attributes:
        rtol, atol: a step is accepted if √mean_n (e / (atol + rtol max(|y|, |y⁺|)))² ≤ 1, over the n components of one
            sample.
        max_steps: attempted steps of one sample.
    """

    rtol: float
    atol: float
    max_steps: int


@dataclasses.dataclass
class Steps:
    """The steps that were taken, one row for each round of the whole batch; a sample that waits has a step of zero.

    Attributes:
        begins, lengths: ``[*batch, 1]`` for each round.
        states: after each round, the start first.
        rounds: row of ``states`` that holds each requested time; 0 where it was not reached.
        status: codes of `Status`.
        accepted: steps of each sample.
    """

    begins: list[Tensor]
    lengths: list[Tensor]
    states: list[Tensor]
    rounds: Int[Tensor, "time *batch"]
    status: Int[Tensor, "*batch"]
    accepted: Int[Tensor, "*batch"]


SAFETY, SHRINK, GROW = 0.9, 0.2, 10.0


@torch.no_grad()
def adaptive_steps(
    field: Field,
    tableau: Tableau,
    control: Control,
    start: Float[Tensor, "*batch n"],
    times: Float[Tensor, "time *batch"],
) -> Steps:
    """Integrate every sample over its own times with its own steps; a step ends at every requested time.

    The steps depend on nothing but the sample itself. What is returned suffices to repeat them, so that gradients are
    those of a scheme with given steps.

    Source: Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I, section II.4.
    """
    state = torch.where(torch.isfinite(start).all(-1, keepdim=True), start, torch.nan)
    batch, goal = start.shape[:-1], torch.ones(start.shape[:-1], dtype=torch.long, device=start.device)
    time, last = times[0], len(times) - 1
    steps = Steps([], [], [start], torch.zeros(times.shape, dtype=torch.long, device=start.device), 0 * goal, 0 * goal)
    rate = field(time[..., None], state)
    wish = _first_step(field, tableau, control, time, state, rate)
    attempts, sound = torch.zeros_like(goal), torch.ones(batch, dtype=torch.bool, device=start.device)
    while bool(((goal <= last) & (steps.status == Status.OK)).any()):
        active = (goal <= last) & (steps.status == Status.OK)
        target = times.gather(0, goal.clamp(max=last)[None])[0]
        # A remainder of a few roundings would be a step of its own.
        lands = active & (time + wish * (1 + 1e-6) >= target)
        h = torch.where(active, torch.where(lands, target - time, wish), 0.0)
        later, later_rate, error = _attempt(field, tableau, control, time[..., None], h[..., None], state, rate)
        finite = torch.isfinite(error) & torch.isfinite(later).all(-1)
        accept = active & finite & (error <= 1)
        factor = torch.where(finite, SAFETY * error.clamp(min=1e-10) ** (-1 / (tableau.error_order + 1)), SHRINK)
        ceiling = torch.where(sound, GROW, 1.0)  # no growth right after a rejection
        tried = torch.where(lands & accept, torch.maximum(wish, h), h)
        wish = torch.where(active, tried * factor.clamp(min=SHRINK).minimum(ceiling), wish)
        taken = torch.where(accept, h, 0.0)
        steps.begins.append(time[..., None])
        steps.lengths.append(taken[..., None])
        state = torch.where(accept[..., None], later, state)
        rate = torch.where(accept[..., None], later_rate, rate)
        time = torch.where(accept, torch.where(lands, target, time + h), time)
        steps.states.append(state)
        reached = accept & lands
        index = goal.clamp(max=last)[None]
        before = steps.rounds.gather(0, index)
        steps.rounds.scatter_(0, index, torch.where(reached, len(steps.lengths), before))
        goal, sound = goal + reached, torch.where(active, accept, sound)
        attempts += active
        steps.accepted += accept
        _judge(steps.status, active & ~accept, finite, wish, times.abs().amax(0))
        steps.status[(goal <= last) & (steps.status == Status.OK) & (attempts >= control.max_steps)] = Status.MAX_STEPS
    return steps


def _attempt(
    field: Field, tableau: Tableau, control: Control, time: Tensor, h: Tensor, state: Tensor, rate: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """State and rate after a step, and its error in units of the tolerance, from the rate at its beginning."""
    known = iter([rate])  # the first stage

    def stage(t: Tensor, y: Tensor) -> Tensor:
        first = next(known, None)
        return field(t, y) if first is None else first

    times = [time + node * h for node in tableau.c]
    later, slopes = explicit_step(stage, Coefficients.of(tableau), times, h, state)
    later_rate = field(time + h, later)
    e = combine(torch.zeros_like(state), h, list(enumerate(tableau.error)), [*slopes, later_rate])
    return later, later_rate, _norm(e, control, state, later)


def _norm(error: Tensor, control: Control, state: Tensor, later: Tensor) -> Tensor:
    """Root mean square over the components, in units of the tolerance ``[*batch]``."""
    scale = control.atol + control.rtol * torch.maximum(state.abs(), later.abs())
    return (error / scale).square().mean(-1).sqrt()


def _first_step(field: Field, tableau: Tableau, control: Control, time: Tensor, state: Tensor, rate: Tensor) -> Tensor:
    """A guess of the first step ``[*batch]``.

    Source: Hairer, Norsett & Wanner 1993, section II.4, "Starting step size".
    """
    d0, d1 = _norm(state, control, state, state), _norm(rate, control, state, state)
    tiny = (d0 < 1e-5) | (d1 < 1e-5)
    h0 = torch.where(tiny, 1e-6, 0.01 * d0 / d1)
    later = field((time + h0)[..., None], state + h0[..., None] * rate)
    d2 = _norm(later - rate, control, state, state) / h0
    worst = torch.maximum(d1, d2)
    h1 = torch.where(worst <= 1e-15, (h0 * 1e-3).clamp(min=1e-6), (0.01 / worst) ** (1 / (tableau.error_order + 1)))
    guess = torch.minimum(100 * h0, h1)
    return torch.where(torch.isfinite(guess) & (guess > 0), guess, 1e-6)


def _judge(status: Tensor, rejected: Tensor, finite: Tensor, wish: Tensor, farthest: Tensor) -> None:
    """Give up a sample whose step has become too small to change the time."""
    stuck = rejected & (wish <= 4 * torch.finfo(wish.dtype).eps * farthest)
    status[stuck & finite] = Status.DT_MIN
    status[stuck & ~finite] = Status.NONFINITE
