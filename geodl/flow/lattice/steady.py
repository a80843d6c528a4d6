"""From a start to the steady state, sample by sample: those that have settled or diverged leave the batch."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from geodl.flow.lattice.batch import Batch
from geodl.flow.lattice.engines import EngineName, engine_for

Report = Callable[[int, str], None]  # samples that are done, and words beside the bar
LOOK_EVERY = 128  # steps; samples look at multiples of it, whoever else is in the batch


@dataclass(frozen=True)
class SteadyFlow:
    """What `LatticeBoltzmann.run` found, one entry per sample.

    Attributes:
        u, v: [batch, ny, nx] in inflow speeds, zero in the bodies.
        p: [batch, ny, nx] in rho U2, zero mean at the outlet.
        drag, lift: [batch], 2 F / (rho U2 D).
        converged: bool [batch]; false where time ran out or the flow diverged, which leaves NaN.
        times: [batch], D/U from the start to the end.
    """

    u: Tensor
    v: Tensor
    p: Tensor
    drag: Tensor
    lift: Tensor
    converged: Tensor
    times: Tensor

    @property
    def diverged(self) -> Tensor:
        """bool [batch], where the flow is not a number."""
        return ~self.drag.isfinite() | ~self.u.flatten(1).isfinite().all(1)


@dataclass(frozen=True)
class State:
    """All that changes while a batch is advanced; tensors that are written in place.

    Attributes:
        populations: [batch, 9, ny + 2, nx + 2].
        steps: int64 [batch], since the start.
        velocity: [batch, 2, ny, nx] at the last look, inflow speeds, NaN before the first.
        drag: [batch] at the last look.
        change: [batch], the larger of the relative changes of velocity and drag between the last two looks.
        diverged: bool [batch].
    """

    populations: Tensor
    steps: Tensor
    velocity: Tensor
    drag: Tensor
    change: Tensor
    diverged: Tensor

    @classmethod
    def at_start(cls, populations: Tensor) -> "State":
        """Nothing looked at yet."""
        batch, _, height, width = populations.shape
        unknown = populations.new_full((batch, 2, height - 2, width - 2), math.nan)
        drag, change = populations.new_full((batch,), math.nan), populations.new_full((batch,), math.inf)
        no = torch.zeros(batch, dtype=torch.bool, device=populations.device)
        return cls(populations, no.long(), unknown, drag, change, no)

    def as_dict(self) -> dict[str, Tensor]:
        """By name, without copies."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Criterion:
    """When a flow is called steady.

    Attributes:
        tolerance: of |u(t + D/U) - u(t)| / |u| and of |Cd(t + D/U) - Cd(t)| / |Cd|.
        limit: D/U after which a sample is given up.
    """

    tolerance: float
    limit: float

    def met(self, state: State) -> Tensor:
        """bool [batch]."""
        return (state.change < self.tolerance) & ~state.diverged


def settle(batch: Batch, state: State, criterion: Criterion, *, engine: EngineName, advance: Report) -> None:
    """Advance every sample until it is steady, diverged or out of time; ``state`` is written in place.

    An engine that has to be compiled or captured for each size of batch keeps the samples that are done until they are
    half of its batch; their state stays as it was.
    """
    patient = engine == "compiled" or state.populations.is_cuda
    period = (batch.cells / batch.speed / LOOK_EVERY).ceil().long() * LOOK_EVERY
    crew, part, runner = torch.empty(0), batch, None
    while len(active := _active(batch, state, criterion)):
        if runner is None or len(active) <= len(crew) * (0.5 if patient else 1) - 0.5:
            crew, part = active, batch.of_samples(active)
            runner = engine_for(part.problem, engine)
        populations = runner.advance(state.populations[crew], LOOK_EVERY)
        own = torch.isin(crew, active)
        state.populations[active] = populations[own] if len(active) < len(crew) else populations
        state.steps[active] += LOOK_EVERY
        due = own & (state.steps[crew] % period[crew] == 0)
        if bool(due.any()):
            _look(part, populations, due, state, crew[due])
        advance(len(state.steps) - len(active), f"{len(active)} flows at step {int(state.steps.max())}")


def _active(batch: Batch, state: State, criterion: Criterion) -> Tensor:
    late = state.steps * batch.speed >= criterion.limit * batch.cells
    return (~(criterion.met(state) | state.diverged | late)).nonzero()[:, 0]


def _look(part: Batch, populations: Tensor, due: Tensor, state: State, samples: Tensor) -> None:
    """Compare those of a part of the batch whose D/U has passed with what they were before."""
    velocity = torch.stack(part.fields(populations)[:2], 1)[due]
    drag = part.coefficients(populations)[0][due]
    moved = (velocity - state.velocity[samples]).flatten(1).norm(dim=1) / velocity.flatten(1).norm(dim=1)
    pulled = torch.where(drag == 0, 0, (drag / state.drag[samples] - 1).abs())
    state.change[samples] = torch.maximum(moved, pulled)
    state.diverged[samples] = ~(velocity.flatten(1).isfinite().all(1) & drag.isfinite())
    state.velocity[samples], state.drag[samples] = velocity, drag
