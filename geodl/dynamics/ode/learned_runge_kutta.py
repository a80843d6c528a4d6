"""An explicit Runge-Kutta scheme whose coefficients are learned."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from geodl.dynamics.ode.tableau import TABLEAUS, Tableau, compose
from geodl.errors import OptionError, UnknownNameError, did_you_mean

ORDERS = (1, 2, 3, 3, 4, 4, 4, 4)  # of the conditions in `LearnedRungeKutta.order_residuals`


class LearnedRungeKutta(nn.Module):
    """Explicit scheme with trainable a (strictly lower triangle) and b, for ``odeint(…, method=scheme)``.

    Σ b = 1 whatever the parameters are, since b = β + (1 − Σβ) / s, and c_i = Σ_j a_ij: every iterate of a training is
    a consistent scheme. It begins as several steps of a classic one, which training can only improve. Learnt at one
    step it is good at that step: test it on another, and never read a field that was learnt beside it as the truth.

    Args:
        stages: evaluations of the field in one step.
        start: scheme to begin with, by name or as a `Tableau`, as often in a row as it fits in; None for Euler steps,
            which fit any number of stages.
        dtype: of the parameters; by default torch's own.
    Raises:
        OptionError: the stages of the start do not divide ``stages``.
        UnknownNameError: no scheme has this name.
    Source: Ouala et al. 2021, Learning Runge-Kutta integration schemes for ODE simulation and identification,
        arXiv:2105.04999.
    """

    def __init__(self, stages: int, *, start: str | Tableau | None = "rk4", dtype: torch.dtype | None = None):
        super().__init__()
        first = _composed(start or "euler", stages)
        row, column = torch.tril_indices(stages, stages, -1)
        self.register_buffer("row", row)
        self.register_buffer("column", column)
        lower = [a for entries in first.a for a in entries]  # by rows, as tril_indices
        self.lower = nn.Parameter(torch.tensor(lower, dtype=dtype))
        self.beta = nn.Parameter(torch.tensor(first.b, dtype=dtype))

    row: Tensor
    column: Tensor

    @property
    def stages(self) -> int:
        """Evaluations of the field in one step."""
        return len(self.beta)

    def coefficients(self) -> tuple[Float[Tensor, "s s"], Float[Tensor, "s"], Float[Tensor, "s"]]:
        """a, b and c, differentiable by the parameters; dimensionless."""
        a = self.lower.new_zeros(self.stages, self.stages).index_put((self.row, self.column), self.lower)
        return a, self.beta + (1 - self.beta.sum()) / self.stages, a.sum(1)

    def tableau(self) -> Tableau:
        """The same as numbers; its order is the highest, up to 4, whose conditions hold to rounding."""
        a, b, c = (tensor.detach() for tensor in self.coefficients())
        broken = self.order_residuals().detach().abs() > 100 * torch.finfo(b.dtype).eps
        order = min([5, *(p for p, bad in zip(ORDERS, broken.tolist(), strict=True) if bad)]) - 1
        rows = tuple(tuple(row[:i]) for i, row in enumerate(a.tolist()))
        return Tableau(rows, tuple(b.tolist()), tuple(c.tolist()), max(order, 1))

    def order_residuals(self) -> Float[Tensor, "8"]:
        """What is missing in the conditions of order 1, 2, 3 (two) and 4 (four); their squares can be a penalty.

        Source: Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I, section II.1.
        """
        a, b, c = self.coefficients()
        sums = (1 + 0 * c, c, c**2, a @ c, c**3, c * (a @ c), a @ c**2, a @ (a @ c))
        wanted = b.new_tensor([1, 1 / 2, 1 / 3, 1 / 6, 1 / 4, 1 / 8, 1 / 12, 1 / 24])
        return torch.stack([b @ weights for weights in sums]) - wanted

    def stability_function(self, z: Complex[Tensor, "*point"]) -> Complex[Tensor, "*point"]:
        """R(z) = 1 + Σ_k z^k bᵀ a^(k−1) 1: what one step does to y' = λ y, with z = h λ, dimensionless.

        Source: Hairer & Wanner 1996, Solving Ordinary Differential Equations II, definition IV.2.1.
        """
        a, b, _ = self.coefficients()
        power, result = torch.ones_like(b), torch.ones_like(z)
        for k in range(1, self.stages + 1):
            result = result + z**k * (b @ power)
            power = a @ power
        return result

    def extra_repr(self) -> str:
        return f"stages={self.stages}"


def _composed(start: str | Tableau, stages: int) -> Tableau:
    """Steps of the start in a row that together have so many stages."""
    if isinstance(start, str):
        if start not in TABLEAUS:
            raise UnknownNameError(f"there is no scheme {start!r}. {did_you_mean(start, TABLEAUS)}")
        start = TABLEAUS[start]
    if stages < 1 or stages % start.stages:
        raise OptionError(
            f"{stages} stages cannot begin as steps of {start.stages} stages: choose a multiple of {start.stages}, "
            f"another start, or start=None"
        )
    return compose(start, stages // start.stages)
