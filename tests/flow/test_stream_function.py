"""Velocities from a stream function keep walls, sides and mass, whatever a network says."""

import math

import pytest
import torch

from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.surrogate.stream_function import divergence, stream_function, touches_body, velocity, wall_factor
from geodl.testing import observed_order

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-13}  # of the divergence, in inflow speeds over the spacing
GRID = Grid.parse("64x32", height=4.0)


def random_flow(dtype):
    """What an untrained network could say, around a circle."""
    sdf = Circle((2.5, 2.1), 0.45).distance(GRID.centres(dtype))[None, None]
    noise = torch.randn(1, 1, GRID.ny + 1, GRID.nx + 1, generator=torch.Generator().manual_seed(0), dtype=dtype)
    psi = stream_function(noise, wall_factor(sdf), touches_body((sdf <= 0).to(sdf)), GRID.height)
    return sdf[0], psi, *velocity(psi, GRID.spacing)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_nothing_moves_in_the_body(dtype):
    sdf, _, u, v = random_flow(dtype)
    assert float(u[sdf <= 0].abs().max()) == float(v[sdf <= 0].abs().max()) == 0.0


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_what_flows_into_a_square_flows_out(dtype):
    _, _, u, v = random_flow(dtype)
    assert float(divergence(u, v, 1.0).abs().max()) <= TOLERANCE[dtype]


def test_every_section_carries_the_inflow():
    _, psi, _, _ = random_flow(torch.float64)
    torch.testing.assert_close(psi[0, 0, -1] - psi[0, 0, 0], torch.full((GRID.nx + 1,), GRID.height).double())


def test_nothing_leaves_through_the_sides():
    _, psi, _, _ = random_flow(torch.float64)
    assert float(psi[0, 0, 0].abs().max()) == 0.0
    assert float(psi[0, 0, -1].diff().abs().max()) <= 1e-12


def test_the_inflow_is_uniform():
    _, psi, _, _ = random_flow(torch.float64)
    torch.testing.assert_close(psi[0, 0, :, 0].diff(), torch.full((GRID.ny,), GRID.spacing).double())


def test_velocity_near_the_wall_grows_with_the_distance():
    """No slip: ψ - ψ_body ~ φ², so the speed is linear in φ; slopes of log speed over log distance."""
    fine = Grid(400, 200, 0.02)
    sdf = Circle((4.0, 2.0), 0.5).distance(fine.centres())[None, None]
    nothing = torch.zeros(1, 1, fine.ny + 1, fine.nx + 1, dtype=torch.float64)
    psi = stream_function(nothing, wall_factor(sdf), touches_body((sdf <= 0).to(sdf)), fine.height)
    u, _ = velocity(psi, fine.spacing)
    above = [(float(sdf[0, 0, j, 200]), float(u[0, j, 200])) for j in (127, 131)]
    (near, slow), (far, fast) = above
    assert 0.8 <= math.log(fast / slow) / math.log(far / near) <= 1.2


def test_velocity_is_of_second_order():
    def error(cells):
        grid = Grid(cells, cells, 2 * math.pi / cells)
        psi = (grid.corners()[..., 0].sin() * grid.corners()[..., 1].sin())[None, None]
        u, v = velocity(psi, grid.spacing)
        x, y = grid.centres().unbind(-1)
        return float(((u[0] - x.sin() * y.cos()).square() + (v[0] + x.cos() * y.sin()).square()).mean().sqrt())

    sizes = [16, 32, 64]
    orders = observed_order([error(n) for n in sizes], [1 / n for n in sizes])
    assert all(1.9 <= order <= 2.1 for order in orders)
