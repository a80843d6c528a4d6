"""The scale on which mass fractions are seen: a power that spreads traces without a logarithm's hole at zero."""

import torch
from torch import Tensor

FLOOR = 1e-20  # mass fractions below count as absent
POWER = 0.1
FLOOR_ROOT = FLOOR**POWER


def root(fraction: Tensor) -> Tensor:
    """Y^0.1 with Y no less than 1e-20: a Box-Cox transform without its constants.

    Source: Box & Cox 1964, J. R. Stat. Soc. B 26, 211; power 0.1 as in Zhang et al. 2022, Combust. Flame 245, 112319.
    """
    return fraction.clamp(min=FLOOR) ** POWER


def tenth_power(roots: Tensor) -> Tensor:
    """The way back, by products alone."""
    square = roots.clamp(min=FLOOR_ROOT).square()
    return square.square().square() * square


def moved(fraction: Tensor, roots: Tensor, change: Tensor) -> Tensor:
    """Mass fractions whose roots have changed; no change leaves them bit for bit, absent ones too."""
    reached = fraction + (tenth_power(roots + change) - tenth_power(roots))
    return torch.where(change == 0, fraction, reached.clamp(min=0))
