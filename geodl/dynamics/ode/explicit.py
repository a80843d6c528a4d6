"""One step of an explicit Runge-Kutta scheme, and its exact adjoint."""

import dataclasses
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.dynamics.ode.tableau import Tableau
from geodl.dynamics.ode.tape import AbstractTape, Field

Length = float | Tensor  # of a step: one number, or [*batch, 1]
Terms = Sequence[tuple[int, float | Tensor]]  # numbers of stages and their weights, without zeros


@dataclasses.dataclass(frozen=True)
class Coefficients:
    """A tableau in the order in which a step reads it; weights are numbers, or tensors that may want a gradient.

    Attributes:
        rows: terms of each stage, a_ij.
        sums: terms of the new state, b_i.
        nodes: c, times of the stages in units of the step.
        columns: terms of each covector, b_i and a_ji with j > i; the first stands for stage −1, the new state.
    """

    rows: Sequence[Terms]
    sums: Terms
    nodes: Sequence[float] | Tensor
    columns: Sequence[Terms]

    @classmethod
    def of(cls, tableau: Tableau) -> "Coefficients":
        """Of plain numbers, which make a step fastest."""
        return cls._from(tableau.a, tableau.b, tableau.c)

    @classmethod
    def of_tensors(cls, a: Float[Tensor, "s s"], b: Float[Tensor, "s"], c: Float[Tensor, "s"]) -> "Coefficients":
        """Of tensors; only the strictly lower triangle of ``a`` is read."""
        rows = [row.unbind()[:i] for i, row in enumerate(a.unbind())]
        return cls._from(rows, b.unbind(), c)

    @classmethod
    def _from(
        cls, a: Sequence[Sequence[float | Tensor]], b: Sequence[float | Tensor], c: Sequence[float] | Tensor
    ) -> "Coefficients":
        below = [[(j, a[j][i]) for j in range(i + 1, len(b))] for i in range(len(b))]
        columns = [_terms([(-1, b[i]), *below[i]]) for i in range(len(b))]
        return cls([_terms(enumerate(row)) for row in a], _terms(enumerate(b)), c, columns)

    @property
    def stages(self) -> int:
        return len(self.rows)


def _terms(pairs: object) -> Terms:
    return [(j, weight) for j, weight in pairs if isinstance(weight, Tensor) or weight != 0]  # type: ignore[attr-defined]


# The functions below are called at every stage: their shapes, all [*batch, n], stand here, and no check costs time.
def combine(state: Tensor, h: Length, terms: Terms, slopes: Sequence[Tensor]) -> Tensor:
    """y + h Σ w_j k_j, differentiable in everything."""
    for j, weight in terms:
        scale, slope = h * weight, slopes[j]
        state = torch.add(state, slope, alpha=scale) if isinstance(scale, float) else state + scale * slope
    return state


def explicit_step(
    field: Field, scheme: Coefficients, times: Sequence[Tensor], h: Length, state: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """The state after a step, and the stages k_i; ``times`` are those of the stages.

    Source: Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I, definition II.1.1.
    """
    slopes = list[Tensor]()
    for row, time in zip(scheme.rows, times, strict=True):
        slopes.append(field(time, combine(state, h, row, slopes)))
    return combine(state, h, scheme.sums, slopes), slopes


def pull_explicit_step(
    tape: AbstractTape, scheme: Coefficients, h: Length, later: Tensor
) -> tuple[Tensor, list[Tensor], list[Tensor | None]]:
    """λ after a step to λ before it; with it μ_i = f_yᵀ κ_i and τ_i = f_tᵀ κ_i of every stage.

    κ_i = h (b_i λ + Σ_{j>i} a_ji μ_j),  μ_i = f_y(Y_i)ᵀ κ_i,  λ⁻ = λ + Σ_i μ_i: the transpose of the step as it was
    computed, not a discretisation of the adjoint equation.

    Source: Sanz-Serna 2016, SIAM Review 58, 3, section 3, from Hager 2000, Numer. Math. 87, 247.
    """
    zero = torch.zeros_like(later)
    mu, tau = [zero] * scheme.stages + [later], list[Tensor | None]([None] * scheme.stages)
    earlier = later
    for i in reversed(range(scheme.stages)):
        if not scheme.columns[i]:
            tape.skip()
            continue
        mu[i], tau[i] = tape.pull(combine(zero, h, scheme.columns[i], mu))
        earlier = earlier + mu[i]
    return earlier, mu[:-1], tau
