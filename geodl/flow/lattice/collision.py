"""Two-relaxation-time collision with the He-Luo equilibrium, on deviations g = f - w."""

from collections.abc import Sequence

import torch
from torch import Tensor

from geodl.flow.lattice.velocities import CX, CY, PAIRS, WEIGHTS, velocities


def antisymmetric_time(relaxation_time: Tensor, magic: float = 3 / 16) -> Tensor:
    """tau- = 1/2 + magic / (tau+ - 1/2); 3/16 puts half-way walls exactly for Poiseuille flow at any viscosity.

    Source: Ginzburg, Verhaeghe & d'Humieres 2008, Commun. Comput. Phys. 3, 427.
    """
    return 0.5 + magic / (relaxation_time - 0.5)


def collided(f: Sequence[Tensor], rates: tuple[Tensor, Tensor], force: tuple[Tensor, Tensor] | None) -> list[Tensor]:
    """Post-collision deviations from the nine streamed ones; everything broadcasts.

    Args:
        f: nine tensors of one shape.
        rates: 1/tau+ and 1/tau-.
        force: body force per volume and step along x and y, or None.
    """
    plus, minus = rates
    sums = [f[i] + f[j] for i, j in PAIRS]
    gaps = [f[i] - f[j] for i, j in PAIRS]
    density = f[0] + sums[0] + sums[1] + sums[2] + sums[3]
    ux, uy = gaps[0] + gaps[2] - gaps[3], gaps[1] + gaps[2] + gaps[3]
    if force is not None:
        ux, uy = ux + 0.5 * force[0], uy + 0.5 * force[1]
    rest = density - 1.5 * (ux * ux + uy * uy)
    out = [f[0] - plus * (f[0] - WEIGHTS[0] * rest), *f[1:]]
    for (i, j), total, gap in zip(PAIRS, sums, gaps, strict=True):
        w, cu = WEIGHTS[i], CX[i] * ux + CY[i] * uy
        even = plus * (0.5 * total - w * (rest + 4.5 * cu * cu))
        odd = minus * (0.5 * gap - 3 * w * cu)
        out[i], out[j] = f[i] - even - odd, f[j] - even + odd
    return out if force is None else _pushed(out, rates, force, (ux, uy))


def _pushed(
    out: Sequence[Tensor], rates: tuple[Tensor, Tensor], force: tuple[Tensor, Tensor], u: tuple[Tensor, Tensor]
) -> list[Tensor]:
    """The source term of Guo, Zheng & Shi 2002 (Phys. Rev. E 65, 046308), split into its even and odd parts."""
    even, odd = 1 - 0.5 * rates[0], 1 - 0.5 * rates[1]
    work = 3 * (u[0] * force[0] + u[1] * force[1])
    pushed = []
    for g, cx, cy, w in zip(out, CX, CY, WEIGHTS, strict=True):
        cu, cg = cx * u[0] + cy * u[1], cx * force[0] + cy * force[1]
        pushed.append(g + w * (odd * 3 * cg + even * (9 * cu * cg - work)))
    return pushed


def equilibrium(density: Tensor, ux: Tensor, uy: Tensor) -> Tensor:
    """He-Luo equilibrium deviations [batch, 9, ny, nx] from density deviation and velocity [batch, ny, nx].

    Source: He & Luo 1997, J. Stat. Phys. 88, 927.
    """
    cx, cy, w = (row[:, None, None] for row in velocities(density))
    ux, uy, density = ux.unsqueeze(-3), uy.unsqueeze(-3), density.unsqueeze(-3)
    cu = cx * ux + cy * uy
    return w * (density + 3 * cu + 4.5 * cu * cu - 1.5 * (ux * ux + uy * uy))


def non_equilibrium(gradient: Tensor, relaxation_time: Tensor) -> Tensor:
    """-3 tau+ w_i (c_a c_b - delta_ab / 3) d_a u_b [batch, 9, ny, nx] of a velocity gradient [batch, ny, nx, 2, 2].

    ``gradient[..., a, b]`` = d_a u_b per cell; the first-order part of f, without which a start relaxes first.
    """
    cx, cy, w = velocities(gradient)
    c = torch.stack([cx, cy], -1)
    traceless = c[:, :, None] * c[:, None, :] - torch.eye(2, dtype=c.dtype, device=c.device) / 3
    part = torch.einsum("iab,...yxab->...iyx", w[:, None, None] * traceless, gradient)
    return -3 * relaxation_time[:, None, None, None] * part


def moments(populations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Density deviation and momentum after the collision [batch, ny, nx] of the inner cells."""
    g = populations[..., 1:-1, 1:-1].unbind(-3)
    ux = g[1] - g[3] + g[5] - g[6] - g[7] + g[8]
    uy = g[2] - g[4] + g[5] + g[6] - g[7] - g[8]
    return torch.stack(g).sum(0), ux, uy
