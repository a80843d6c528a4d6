"""Right-hand sides that can be learned: ``field(t, state)`` in scaled coordinates, per data interval."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geodl.core.mlp import mlp
from geodl.train.baselines import least_squares


class MLPField(nn.Module):
    """A dense network times a rate per component, so that it starts at the speed of the data."""

    def __init__(self, size: int, width: int, depth: int, activation: str):
        super().__init__()
        self.network = mlp([size, *[width] * depth, size], activation)
        self.register_buffer("rate", torch.ones(size))

    rate: Tensor

    def forward(self, t: Tensor, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        del t
        return self.rate * self.network(state)

    def warm_start(self, state: Float[Tensor, "sample n"], increment: Float[Tensor, "sample n"]) -> None:
        """Take the typical change over one data interval from training data."""
        del state
        self.rate.copy_(increment.square().mean(0).sqrt().clamp(min=torch.finfo(increment.dtype).tiny))


class BilinearField(nn.Module):
    """f(u) = c + L u + Σ_{i<=j} Q_ij u_i u_j: every quadratic system, the Lorenz systems among them.

    Source: Fablet, Ouala & Herzet 2018, Bilinear residual neural network for the identification and forecasting of
    geophysical dynamics, EUSIPCO, section III.
    """

    def __init__(self, size: int):
        super().__init__()
        left, right = torch.triu_indices(size, size)
        self.register_buffer("left", left)
        self.register_buffer("right", right)
        self.constant = nn.Parameter(torch.zeros(size))
        self.weights = nn.Parameter(torch.zeros(size + len(left), size))

    left: Tensor
    right: Tensor

    def features(self, state: Tensor) -> Tensor:
        """u_i and u_i u_j with i <= j: ``[*batch, n]`` to ``[*batch, n + n(n + 1)/2]``."""
        # index_select takes a third of the time of indexing.
        left, right = state.index_select(-1, self.left), state.index_select(-1, self.right)
        return torch.cat([state, left * right], dim=-1)

    def forward(self, t: Tensor, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        del t
        return nn.functional.linear(self.features(state), self.weights.t(), self.constant)

    @torch.no_grad()
    def warm_start(self, state: Float[Tensor, "sample n"], increment: Float[Tensor, "sample n"]) -> None:
        """Least squares of the change over one data interval: the solution of forward Euler."""
        features = self.features(state)
        ones = torch.ones_like(features[:, :1])
        solution = least_squares(torch.cat([ones, features], 1), increment)
        self.constant.copy_(solution[0])
        self.weights.copy_(solution[1:])
