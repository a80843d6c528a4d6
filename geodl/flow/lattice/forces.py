"""Force of the fluid on bodies by exchange of momentum along the links that their walls cut."""

import torch
from torch import Tensor

from geodl.flow.lattice.links import Links
from geodl.flow.lattice.velocities import SPEEDS, velocities


def momentum_exchange(populations: Tensor, walls: Links) -> Tensor:
    """Force [batch, 2] per unit depth in lattice units on bodies that no side touches, from post-collision populations.

    F = sum over links of c_i (f_i towards the wall + f back from it); the weights w_i, which ``populations`` leave
    out, cancel around a closed body.

    Args:
        populations: [batch, 9, ny + 2, nx + 2], as an engine returns them.
        walls: the links of the bodies only; their ``first`` source is the population towards the wall.
    Source: Ladd 1994, J. Fluid Mech. 271, 285; for curved walls Mei, Yu, Shyy & Luo 2002, Phys. Rev. E 65, 041203.
    """
    batch, _, height, width = populations.shape
    flat = populations.reshape(-1)
    exchanged = flat[walls.first] + walls.values(flat)
    cx, cy, _ = velocities(flat)
    direction = walls.first // (height * width) % SPEEDS
    pushed = exchanged[:, None] * torch.stack([cx[direction], cy[direction]], -1)
    sample = walls.first // (SPEEDS * height * width)
    return flat.new_zeros(batch, 2).index_add(0, sample, pushed)
