"""Schemes behind one call: a step forward, and its exact transpose."""

import abc
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.dynamics.ode.explicit import Coefficients, Length, explicit_step, pull_explicit_step
from geodl.dynamics.ode.tableau import Tableau
from geodl.dynamics.ode.tape import AbstractTape, Field


class AbstractScheme(abc.ABC):
    """One-step scheme.

    Attributes:
        nodes: times within a step at which the field is evaluated, in units of the step.
        leaves: coefficients that want a gradient.
    """

    nodes: Sequence[float] | Tensor
    leaves: Sequence[Tensor] = ()

    @abc.abstractmethod
    def step(
        self, field: Field, times: Sequence[Tensor], h: Length, state: Float[Tensor, "*batch n"]
    ) -> tuple[Float[Tensor, "*batch n"], Any]:
        """The state after a step without gradients, and what the transpose needs of it; ``times`` are of the nodes."""

    @abc.abstractmethod
    def differentiable_step(
        self, field: Field, times: Sequence[Tensor], h: Length, state: Float[Tensor, "*batch n"]
    ) -> Float[Tensor, "*batch n"]:
        """The same step by operations that any transform of torch sees through."""

    @abc.abstractmethod
    def pull(
        self, tape: AbstractTape, memory: Any, h: Length, later: Float[Tensor, "*batch n"]
    ) -> tuple[Float[Tensor, "*batch n"], list[Tensor]]:
        """λ after a step to λ before it, and the step's share of the gradients of ``leaves``."""


class Explicit(AbstractScheme):
    """Explicit Runge-Kutta with given coefficients."""

    def __init__(self, tableau: Tableau):
        self.coefficients = Coefficients.of(tableau)
        self.nodes = self.coefficients.nodes

    def step(self, field: Field, times: Sequence[Tensor], h: Length, state: Tensor) -> tuple[Tensor, None]:
        return explicit_step(field, self.coefficients, times, h, state)[0], None

    def differentiable_step(self, field: Field, times: Sequence[Tensor], h: Length, state: Tensor) -> Tensor:
        return explicit_step(field, self.coefficients, times, h, state)[0]

    def pull(self, tape: AbstractTape, memory: None, h: Length, later: Tensor) -> tuple[Tensor, list[Tensor]]:
        return pull_explicit_step(tape, self.coefficients, h, later)[0], []


class Learned(AbstractScheme):
    """Explicit Runge-Kutta whose coefficients A ``[s, s]``, b and c are tensors that want gradients."""

    def __init__(self, a: Float[Tensor, "s s"], b: Float[Tensor, "s"], c: Float[Tensor, "s"]):
        self.leaves, self.nodes = [a, b, c], c
        self.exact = Coefficients.of_tensors(a, b, c)
        rows = [row[:i] for i, row in enumerate(a.tolist())]
        self.plain = Coefficients.of(Tableau(tuple(map(tuple, rows)), tuple(b.tolist()), tuple(c.tolist()), 1))

    def step(self, field: Field, times: Sequence[Tensor], h: Length, state: Tensor) -> tuple[Tensor, list[Tensor]]:
        return explicit_step(field, self.plain, times, h, state)

    def differentiable_step(self, field: Field, times: Sequence[Tensor], h: Length, state: Tensor) -> Tensor:
        return explicit_step(field, self.exact, times, h, state)[0]

    def pull(self, tape: AbstractTape, memory: list[Tensor], h: Length, later: Tensor) -> tuple[Tensor, list[Tensor]]:
        """∂L/∂a_ij = h ⟨μ_i, k_j⟩, ∂L/∂b_i = h ⟨λ, k_i⟩, ∂L/∂c_i = h ⟨τ_i, 1⟩."""
        earlier, mu, tau = pull_explicit_step(tape, self.plain, h, later)
        slopes = torch.stack([slope.reshape(-1) for slope in memory])
        rows = torch.stack([(h * m).reshape(-1) for m in mu])
        nodes = [slopes.new_zeros(()) if v is None else (h * v).sum() for v in tau]
        return earlier, [rows @ slopes.T, slopes @ (h * later).reshape(-1), torch.stack(nodes)]


class ImplicitMidpoint(AbstractScheme):
    """y⁺ = y + h f(t + h/2, m) with m = (y + y⁺) / 2: order 2, A-stable, symmetric, exact on quadratic invariants.

    Newton with the exact Jacobian solves m = y + (h/2) f(m); a sample whose iteration does not converge becomes NaN.

    Source: Hairer, Lubich & Wanner 2006, Geometric Numerical Integration, II.1.1 and theorem IV.2.1.
    """

    iterations = 20

    def __init__(self, field: Field):
        self.field, self.nodes = field, (0.5,)

    def step(self, field: Field, times: Sequence[Tensor], h: Length, state: Tensor) -> tuple[Tensor, Tensor]:
        middle, matrix = self._solve(times[0], h, state)
        return state + h * field(times[0], middle), matrix

    def differentiable_step(self, field: Field, times: Sequence[Tensor], h: Length, state: Tensor) -> Tensor:
        # Newton doubles the number of right derivatives: one step from the solution has the first, two have three.
        middle = self._solve(times[0], h, state.detach())[0].detach()
        for _ in range(2):
            middle = middle - self._newton(times[0], h, state, middle)[0]
        return state + h * field(times[0], middle)

    def pull(self, tape: AbstractTape, memory: Tensor, h: Length, later: Tensor) -> tuple[Tensor, list[Tensor]]:
        solved = _solve_vector(memory.mT, later)
        return solved + 0.5 * tape.pull(h * solved)[0], []

    def _solve(self, t: Tensor, h: Length, state: Tensor) -> tuple[Tensor, Tensor]:
        """The middle state and I − (h/2) J there; stops where rounding stops it."""
        middle, last, transformed = state, torch.full_like(state[..., :1], torch.inf), transforms_active()
        for _ in range(self.iterations):
            change, matrix = self._newton(t, h, state, middle)
            size = change.abs().amax(-1, keepdim=True)
            middle = middle - change
            small = size <= 4 * torch.finfo(state.dtype).eps * middle.abs().amax(-1, keepdim=True)
            if not transformed and bool((small | ~torch.isfinite(size) | ((size >= last) & (size < 1e-6))).all()):
                break
            last = size
        # Rounding in the field keeps the last change above zero; a change of a thousandth is no rounding.
        converged = size <= 1e-3 * middle.abs().amax(-1, keepdim=True) + torch.finfo(state.dtype).tiny
        return torch.where(converged, middle, torch.nan), matrix

    def _newton(self, t: Tensor, h: Length, state: Tensor, middle: Tensor) -> tuple[Tensor, Tensor]:
        """Newton's change of the middle state, and its matrix ``[*batch, n, n]``."""
        eye = torch.eye(state.shape[-1], dtype=state.dtype, device=state.device)

        def along(direction: Tensor) -> tuple[Tensor, Tensor]:
            pushed: tuple[Tensor, Tensor]
            pushed = torch.func.jvp(lambda y: self.field(t, y), (middle,), (direction.expand_as(middle),))  # type: ignore[assignment]
            return pushed

        rates, columns = torch.func.vmap(along)(eye)
        wide = h[..., None] if isinstance(h, Tensor) else h
        matrix = eye - 0.5 * wide * columns.movedim(0, -1)
        return _solve_vector(matrix, middle - state - 0.5 * h * rates[0]), matrix


def _solve_vector(matrix: Tensor, vector: Tensor) -> Tensor:
    """A x = v of each sample. Through the inverse: torch 2.13 differentiates ``solve`` wrongly in vmap over jvp."""
    return (torch.linalg.inv(matrix) @ vector[..., None])[..., 0]


def transforms_active() -> bool:
    """Whether torch.func (vmap, grad, jvp, …) is at work, which sees through plain operations only."""
    return bool(torch._C._are_functorch_transforms_active())
