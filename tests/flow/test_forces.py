"""Forces by exchange of momentum are what the fluid loses."""

import pytest
import torch

from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.lattice.collision import moments
from geodl.flow.lattice.forces import momentum_exchange
from geodl.flow.lattice.sides import Periodic, Sides
from geodl.flow.lattice_boltzmann import LatticeBoltzmann

GRID = Grid.parse("32x16")
ROUNDING = 1e-14


def momentum(flow):
    _, ux, uy = moments(flow.state.populations)
    fluid = ~flow.solid
    return torch.stack([(ux * fluid).sum((1, 2)), (uy * fluid).sum((1, 2))], -1)


@pytest.mark.parametrize("wall", ["bouzidi", "quadratic", "central", "half-way"])
def test_the_force_is_the_momentum_that_the_fluid_loses_in_a_step(wall):
    bodies = [Circle((2.0, 2.0), 0.5), Circle((3.1, 1.7), 0.3)]
    flow = LatticeBoltzmann(
        bodies, GRID, reynolds=20.0, sides=Sides(*4 * (Periodic(),)), wall=wall, dtype=torch.float64, engine="torch"
    )
    u = torch.where(flow.solid, 0.0, 1.0).double()
    flow.start(u, 0.3 * u)
    for _ in range(5):
        force, before = momentum_exchange(flow.state.populations, flow._batch.walls), momentum(flow)
        flow.advance(1)
        torch.testing.assert_close(before - momentum(flow), force, rtol=0, atol=ROUNDING * GRID.nx * GRID.ny)
