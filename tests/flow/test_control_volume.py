"""Forces by momentum balance are those of closed-form flows."""

import math

import pytest
import torch

from geodl.flow.control_volume import control_volume_forces
from geodl.flow.geometry.frontal_height import measured_height
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.testing import observed_order

RADIUS, CENTRE = 0.4, (2.5, 2.0)


def potential_flow(grid, circulation):
    """Around a circle, with clockwise circulation: no drag, and the lift of Kutta and Joukowski."""
    sdf = Circle(CENTRE, RADIUS).distance(grid.centres())
    z = torch.complex(grid.centres()[..., 0] - CENTRE[0], grid.centres()[..., 1] - CENTRE[1])
    w = 1 - RADIUS**2 / z**2 + 1j * circulation / (2 * math.pi * z)
    w = torch.where(sdf > 0, w, torch.zeros_like(w))
    u, v = w.real, -w.imag
    return sdf[None], (u[None], v[None], (1 - u**2 - v**2)[None] / 2)


def forces(cells, circulation):
    grid = Grid.parse(f"{2 * cells}x{cells}", height=4.0)
    sdf, flow = potential_flow(grid, circulation)
    found = control_volume_forces(flow, sdf, reynolds=torch.full((1,), 20.0).double(), spacing=grid.spacing)
    return found.drag[0], found.lift[0]


def test_potential_flow_has_no_drag():
    drag, _ = forces(256, 0.0)
    assert float(drag.abs().max()) < 2e-3


def test_lift_is_that_of_kutta_and_joukowski():
    circulation = 0.7
    _, lift = forces(256, circulation)
    torch.testing.assert_close(lift, torch.full((3,), 2 * circulation / (2 * RADIUS)).double(), rtol=2e-3, atol=0.0)


def test_lift_is_of_second_order():
    errors = [float((forces(n, 0.7)[1][1] - 1.4 / (2 * RADIUS)).abs()) for n in (80, 160, 320)]
    assert all(order > 1.5 for order in observed_order(errors, [1 / 80, 1 / 160, 1 / 320]))


def test_a_mirrored_flow_has_mirrored_lift():
    grid = Grid.parse("128x64")
    sdf, (u, v, p) = potential_flow(grid, 0.7)
    re = torch.full((1,), 20.0).double()
    there = control_volume_forces((u, v, p), sdf, reynolds=re, spacing=grid.spacing)
    back = control_volume_forces((u.flip(1), -v.flip(1), p.flip(1)), sdf.flip(1), reynolds=re, spacing=grid.spacing)
    torch.testing.assert_close(back.drag, there.drag)
    torch.testing.assert_close(back.lift, -there.lift)


def test_a_case_does_not_see_its_batch():
    grid = Grid.parse("128x64")
    (sdf, flow), (other, more) = potential_flow(grid, 0.7), potential_flow(grid, 0.0)
    other = other + 0.1
    both = tuple(torch.cat(pair) for pair in zip(flow, more, strict=True))
    re = torch.tensor([20.0, 5.0]).double()
    alone = control_volume_forces(flow, sdf, reynolds=re[:1], spacing=grid.spacing)
    together = control_volume_forces(both, torch.cat([sdf, other]), reynolds=re, spacing=grid.spacing)
    torch.testing.assert_close(together.drag[:1], alone.drag, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("radius", [0.25, 0.4, 0.55])
def test_the_frontal_height_of_a_circle_is_its_diameter(radius):
    grid = Grid.parse("128x64")
    sdf = Circle((2.51, 2.03), radius).distance(grid.centres())[None]
    assert float(measured_height(sdf, grid.spacing)) == pytest.approx(2 * radius, abs=0.02 * grid.spacing)
