"""Polygons: exact distances, many at once, and lists of corners that are no polygon."""

import math

import numpy as np
import pytest
import torch

from geodl.errors import GeometryError
from geodl.flow.geometry.polygon import MOST_CORNERS, Polygon, polygon_distance, regular_polygon, stack_polygons
from geodl.testing import assert_refused

L_SHAPE = Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 3), (0, 3)])


def test_distances_to_a_hollow_body_are_those_of_geometry():
    cases = {
        (0.5, 0.5): -0.5, (1.0, 1.0): 0.0, (1.5, 2.0): 0.5, (3.0, -1.0): math.sqrt(2),
        (0.8, 0.8): -math.hypot(0.2, 0.2), (1.5, 1.5): 0.5, (-1.0, 1.5): 1.0, (1.8, 0.5): -0.2,
        (0.5, 4.0): 1.0, (2.0, 1.0): 0.0,
    }  # fmt: skip
    found = L_SHAPE.distance(torch.tensor(list(cases), dtype=torch.float64))
    np.testing.assert_allclose(found, list(cases.values()), atol=1e-15)


def test_the_sense_and_the_first_corner_do_not_matter():
    some = torch.rand(500, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 5 - 1
    for corners in (L_SHAPE.corners[::-1], L_SHAPE.corners[2:] + L_SHAPE.corners[:2]):
        torch.testing.assert_close(Polygon(corners).distance(some), L_SHAPE.distance(some), atol=1e-14, rtol=0)


def test_a_ray_through_corners_and_along_edges_is_counted_right():
    diamond = Polygon([(1, 0), (0, 1), (-1, 0), (0, -1)])
    rays = torch.tensor([[-0.5, 0.0], [-2.0, 0.0], [-2.0, 1.0], [-2.0, -1.0], [0.5, 0.0]], dtype=torch.float64)
    assert (diamond.distance(rays) < 0).tolist() == [True, False, False, False, True]
    square = Polygon([(0, 0), (1, 0), (1, 1), (0, 1)])
    level = torch.tensor([[-1.0, 0.0], [-1.0, 1.0], [2.0, 1.0]], dtype=torch.float64)
    np.testing.assert_allclose(square.distance(level), [1, 1, 1], atol=1e-15)


def test_many_corners_on_a_circle_approach_the_circle_with_second_order():
    some = torch.rand(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 4 - 2
    errors = [float((regular_polygon(n, 1.0).distance(some) - some.norm(dim=1) + 1).abs().max()) for n in (64, 128)]
    assert errors[1] < 1 - math.cos(math.pi / 128) + 1e-12  # the sagitta
    assert math.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)


def test_polygons_with_different_numbers_of_corners_go_side_by_side():
    polygons = [regular_polygon(n, 0.5 + 0.1 * n, centre=(n, 0.0)) for n in (3, 7, 5)]
    some = torch.rand(100, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 8 - 1
    together = polygon_distance(some, stack_polygons(polygons))
    torch.testing.assert_close(together, torch.stack([one.distance(some) for one in polygons]))
    own = torch.stack([some, some + 1, some - 1])  # points of its own for each polygon
    expected = torch.stack([one.distance(where) for one, where in zip(polygons, own, strict=True)])
    torch.testing.assert_close(polygon_distance(own, stack_polygons(polygons)), expected)


def test_edges_and_points_beyond_one_block_are_all_seen():
    grid = torch.stack(torch.meshgrid(*[torch.linspace(-2, 2, 300, dtype=torch.float64)] * 2, indexing="xy"), -1)
    found = regular_polygon(90, 1.0).distance(grid)
    assert float((found - (grid.norm(dim=-1) - 1)).abs().max()) < 1e-3


def test_distances_can_be_differentiated_with_respect_to_the_corners():
    corners = torch.tensor(L_SHAPE.corners, dtype=torch.float64, requires_grad=True)
    some = torch.tensor([[3.0, 0.5], [0.3, 2.0], [1.6, 1.7]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda c: polygon_distance(some, c), (corners,))


def test_the_centre_is_that_of_the_area_wherever_the_polygon_lies():
    assert Polygon([(0, 0), (3, 0), (0, 3)]).centre == pytest.approx((1, 1), abs=1e-14)
    far = L_SHAPE.moved(1e6, -1e6).centre
    assert far == pytest.approx((L_SHAPE.centre[0] + 1e6, L_SHAPE.centre[1] - 1e6), abs=1e-8)


def test_a_repeated_first_corner_only_closes_the_polygon():
    assert Polygon([*L_SHAPE.corners, L_SHAPE.corners[0]]) == L_SHAPE


@pytest.mark.parametrize(
    ("corners", "word"),
    [
        ([(0, 0), (1, 0)], "3 to"),
        ([(0, 0), (1, 0), (1, 0), (0, 1)], "twice"),
        ([(0, 0), (1, 0), (2, 0)], "touch or cross"),
        ([(0, 0), (1, 1), (1, 0), (0, 1)], "cross"),  # a bow tie, without area
        ([(0, 0), (2, 2), (2, 0), (0, 1)], "cross"),
        ([(0, 0), (2, 0), (1, 0), (1, 1)], "touch or cross"),  # an edge that runs back
        ([(0, 0), (4, 0), (4, 2), (2, 0), (0, 2)], "touch or cross"),  # a corner on an edge
        ([(0, 0), (1, 0), (math.nan, 1)], "NaN"),
        (np.zeros((MOST_CORNERS + 2, 2)), "3 to"),
    ],
    ids=["two", "repeated", "line", "bow tie", "crossing", "back", "touching", "nan", "many"],
)
def test_corners_that_make_no_polygon_are_refused(corners, word):
    assert_refused(GeometryError, lambda: Polygon(corners), word)


def test_an_outline_must_come_back_to_where_it_began():
    outline = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0.01)], dtype=float)
    assert len(Polygon.closed(outline, tolerance=0.02).corners) == 4
    assert_refused(GeometryError, lambda: Polygon.closed(outline, tolerance=0.005), "open", "0.01")
    assert_refused(GeometryError, lambda: Polygon.closed(outline[:2], tolerance=2.0), "3 to")


def test_a_regular_polygon_of_two_corners_is_refused():
    assert_refused(GeometryError, lambda: regular_polygon(2, 1.0), "3 to")
