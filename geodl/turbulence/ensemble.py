"""Several dense networks of the same shape, evaluated together."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from geodl.core.mlp import activation


class EnsembleMLP(nn.Module):
    """``members`` dense networks that share nothing, ``[sample, sizes[0]]`` to ``[sample, member, sizes[-1]]``.

    They start from different random weights and see the same batches. The last layer starts near zero, so that its
    bias alone is the first prediction.

    Source: Lakshminarayanan, Pritzel & Blundell 2017, Simple and scalable predictive uncertainty, NeurIPS.
    """

    def __init__(self, sizes: Sequence[int], members: int, name: str = "silu"):
        super().__init__()
        pairs = list(itertools.pairwise(sizes))
        self.weights = nn.ParameterList(torch.randn(members, a, b) / math.sqrt(a) for a, b in pairs)
        self.biases = nn.ParameterList(torch.zeros(members, 1, b) for _, b in pairs)
        self.activation = activation(name)
        with torch.no_grad():
            self.weights[-1].mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.member(x, i) for i in range(len(self.weights[0]))], dim=1)

    def member(self, x: Tensor, index: int) -> Tensor:
        """One of the networks: one by one they stay in the cache, and are faster than batched."""
        *hidden, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in hidden:
            x = self.activation(torch.addmm(bias[index], x, weight[index]))
        return torch.addmm(last[1][index], x, last[0][index])
