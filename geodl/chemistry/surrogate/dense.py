"""What the dense parts of all networks of chemistry share: how they begin, and in how many parts they learn a step."""

import torch
from torch import nn


def start_small(member: nn.Module) -> None:
    """First guess: every species on its way to its mean, at a usual rate."""
    last = [layer for layer in member.modules() if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_(0.1)
        last.bias.zero_()


def random_parts(most: int) -> int:
    """Equal parts in which training takes a time step: a power of two up to ``most``."""
    doublings = int(most).bit_length()
    return 1 if doublings == 1 else 2 ** int(torch.randint(doublings, ()))
