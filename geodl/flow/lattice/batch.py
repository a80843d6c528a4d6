"""A batch of flows as lattice quantities: the problem of the engine, and what is read off its populations."""

from dataclasses import dataclass

import torch
from torch import Tensor

from geodl.flow.lattice.collision import moments
from geodl.flow.lattice.forces import momentum_exchange
from geodl.flow.lattice.links import Links
from geodl.flow.lattice.problem import Problem


@dataclass(frozen=True)
class Batch:
    """Flows that are advanced together.

    Attributes:
        problem: for the engine.
        walls: those of its links that bodies cut.
        cells: [batch], reference length in cells.
        speed: inflow speed in cells per step.
    """

    problem: Problem
    walls: Links
    cells: Tensor
    speed: float

    def of_samples(self, samples: Tensor) -> "Batch":
        """Some of the flows, in the order given."""
        walls = self.walls.of_samples(samples, self.problem.slots)
        return Batch(self.problem.of_samples(samples), walls, self.cells[samples], self.speed)

    def fields(self, populations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """u, v in inflow speeds and p in rho U2, [batch, ny, nx], zero in the bodies; see `LatticeBoltzmann.fields`."""
        density, ux, uy = moments(populations)
        half = 0.5 * self.problem.force[:, :, None, None]  # a collision adds all of it to the momentum
        u, v, p = (ux - half[:, 0]) / self.speed, (uy - half[:, 1]) / self.speed, density / (3 * self.speed**2)
        solid = self.problem.solid
        u, v, p = (torch.where(solid, 0, field) for field in (u, v, p - self._level(p)))
        return u, v, p

    def _level(self, p: Tensor) -> Tensor:
        """Mean pressure at the outlet, or of all the fluid where there is none."""
        counted = ~self.problem.solid
        outlets = self.problem.outlets
        if len(outlets):
            ny, nx = counted.shape[1:]
            plane = (ny + 2) * (nx + 2)
            padded = torch.zeros(len(p), ny + 2, nx + 2, dtype=torch.bool, device=p.device)
            padded.view(-1)[outlets.cell // self.problem.slots * plane + outlets.cell % plane] = True
            counted = padded[:, 1:-1, 1:-1]
        total = torch.where(counted, p, 0).sum((1, 2))
        return (total / counted.sum((1, 2)))[:, None, None]

    def coefficients(self, populations: Tensor) -> tuple[Tensor, Tensor]:
        """Drag and lift [batch], 2 F / (rho U2 D)."""
        force = momentum_exchange(populations, self.walls)
        drag, lift = (2 * force / (self.speed**2 * self.cells[:, None])).unbind(1)
        return drag, lift
