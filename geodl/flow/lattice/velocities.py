"""The nine velocities of D2Q9, their weights, and which is opposite to which.

Source: Qian, d'Humieres & Lallemand 1992, Europhys. Lett. 17, 479.
"""

import torch
from torch import Tensor

SPEEDS = 9
CX = (0, 1, 0, -1, 0, 1, -1, -1, 1)
CY = (0, 0, 1, 0, -1, 1, 1, -1, -1)
WEIGHTS = (4 / 9, *4 * (1 / 9,), *4 * (1 / 36,))
OPPOSITE = (0, 3, 4, 1, 2, 7, 8, 5, 6)
PAIRS = ((1, 3), (2, 4), (5, 7), (6, 8))  # each velocity beside its opposite
SOUND_SPEED = 3**-0.5  # in cells per step


def index_of(cx: int, cy: int) -> int:
    """The number of the velocity (cx, cy)."""
    return tuple(zip(CX, CY, strict=True)).index((cx, cy))


def velocities(like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """cx, cy and the weights as tensors [9] of the dtype and device of ``like``."""
    cx, cy, w = (torch.tensor(row, dtype=like.dtype, device=like.device) for row in (CX, CY, WEIGHTS))
    return cx, cy, w
