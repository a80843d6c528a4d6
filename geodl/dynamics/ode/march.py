"""Many steps of a scheme, and gradients through all of them: by autograd, or by the exact adjoint of the scheme."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.dynamics.ode.explicit import Length
from geodl.dynamics.ode.scheme import AbstractScheme, transforms_active
from geodl.dynamics.ode.tape import AbstractTape, Field, checked_rate

Path = Float[Tensor, "time *batch n"]


@dataclasses.dataclass(frozen=True)
class Grid:
    """Where an integration steps.

    Attributes:
        begins, lengths: of every step; numbers, or ``[*batch, 1]`` where each sample has its own.
        every: steps between two states that are kept.
    """

    begins: Sequence[Tensor]
    lengths: Sequence[Length]
    every: int = 1

    def __len__(self) -> int:
        return len(self.lengths)

    def times(self, nodes: Sequence[float] | Tensor) -> list[Sequence[Tensor]]:
        """Times t + c h of the nodes c of every step, made in few operations."""
        if isinstance(nodes, Tensor) or isinstance(self.lengths[0], Tensor):
            return [[t + node * h for node in nodes] for t, h in zip(self.begins, self.lengths, strict=True)]
        shifts = torch.tensor([[node * h for node in nodes] for h in self.lengths], dtype=self.begins[0].dtype)
        flat = (torch.stack(tuple(self.begins))[:, None] + shifts.to(self.begins[0].device)).flatten().unbind()
        return [flat[i : i + len(nodes)] for i in range(0, len(flat), len(nodes))]


@dataclasses.dataclass(frozen=True)
class Problem:
    """A field, a scheme and a grid, and how a tape of the field is made."""

    field: Field
    scheme: AbstractScheme
    grid: Grid
    new_tape: Callable[[], AbstractTape]

    @functools.cached_property
    def times(self) -> list[Sequence[Tensor]]:
        return self.grid.times(self.scheme.nodes)

    def unrolled(self, start: Float[Tensor, "*batch n"]) -> Path:
        """Kept states by plain operations, for autograd and torch.func."""
        state, path, step = start, [start], self.scheme.differentiable_step
        field = functools.partial(checked_rate, self.field)
        for n, (times, h) in enumerate(zip(self.times, self.grid.lengths, strict=True), 1):
            state = step(field, times, h, state)
            if n % self.grid.every == 0:
                path.append(state)
        return torch.stack(path)

    def march(self, field: Field, start: Tensor, first: int, last: int) -> tuple[list[Tensor], list[Any]]:
        """States before steps ``first``, …, ``last`` and the memories of the steps between; no gradients."""
        states, memories = [start], list[Any]()
        for n in range(first, last):
            state, memory = self.scheme.step(field, self.times[n], self.grid.lengths[n], states[-1])
            states.append(state)
            memories.append(memory)
        return states, memories


def march(problem: Problem, start: Float[Tensor, "*batch n"], adjoint: str) -> Path:
    """Kept states of an integration, with gradients by ``adjoint``: autograd, discrete or checkpoint.

    Transforms of torch.func, and the mixed precision of autocast, see through plain operations only.
    """
    tape = problem.new_tape()
    leaves = [*tape.leaves, *problem.scheme.leaves]
    if adjoint == "autograd" or transforms_active() or torch.is_autocast_enabled(start.device.type):
        return problem.unrolled(start)
    if not any(tensor.requires_grad for tensor in (start, *leaves)):
        refuse_captured(problem, start)
    if not torch.is_grad_enabled() or not any(tensor.requires_grad for tensor in (start, *leaves)):
        with torch.no_grad():
            return torch.stack(problem.march(tape.rate, start, 0, len(problem.grid))[0][:: problem.grid.every])
    kind = _Recorded if adjoint == "discrete" else _Checkpointed
    path: Tensor = _Discrete.apply(kind(problem, tape), start, *leaves)
    return path


def refuse_captured(problem: Problem, start: Float[Tensor, "*batch n"]) -> None:
    """Evaluate the field once, so that its tape sees whether it wants gradients that nobody would get.

    Raises:
        AdjointError: the field depends on a tensor that wants a gradient and is not one of its parameters.
    """
    if torch.is_grad_enabled():
        problem.new_tape().evaluate(problem.times[0][0], start)


class _Recorded:
    """One segment: every evaluation stays on the tape from the forward sweep to the backward one."""

    def __init__(self, problem: Problem, tape: AbstractTape):
        self.problem, self.tape = problem, tape

    def forward(self, start: Tensor) -> list[Tensor]:
        states, self.memories = self.problem.march(self.tape.evaluate, start, 0, len(self.problem.grid))
        return states[:: self.problem.grid.every]

    def backward(self, path: Tensor) -> list[Tensor | None]:
        self.tape.rewind()
        first, shares = _pull(self.problem, self.tape, self.memories, path, path[-1], len(self.problem.grid))
        return [first, *self.tape.gradients(), *shares]


class _Checkpointed:
    """About √N segments: only their first states are kept, and each is computed again on its way back."""

    def __init__(self, problem: Problem, tape: AbstractTape):
        self.problem, self.tape = problem, tape
        self.stride = max(math.isqrt(len(problem.grid)), 1)

    def forward(self, start: Tensor) -> list[Tensor]:
        steps, every, kept = len(self.problem.grid), self.problem.grid.every, [start]
        self.starts, state = list[Tensor](), start
        for first in range(0, steps, self.stride):
            last = min(first + self.stride, steps)
            self.starts.append(state)
            states = self.problem.march(self.tape.rate, state, first, last)[0]
            kept += [states[n - first] for n in range(first + 1, last + 1) if n % every == 0]
            state = states[-1]
        return kept

    def backward(self, path: Tensor) -> list[Tensor | None]:
        later, totals, last = path[-1], list[Tensor | None](), len(self.problem.grid)
        for segment in reversed(range(len(self.starts))):
            first, tape = segment * self.stride, self.problem.new_tape()
            _, memories = self.problem.march(tape.evaluate, self.starts[segment], first, last)
            tape.rewind()
            later, shares = _pull(self.problem, tape, memories, path, later, last)
            totals = _sum(totals, [*tape.gradients(), *shares])
            last = first
        return [later, *totals]


def _pull(
    problem: Problem, tape: AbstractTape, memories: Sequence[Any], path: Path, later: Tensor, last: int
) -> tuple[Tensor, list[Tensor | None]]:
    """λ from step ``last`` back over all ``memories``, adding ∂ℓ/∂y where a state was kept."""
    totals = list[Tensor | None]()
    for n in reversed(range(last - len(memories), last)):
        memory = memories[n - last]
        later, shares = problem.scheme.pull(tape, memory, problem.grid.lengths[n], later)
        totals = _sum(totals, shares)
        if n % problem.grid.every == 0:
            later = later + path[n // problem.grid.every]
    return later, totals


def _sum(totals: list[Tensor | None], more: Sequence[Tensor | None]) -> list[Tensor | None]:
    if not totals:
        return list(more)
    return [a if b is None else b if a is None else a + b for a, b in zip(totals, more, strict=True)]


class _Discrete(torch.autograd.Function):
    """The adjoint of the scheme as a node of autograd; a second derivative goes through plain operations."""

    @staticmethod
    def forward(ctx: Any, run: _Recorded | _Checkpointed, start: Tensor, *leaves: Tensor) -> Tensor:
        ctx.run, ctx.leaves = run, leaves
        ctx.save_for_backward(start)
        with run.tape.mode():
            states = run.forward(start)
        return torch.stack(states)

    @staticmethod
    def backward(ctx: Any, path: Tensor) -> Any:
        if torch.is_grad_enabled():
            return None, *_twice_differentiable(ctx, path)
        with ctx.run.tape.mode():
            found = ctx.run.backward(path)
        # What inference mode made cannot be changed in place by an optimiser.
        return None, *(tensor.clone() if tensor is not None and tensor.is_inference() else tensor for tensor in found)


def _twice_differentiable(ctx: Any, path: Tensor) -> list[Tensor | None]:
    (start,) = ctx.saved_tensors
    wanted = [tensor for tensor, needed in zip((start, *ctx.leaves), ctx.needs_input_grad[1:], strict=True) if needed]
    states = ctx.run.problem.unrolled(start)
    found = iter(torch.autograd.grad(states, wanted, path, create_graph=True, allow_unused=True))
    return [next(found) if needed else None for needed in ctx.needs_input_grad[1:]]
