"""Decaying vortices in a periodic square, an exact solution of the Navier-Stokes equations."""

import math

import torch
from torch import Tensor

from geodl.flow.geometry.grid import Grid
from geodl.flow.lattice.sides import Periodic, Sides
from geodl.flow.lattice_boltzmann import LatticeBoltzmann

WAVE_NUMBER = 2 * math.pi  # 1/m, in a square of 1 m


def taylor_green(cells: int, *, reynolds: float = 40.0, engine: str = "auto") -> float:
    """Relative L2 error of the velocity after it has decayed to 1/e, float64.

    The lattice speed is 1.28/cells, so that errors of compressibility fall as those of the grid do.

    Args:
        cells: along each side of the square.
        reynolds: initial largest velocity x side / viscosity.
    Source: Taylor & Green 1937, Proc. R. Soc. A 158, 499.
    """
    grid, lattice_speed = Grid(cells, cells, 1 / cells), 1.28 / cells
    solver = LatticeBoltzmann(
        None,
        grid,
        reynolds=reynolds,
        sides=Sides(*4 * (Periodic(),)),
        lattice_speed=lattice_speed,
        dtype=torch.float64,
        engine=engine,
    )
    rate = 2 * WAVE_NUMBER**2 / reynolds  # of decay, U/m
    steps = round(cells / (rate * lattice_speed))
    u, v, p, gradient = vortices(grid.centres())
    solver.start(u[None], v[None], p[None], gradient=gradient[None])
    solver.advance(steps)
    exact = torch.stack([u, v]) * math.exp(-rate * steps * lattice_speed / cells)
    return float((torch.cat(solver.fields()[:2]) - exact).norm() / exact.norm())


def vortices(points: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """u and v in U, p in rho U2, and d_a u_b in U/m as ``[..., a, b]``, at the beginning.

    Args:
        points: float64 [..., 2], m.
    """
    sin, cos = (WAVE_NUMBER * points).sin(), (WAVE_NUMBER * points).cos()
    u, v = -cos[..., 0] * sin[..., 1], sin[..., 0] * cos[..., 1]
    p = -(2 * WAVE_NUMBER * points).cos().sum(-1) / 4
    stretch, shear = sin[..., 0] * sin[..., 1], cos[..., 0] * cos[..., 1]
    rows = [torch.stack([stretch, shear], -1), torch.stack([-shear, -stretch], -1)]
    return u, v, p, WAVE_NUMBER * torch.stack(rows, -2)
