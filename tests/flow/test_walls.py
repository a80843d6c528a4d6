"""Where walls cut links, and what the interpolations at them keep."""

import pytest
import torch

from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.lattice.bodies import Bodies
from geodl.flow.lattice.velocities import CX, CY
from geodl.flow.lattice.walls import wall_links
from geodl.testing import observed_order

GRID = Grid.parse("64x32")
CIRCLE = Circle((2.53, 1.98), 0.56)
WALLS = ["bouzidi", "quadratic", "central", "half-way"]
CUT_ROUNDING = 1e-13  # of a link


def exact_fraction(cut, circle, grid):
    """Smaller root s of |x + s c - centre| = radius."""
    c = torch.tensor([CX, CY], dtype=torch.float64).T[cut.direction]
    start = (grid.centres()[cut.y, cut.x] - torch.tensor(circle.centre, dtype=torch.float64)) / grid.spacing
    a, b, d = (c * c).sum(-1), (c * start).sum(-1), (start * start).sum(-1) - (circle.radius / grid.spacing) ** 2
    return (-b - (b * b - a * d).sqrt()) / a


def test_a_shape_cuts_its_links_where_it_is():
    cut = Bodies.of([CIRCLE], GRID).cuts(GRID)
    assert len(cut.fraction) > 80
    torch.testing.assert_close(cut.fraction, exact_fraction(cut, CIRCLE, GRID), rtol=0, atol=CUT_ROUNDING)


def test_a_signed_distance_finds_the_wall_to_second_order():
    errors = []
    for cells in (32, 128):
        grid = Grid.parse(f"{2 * cells}x{cells}")
        cut = Bodies.of(CIRCLE.distance(grid.centres())[None], grid).cuts(grid)
        errors.append(float((cut.fraction - exact_fraction(cut, CIRCLE, grid)).abs().mean()) * grid.spacing)
    assert observed_order(errors, [4, 1])[0] == pytest.approx(2, abs=0.25)


@pytest.mark.parametrize("wall", WALLS)
def test_what_comes_back_from_fluid_at_rest_is_what_went_in(wall):
    bodies = Bodies.of([CIRCLE, Circle((1.0, 1.5), 0.3)], GRID)
    links = wall_links(bodies.cuts(GRID), bodies.solid, wall, torch.float64)
    torch.testing.assert_close(links.a + links.b + links.c, torch.ones_like(links.a), rtol=0, atol=1e-14)


@pytest.mark.parametrize("wall", WALLS)
def test_no_wall_reads_from_inside_a_body(wall):
    bodies = Bodies.of([CIRCLE], GRID)
    solid = bodies.solid.clone()
    solid[0, :, 24:] |= solid[0, :, :-24]  # a second body, one gap of few cells from the first
    solid[0, :, 12:30] |= solid[0, :, :18]
    bodies = Bodies(torch.where(solid, -0.01, 0.02).double(), bodies.height)
    links = wall_links(bodies.cuts(GRID), solid, wall, torch.float64)
    padded = torch.nn.functional.pad(solid, (1, 1, 1, 1), value=True)[0].flatten()
    for source, weight in ((links.first, links.a), (links.second, links.b), (links.third, links.c)):
        assert not padded[source % len(padded)][weight != 0].any()


def test_a_gap_of_one_cell_is_half_way():
    distance = torch.full((1, *GRID.shape), 0.01, dtype=torch.float64)
    distance[:, 10:14, 10:14] = distance[:, 10:14, 15:19] = -0.03  # the wall lies at a quarter of each link
    bodies = Bodies(distance, torch.ones(1).double())
    cut = bodies.cuts(GRID)
    links = wall_links(cut, bodies.solid, "bouzidi", torch.float64)
    straight = (cut.x == 14) & (cut.y > 10) & (cut.y < 13) & (cut.direction % 2 == 1)
    assert straight.any()
    torch.testing.assert_close(links.a[straight], torch.ones(int(straight.sum())).double())
    assert not links.b[straight].any()
