"""The nearest composition with the elements of another one: exact, positive, by factors near one.

A raw composition y gets factors m = 1 + Aᵀλ, which minimise Σ (y' - y)²/y under A y' = A y₀. Traces move by as many
percent as anything else, so that no radical loses its sign or its order of magnitude to the rounding of a fuel.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geodl.chemistry.constants import Constants

SMALLEST_FACTOR = 0.1
_SWEEPS = 8  # at most; one is usual
_SINGULAR = 1e-16  # smallest pivot of a scaled matrix; a ridge would bias every step
_LEAST = 1e-200  # of a diagonal, whose gradient is its power -3/2
_ABSENT = 1e-100  # kmol/kg of an element, below which none of its species can form
_EXACT = 5e-15  # relative; beyond, a raw composition was too far off for the arithmetic

_SLIGHT = 1e-3  # relative change of a species that elements are worth which a dtype can hold


class Projected(NamedTuple):
    """Compositions [species, cell], the largest relative correction and whether it had to be limited [cell]."""

    composition: Tensor
    correction: Tensor
    limited: Tensor


class Projection(Constants):
    """Onto the compositions that conserve linear invariants, such as the elements or the charge.

    Args:
        invariants: rows of what is conserved; kmol of an element in one kg of each species, say.
    """

    def __init__(self, invariants: Float[np.ndarray, "row species"]):
        super().__init__()
        rows = np.asarray(invariants, dtype=np.float64)
        rows = rows[np.any(rows != 0, axis=1)]
        upper = [(i, j) for i in range(len(rows)) for j in range(i + 1)]
        self.rows = len(rows)
        self.register_buffer("_matrix", torch.from_numpy(rows), persistent=False)
        products = np.array([rows[i] * rows[j] for i, j in upper])
        self.register_buffer("_products", torch.from_numpy(products), persistent=False)
        counting = (rows != 0) & (rows >= 0).all(1, keepdims=True)  # of a charge, none in sum is not none at all
        self.register_buffer("_counting", torch.from_numpy(counting.astype(np.float64)), persistent=False)

    _matrix: Tensor
    _products: Tensor
    _counting: Tensor

    def forward(self, raw: Tensor, before: Tensor) -> Projected:
        """Correct raw compositions [species, cell] in float64 to have what those before have.

        A cell whose factors stay negative is moved only as far from the composition before as all stay positive, and
        one whose raw composition lacks all that an element could be in stays as it was.
        """
        start = self._without_absent(raw, before)
        y, change = self._swept(start, before)
        # y + y change rounds once, y (1 + change) twice: over many steps it shows.
        composition, limited = self._verified(*_positive(torch.addcmul(y, y, change), before), before)
        correction = (composition / start.clamp(min=_LEAST) - 1).abs().masked_fill(start < _LEAST, 0.0).amax(0)
        return Projected(composition, correction, limited)

    def amounts(self, composition: Tensor) -> Tensor:
        """Of what is conserved [row, cell] in compositions [species, cell]."""
        return self._matrix @ composition

    def settled(self, composition: Tensor, dtype: torch.dtype) -> Tensor:
        """Compositions [species, cell] that came in a ``dtype``, in float64, with elements that outlive it.

        Rounding moves the amount of an element by up to half a unit of the last of its bits, in another direction after
        every step, and the errors of many steps add up. Amounts are therefore taken with two bits fewer: what rounding
        does to them is less than half of that step, so that the next call finds the same amounts again.
        """
        steps = 0.5 / torch.finfo(dtype).eps  # in a mantissa from 1/2 to 1
        amounts = self.amounts(composition)
        mantissa, exponent = torch.frexp(amounts)
        wanted = torch.ldexp((steps * mantissa).round() / steps, exponent)
        change = self._relative_change(composition, wanted - amounts)
        # Not where all is in one species, whose elements come together.
        slight = ((change.abs() < _SLIGHT) | (composition == 0)).all(0)
        return torch.where(slight, torch.addcmul(composition, composition, change), composition)

    def _swept(self, raw: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Compositions that are one change away from what is wanted, and this relative change.

        Only the few cells that need more sweeps get them, such as fresh gas, where next to nothing may be corrected.
        """
        change = self._relative_change(raw, self.amounts(before - raw))
        cells = (change < SMALLEST_FACTOR - 1).any(0).nonzero().squeeze(1)
        if not len(cells):
            return raw, change
        y, wanted, left = (x.index_select(1, cells) for x in (raw, before, change))
        for _ in range(_SWEEPS - 1):
            y = y * (1 + left.clamp(min=SMALLEST_FACTOR - 1))
            left = self._relative_change(y, self.amounts(wanted - y))
            if not bool((left < SMALLEST_FACTOR - 1).any()):
                break
        return raw.index_copy(1, cells, y), change.index_copy(1, cells, left)

    def _without_absent(self, raw: Tensor, before: Tensor) -> Tensor:
        """No species forms of an element that a cell does not have."""
        absent = (self._matrix @ before).abs() < _ABSENT
        if not bool(absent.any()):
            return raw
        return torch.where((self._counting.T @ absent.to(raw)) > 0, before, raw)

    def _relative_change(self, weight: Tensor, missing: Tensor) -> Tensor:
        """Aᵀλ with A diag(weight) Aᵀ λ = missing amounts."""
        return self._matrix.T @ solve(self._products @ weight, missing)

    def _verified(self, y: Tensor, limited: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """What is not exact goes back to the composition before; NaN passes."""
        wrong = (self._matrix @ (y - before)).abs() > _EXACT * (self._matrix.abs() @ (y + before))
        if not bool(wrong.any()):
            return y, limited
        wrong = wrong.any(0)
        return torch.where(wrong, before, y), limited | wrong


def solve(gram: Tensor, right: Tensor) -> Tensor:
    """Small symmetric systems, one for each cell: lower triangles [pair, cell] by rows, right sides [row, cell]."""
    if not torch.is_grad_enabled():
        return _eliminated(gram, right)
    solution: Tensor = _Solve.apply(gram, right)
    return solution


class _Solve(torch.autograd.Function):
    """With the gradient that a solution is known to have: one more system, not the way back through an elimination."""

    @staticmethod
    def forward(ctx: Any, gram: Tensor, right: Tensor) -> Tensor:
        solution = solve(gram, right)
        ctx.save_for_backward(gram, solution)
        return solution

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        gram, solution = ctx.saved_tensors
        adjoint = solve(gram, slope)
        row, column = torch.tril_indices(len(slope), len(slope), device=slope.device)
        twice = adjoint[row] * solution[column] + adjoint[column] * solution[row]
        return -torch.where((row == column)[:, None], twice / 2, twice), adjoint


def _eliminated(gram: Tensor, right: Tensor) -> Tensor:
    """By LDLᵀ, column by column of all cells at once: LAPACK in a batch takes longer to be called."""
    n = len(right)
    scale = gram[[i * (i + 3) // 2 for i in range(n)]].clamp(min=_LEAST).rsqrt()
    square = [max(i, j) * (max(i, j) + 1) // 2 + min(i, j) for i in range(n) for j in range(n)]
    a, x = gram[square].unflatten(0, (n, n)) * scale[:, None] * scale, right * scale
    lower, quotients = list[Tensor](), list[Tensor]()
    for _ in range(n):
        pivot = a[0, 0].clamp(min=_SINGULAR)
        column = a[1:, 0] / pivot
        quotients.append(x[0] / pivot)
        lower.append(column)
        a, x = a[1:, 1:] - column[:, None] * column * pivot, x[1:] - column * x[0]
    for j in reversed(range(n)):
        for k, row in enumerate(lower[j].unbind(), start=j + 1):
            quotients[j] = quotients[j] - row * quotients[k]
    return torch.stack(quotients) * scale


def _positive(y: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """Both ends of the way from ``before`` to ``y`` have the right elements, and so has all between."""
    negative = y < 0
    limited = negative.any(0)
    if not bool(limited.any()):
        return y, limited
    with torch.no_grad():  # else cells that are not limited would pass on 0/0
        share = torch.where(negative, before / (before - y), 1.0).amin(0)
    way = (before + share * (y - before)).clamp(min=0)
    return torch.where(limited, way, y), limited
