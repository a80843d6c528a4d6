"""The dense part of all networks of chemistry, and in how many parts they learn a step."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from geodl.core.mlp import mlp


class Dense(nn.Module):
    """A multi-layer perceptron with a straight way around it, so that what is linear need not be learned in layers.

    It begins with nearly nothing: every species on its way to its mean, at a usual rate.

    Args:
        sizes: of inputs, hidden layers and outputs.
    """

    def __init__(self, sizes: Sequence[int]):
        super().__init__()
        self.deep = mlp(sizes, "silu")
        self.straight = nn.Linear(sizes[0], sizes[-1], bias=False)
        last = [layer for layer in self.deep if isinstance(layer, nn.Linear)][-1]
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.zero_()
            self.straight.weight.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """From inputs ``[cell, sizes[0]]`` to outputs ``[cell, sizes[-1]]``."""
        return self.deep(x) + self.straight(x)


TAKEN, MARGIN = 100_000, 1.5  # training states that set a limit, and room above it
OUTLIERS = 1e-4  # share of them that sets none: a single bad one would let all others pass


def limit(values: Tensor) -> Tensor:
    """Largest value of a doubt that may be trusted, from those of training states [state]."""
    return MARGIN * values.quantile(1 - OUTLIERS)


def random_parts(most: int, share: float) -> int:
    """Equal parts in which training takes the steps of a batch: one, which long time steps need, or in a ``share`` of
    the batches a power of two up to ``most``, by which short ones learn to add up.
    """
    doublings = int(most).bit_length()
    if doublings == 1 or float(torch.rand(())) < 1 - share:
        return 1
    return 2 ** int(torch.randint(1, doublings, ()))
