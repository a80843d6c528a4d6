"""Plane channel flow driven by a body force: a parabola, which half-way walls hit exactly with the magic 3/16."""

import math

import torch

from geodl.flow.geometry.grid import Grid
from geodl.flow.lattice.sides import NoSlip, Periodic, Sides
from geodl.flow.lattice_boltzmann import LatticeBoltzmann


def poiseuille(relaxation_time: float, *, cells: int = 8, lattice_speed: float = 0.05, engine: str = "auto") -> float:
    """Largest error of the steady velocity over the largest velocity, float64.

    Args:
        relaxation_time: tau+ > 1/2; the viscosity follows, the answer does not depend on it.
        cells: across the channel.
        lattice_speed: on the axis.
    Source: Ginzburg & d'Humieres 2003, Phys. Rev. E 68, 066614, for the walls.
    """
    grid = Grid(2, cells, 1 / cells)
    reynolds = 3 * lattice_speed * cells / (relaxation_time - 0.5)
    solver = LatticeBoltzmann(
        None,
        grid,
        reynolds=reynolds,
        sides=Sides(Periodic(), Periodic(), NoSlip(), NoSlip()),
        force=(8 / reynolds, 0.0),
        lattice_speed=lattice_speed,
        dtype=torch.float64,
        engine=engine,
    )
    viscosity = (relaxation_time - 0.5) / 3
    solver.advance(math.ceil(40 * cells**2 / (math.pi**2 * viscosity)))  # the slowest mode has fallen to exp(-40)
    y = torch.from_numpy(grid.y)
    exact = 4 * y * (1 - y)
    return float((solver.fields()[0][0] - exact[:, None]).abs().max() / exact.max())
