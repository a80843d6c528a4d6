"""The nearest composition with the elements of another one: exact, positive, by factors near one.

A raw composition y gets factors m = 1 + Aᵀλ, which minimise Σ (y' - y)²/y under A y' = A y₀. Traces move by as many
percent as anything else, so that no radical loses its sign or its order of magnitude to the rounding of a fuel.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geodl.chemistry.constants import Constants

SMALLEST_FACTOR = 0.1
_SWEEPS = 8  # at most; one is usual, six were needed at worst for errors by factors of 20
_RIDGE = 1e-14
_LEAST = 1e-200  # of a diagonal, whose gradient is its power -3/2
_ABSENT = 1e-100  # kmol/kg of an element, below which none of its species can form

Rows = tuple[Tensor, ...]


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

    _matrix: Tensor
    _products: Tensor

    def forward(self, raw: Tensor, before: Tensor) -> Projected:
        """Correct raw compositions [species, cell] in float64 to have what those before have.

        A cell whose factors stay negative is moved only as far from the composition before as all stay positive.
        """
        wanted = self._matrix @ before
        y = self._without_absent(raw, wanted)
        start = y
        for _ in range(_SWEEPS):
            factors = self._factors(y, wanted)
            if not bool((factors < SMALLEST_FACTOR).any()):
                break
            y = y * factors.clamp(min=SMALLEST_FACTOR)
        return _limited(y * factors, start, before)

    def _without_absent(self, raw: Tensor, wanted: Tensor) -> Tensor:
        """No species of an element that a cell does not have; compositions conserve rows that are positive only."""
        absent = wanted.abs() < _ABSENT
        if not bool(absent.any()):
            return raw
        holds = (self._matrix != 0).to(raw)
        return raw.masked_fill((holds.T @ absent.to(raw)) > 0, 0.0)

    def _factors(self, y: Tensor, wanted: Tensor) -> Tensor:
        """m = 1 + Aᵀλ with A diag(y) Aᵀ λ = wanted - A y."""
        gram, residual = (self._products @ y).unbind(), (wanted - self._matrix @ y).unbind()
        return 1 + self._matrix.T @ torch.stack(solve(gram, residual))


def solve(gram: Rows, right: Rows) -> list[Tensor]:
    """Small symmetric systems, one for each cell, by LDLᵀ of rows of cells: ``gram`` is the lower triangle by rows.

    Written out over the few rows: LAPACK in a batch takes longer to be called than to compute.
    """
    n = len(right)
    low = {(i, j): gram[i * (i + 1) // 2 + j] for i in range(n) for j in range(i + 1)}
    scale = [low[i, i].clamp(min=_LEAST).rsqrt() for i in range(n)]
    a = {(i, j): value * scale[i] * scale[j] for (i, j), value in low.items()}
    pivots, x = list[Tensor](), list[Tensor]()
    for j in range(n):
        pivot = a[j, j] + _RIDGE
        for k in range(j):
            pivot = pivot - a[j, k].square() * pivots[k]
        pivots.append(pivot.clamp(min=_RIDGE))
        for i in range(j + 1, n):
            for k in range(j):
                a[i, j] = a[i, j] - a[i, k] * a[j, k] * pivots[k]
            a[i, j] = a[i, j] / pivots[j]
        value = right[j] * scale[j]
        for k in range(j):
            value = value - a[j, k] * x[k]
        x.append(value)
    for j in reversed(range(n)):
        x[j] = x[j] / pivots[j]
        for k in range(j + 1, n):
            x[j] = x[j] - a[k, j] * x[k]
    return [value * factor for value, factor in zip(x, scale, strict=True)]


def _limited(y: Tensor, start: Tensor, before: Tensor) -> Projected:
    """Both ends of the way from ``before`` to ``y`` have the right elements, and so has all between."""
    correction = (y / start.clamp(min=_LEAST) - 1).abs().masked_fill(start == 0, 0.0).amax(0)
    negative = y < 0
    limited = negative.any(0)
    if not bool(limited.any()):
        return Projected(y, correction, limited)
    with torch.no_grad():  # else cells that are not limited would pass on 0/0
        share = torch.where(negative, before / (before - y), 1.0).amin(0)
    way = (before + share * (y - before)).clamp(min=0)
    return Projected(torch.where(limited, way, y), correction, limited)
