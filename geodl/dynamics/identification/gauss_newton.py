"""Levenberg-Marquardt for least squares: batches of small problems, or one with unknowns of its own in each window."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Self

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geodl.errors import DivergedError

_LEAST, _MOST = 1e-14, 1e14  # damping relative to the squared columns: rounding below, a standstill above


class AbstractLinearised(abc.ABC):
    """Residuals and their derivative at one point, for each of ``problem`` independent problems."""

    @property
    @abc.abstractmethod
    def cost(self) -> Float[Tensor, "problem"]:
        """½ Σ residual²."""

    @property
    @abc.abstractmethod
    def gradient(self) -> Float[Tensor, "problem unknown"]:
        """Jᵀ r, the derivative of the cost."""

    @property
    @abc.abstractmethod
    def scale(self) -> Float[Tensor, "problem unknown"]:
        """Norm of each column of J, so that the damping knows no units."""

    @abc.abstractmethod
    def step(self, damping: Float[Tensor, "problem"]) -> Float[Tensor, "problem unknown"]:
        """argmin ‖r + J δ‖² + damping ‖scale δ‖²."""

    @abc.abstractmethod
    def replaced(self, other: Self, where: Bool[Tensor, "problem"]) -> Self:
        """These problems, and those of the other point where asked for."""


@dataclasses.dataclass(frozen=True)
class Dense(AbstractLinearised):
    """Problems whose Jacobians are full matrices."""

    residual: Float[Tensor, "problem row"]
    jacobian: Float[Tensor, "problem row unknown"]

    @property
    def cost(self) -> Tensor:
        return self.residual.square().sum(-1) / 2

    @property
    def gradient(self) -> Tensor:
        return (self.residual[:, None] @ self.jacobian)[:, 0]

    @property
    def scale(self) -> Tensor:
        return _norms(self.jacobian)

    def step(self, damping: Tensor) -> Tensor:
        ridge = torch.diag_embed(damping.sqrt()[:, None] * self.scale)
        target = torch.cat([-self.residual, torch.zeros_like(self.scale)], 1)
        return torch.linalg.lstsq(torch.cat([self.jacobian, ridge], 1), target[..., None]).solution[..., 0]

    def replaced(self, other: Self, where: Tensor) -> Self:
        residual = torch.where(where[:, None], other.residual, self.residual)
        return dataclasses.replace(
            self, residual=residual, jacobian=torch.where(where[:, None, None], other.jacobian, self.jacobian)
        )


@dataclasses.dataclass(frozen=True)
class Arrow(AbstractLinearised):
    """One problem whose rows come in windows: each sees unknowns of its own, and all see the shared ones.

    The unknowns are those of each window in turn, then the shared ones. Orthogonal projections eliminate what is
    a window's own: the Schur complement without squaring the condition.

    Source: Golub & Pereyra 2003, Separable nonlinear least squares, Inverse Problems 19, R1, section 3.
    """

    residual: Float[Tensor, "window row"]
    own: Float[Tensor, "window row n"]
    shared: Float[Tensor, "window row p"]

    @property
    def cost(self) -> Tensor:
        return self.residual.square().sum()[None] / 2

    @property
    def gradient(self) -> Tensor:
        own = (self.residual[:, None] @ self.own).flatten()
        return torch.cat([own, torch.einsum("wr,wrp->p", self.residual, self.shared)])[None]

    @property
    def scale(self) -> Tensor:
        return torch.cat([_norms(self.own).flatten(), _norms(self.shared.flatten(0, 1))])[None]

    def step(self, damping: Tensor) -> Tensor:
        count, _, n = self.own.shape
        ridge = (damping.sqrt()[:, None] * self.scale)[0]
        own_ridge = torch.diag_embed(ridge[: count * n].reshape(count, n))
        q, r = torch.linalg.qr(torch.cat([self.own, own_ridge], 1))
        rest = torch.cat([self.shared, -self.residual[..., None]], 2)
        rest = torch.cat([rest, rest.new_zeros(count, n, rest.shape[2])], 1)  # shared columns, then the target
        seen = q.mT @ rest
        left = (rest - q @ seen).flatten(0, 1)
        matrix = torch.cat([left[:, :-1], torch.diag(ridge[count * n :])])
        target = torch.cat([left[:, -1:], left.new_zeros(len(ridge) - count * n, 1)])
        shared = torch.linalg.lstsq(matrix, target).solution
        own = torch.linalg.solve_triangular(r, seen[..., -1:] - seen[..., :-1] @ shared, upper=True)
        return torch.cat([own.flatten(), shared.flatten()])[None]

    def replaced(self, other: Self, where: Tensor) -> Self:
        return other if bool(where) else self


def _norms(jacobian: Tensor) -> Tensor:
    """Norms of the columns; 1 for a column of zeros, whose unknown must stay where it is."""
    norms = torch.linalg.vector_norm(jacobian, dim=-2)
    return torch.where(norms > 0, norms, torch.ones_like(norms))


@dataclasses.dataclass(frozen=True)
class Solution:
    """Where the iteration ended.

    Attributes:
        unknowns: the best found.
        cost: ½ Σ residual² there.
        converged: no further decrease within the tolerance; otherwise the iterations ran out.
        history: cost at the start and after each iteration, summed over the problems.
    """

    unknowns: Float[Tensor, "problem unknown"]
    cost: Float[Tensor, "problem"]
    converged: Bool[Tensor, "problem"]
    history: list[float]


def levenberg_marquardt(
    linearise: Callable[[Tensor], AbstractLinearised],
    start: Float[Tensor, "problem unknown"],
    *,
    iterations: int = 50,
    tolerance: float = 1e-8,
    damping: float = 1e-3,
) -> Solution:
    """Minimise ½ Σ residual² of each problem from a start; a problem never gets worse, whatever its neighbours do.

    Args:
        linearise: residuals and Jacobian at the unknowns; a step to where they are not finite is taken back.
        iterations: at most so many Jacobians beyond the first.
        tolerance: a problem has converged once a step lowers its cost by less than this share.
        damping: of the first step, relative to the squared columns of the Jacobian.
    Raises:
        DivergedError: the residuals at the start are not finite.
    Source: Madsen, Nielsen & Tingleff 2004, Methods for non-linear least squares problems, algorithm 3.16, with the
        scaling of Marquardt 1963.
    """
    now, unknowns, history = linearise(start), start, list[float]()
    if not bool(torch.isfinite(now.cost).all()):
        raise DivergedError(f"the cost at the start is {now.cost.tolist()}: begin nearer, or with shorter windows")
    damped, growth = torch.full_like(now.cost, damping), torch.full_like(now.cost, 2.0)
    converged = torch.zeros_like(now.cost, dtype=torch.bool)
    for _ in range(iterations):
        history.append(float(now.cost.sum()))
        step = now.step(damped)
        trial = linearise(unknowns + step)
        gain = now.cost - trial.cost
        better = gain > 0  # False for NaN
        converged = (converged | better) & ~(gain > tolerance * now.cost) | (damped > _MOST) | (now.cost == 0)
        ratio = gain / _predicted(now, step, damped)
        now, unknowns = now.replaced(trial, better), torch.where(better[:, None], unknowns + step, unknowns)
        # A decrease as predicted lowers the damping tenfold (threefold in the source): the last digits come sooner.
        damped = damped * torch.where(better, (1 - (2 * ratio - 1) ** 3).clamp(0.1, 2.0), growth)
        damped, growth = damped.clamp(min=_LEAST), torch.where(better, 2.0, 2 * growth)
        if bool(converged.all()):
            break
    return Solution(unknowns, now.cost, converged, [*history, float(now.cost.sum())])


def _predicted(now: AbstractLinearised, step: Tensor, damping: Tensor) -> Tensor:
    """Decrease of the cost that the linear model promises."""
    curvature = damping * (now.scale * step).square().sum(-1)
    return ((curvature - (now.gradient * step).sum(-1)) / 2).clamp(min=torch.finfo(step.dtype).tiny)
