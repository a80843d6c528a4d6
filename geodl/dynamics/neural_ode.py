"""A learned right-hand side inside an integrator: scaled state in, scaled states at the lead times out."""

import torch
from torch import Tensor, nn
from torchdiffeq import odeint, odeint_adjoint

from geodl.core.contract import Tensors

FIXED = ("euler", "midpoint", "rk4")


class NeuralODE(nn.Module):
    """du/dt = field(u), with time in data intervals, integrated by torchdiffeq.

    Args:
        field: ``field(t, state [sample, n])``.
        leads: number of data intervals to integrate over.
        method: one of ``FIXED`` (torchdiffeq's rk4 is the 3/8 rule), or "dopri5". torchdiffeq's dopri8 is left out:
            its interpolation to the requested times is off by 5e-6 on du/dt = -u, where dopri5 has 7e-9.
        substeps: steps per data interval of a fixed-step method.
        adjoint: gradients by the continuous adjoint (``odeint_adjoint``) instead of through the integrator.
    """

    def __init__(self, field: nn.Module, leads: int, *, method: str, substeps: int, adjoint: bool):
        super().__init__()
        self.field, self.leads, self.method = field, leads, method
        self.substeps = substeps if method in FIXED else 1
        self.integrate = odeint_adjoint if adjoint else odeint

    def forward(self, *state: Tensor) -> Tensors:
        """One tensor ``[sample]`` per component to one tensor ``[sample, lead]`` per component."""
        path = self.trajectory(torch.stack(state, dim=-1))[1:]
        return tuple(path.permute(2, 1, 0))

    def trajectory(self, start: Tensor) -> Tensor:
        """States at 0, 1, …, leads data intervals ``[lead + 1, sample, n]``."""
        # A fixed-step method takes one step between two requested times, so substeps are requested and dropped.
        times = torch.linspace(0, self.leads, self.leads * self.substeps + 1, dtype=start.dtype, device=start.device)
        path: Tensor = self.integrate(self.field, start, times, method=self.method)
        return path[:: self.substeps]
