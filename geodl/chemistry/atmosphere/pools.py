"""Learned sums of species: what acts in air is often a pool, such as NO + NO2, or all that OH reacts with."""

import torch
from torch import Tensor, nn

POOLS = 32


class Pools(nn.Module):
    """Logarithms of sums with positive, learned weights.

    A dense network that sees logarithms of species would have to learn what a sum is for every pair of them.

    Args:
        species: that may belong to a pool.
    """

    size: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, species: int):
        super().__init__()
        self.count = POOLS
        self.shares = nn.Parameter(torch.randn(POOLS, species))  # logarithms of the weights of usual amounts
        self.register_buffer("size", torch.zeros(species))
        self.register_buffer("mean", torch.zeros(POOLS))
        self.register_buffer("std", torch.ones(POOLS))

    def fit(self, logarithms: Tensor) -> None:
        """Take usual amounts, and the spread of the pools as they begin, from logarithms [cell, species]."""
        self.size.copy_(logarithms.exp().mean(0).log())
        with torch.no_grad():
            pools = self._pools(logarithms)
        self.mean.copy_(pools.mean(0))
        self.std.copy_(pools.std(0).clamp(min=1e-9))

    def _pools(self, logarithms: Tensor) -> Tensor:
        return ((logarithms - self.size).to(self.mean).exp() @ self.shares.exp().mT).log()

    def forward(self, logarithms: Tensor) -> Tensor:
        """From logarithms of concentrations [cell, species] to standardised logarithms of pools [cell, pool]."""
        return (self._pools(logarithms) - self.mean) / self.std
