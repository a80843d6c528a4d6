"""A learned right-hand side inside an integrator: scaled state in, scaled states at the lead times out."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geodl.core.contract import Tensors
from geodl.dynamics.ode.checks import Adjoint, Engine
from geodl.dynamics.ode.solve import odeint
from geodl.dynamics.ode.tableau import TABLEAUS


class NeuralODE(nn.Module):
    """du/dt = field(u), with time in data intervals.

    Args:
        field: ``field(t, state [sample, n])``.
        leads: number of data intervals to integrate over.
        method, adjoint, engine: see `odeint`.
        substeps: steps per data interval; an adaptive method chooses its own.
    """

    def __init__(
        self,
        field: nn.Module,
        leads: int,
        *,
        method: str,
        substeps: int = 1,
        adjoint: Adjoint = "discrete",
        engine: Engine = "eager",
    ):
        super().__init__()
        self.field, self.leads = field, leads
        steps = {} if method in TABLEAUS and TABLEAUS[method].adaptive else {"substeps": substeps}
        self.choice: dict[str, Any] = {"method": method, "adjoint": adjoint, "engine": engine, **steps}

    def forward(self, *state: Tensor) -> Tensors:
        """One tensor ``[sample]`` per component to one tensor ``[sample, lead]`` per component."""
        path = self.trajectory(torch.stack(state, dim=-1))[1:]
        return tuple(path.permute(2, 1, 0))

    def trajectory(self, start: Float[Tensor, "sample n"]) -> Float[Tensor, "time sample n"]:
        """States at 0, 1, …, leads data intervals."""
        times = torch.arange(self.leads + 1, dtype=start.dtype, device=start.device)
        return trajectory(self.field, start, times, **self.choice)


def trajectory(
    field: nn.Module, start: Float[Tensor, "*batch n"], times: Float[Tensor, "time"], **choice: Any
) -> Float[Tensor, "time *batch n"]:
    """As `odeint`, but a sample that begins with no number gives NaN, and the others do not suffer."""
    finite = torch.isfinite(start).all(-1, keepdim=True)
    states = odeint(field, torch.where(finite, start, 0.0), times, **choice)
    return torch.where(finite, states, torch.nan)
