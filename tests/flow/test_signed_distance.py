"""Signed distance fields on a grid, the frontal height that they tell, and fields that are none."""

import math

import numpy as np
import pytest
import torch

from geodl.errors import GeometryError
from geodl.flow.geometry.airfoil import Airfoil
from geodl.flow.geometry.checks import require_inside, require_signed_distance
from geodl.flow.geometry.ellipse import Ellipse
from geodl.flow.geometry.frontal_height import frontal_height
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.polygon import regular_polygon
from geodl.flow.geometry.shapes import Circle, Union
from geodl.flow.geometry.signed_distance import signed_distance
from geodl.testing import assert_refused

GRID = Grid.parse("128x64")
CIRCLE = Circle((2.5, 2.0), 0.4)


def test_a_circle_on_the_grid_is_its_closed_form():
    sdf = signed_distance(CIRCLE, GRID)
    np.testing.assert_allclose(sdf, np.hypot(GRID.x - 2.5, GRID.y[:, None] - 2.0) - 0.4, atol=1e-15)
    assert signed_distance(CIRCLE, GRID, torch.float32).dtype == torch.float32


@pytest.mark.parametrize(
    ("shape", "cells"),
    [
        (CIRCLE, 2e-3), (Ellipse((2.5, 2.0), (0.6, 0.2), 0.5), 0.02), (Airfoil("2412", 2.0, (2.5, 2.0), -0.3), 0.02),
        (Union(CIRCLE, Circle((2.7, 2.3), 0.3)), 2e-3), (regular_polygon(4, 0.5, centre=(2.5, 2.0)), 0.07),
    ],
    ids=["circle", "ellipse", "airfoil", "union", "corner up"],
)  # fmt: skip
def test_the_frontal_height_is_measured_to_a_small_part_of_a_cell(shape, cells):
    found = frontal_height(signed_distance(shape, GRID), GRID)
    assert float(found) == pytest.approx(shape.frontal_height, abs=cells * GRID.spacing)


def test_frontal_heights_of_a_batch_are_those_of_its_members():
    shapes = [CIRCLE, Circle((3.0, 1.5), 0.3), Ellipse((2.5, 2.0), (0.5, 0.3), 1.0)]
    each = [signed_distance(shape, GRID) for shape in shapes]
    torch.testing.assert_close(
        frontal_height(torch.stack(each), GRID), torch.stack([frontal_height(one, GRID) for one in each])
    )


def test_a_body_at_the_side_has_no_height_that_can_be_measured():
    for y in (0.0, 4.0):
        assert_refused(GeometryError, lambda y=y: frontal_height(signed_distance(Circle((2.5, y), 0.4), GRID), GRID))
    assert_refused(GeometryError, lambda: frontal_height(torch.ones(GRID.shape), GRID), "solid")


def test_a_good_distance_passes():
    require_signed_distance(signed_distance(CIRCLE, GRID), GRID)
    require_signed_distance(signed_distance(CIRCLE, GRID).float().expand(3, -1, -1), GRID)
    require_inside(CIRCLE, GRID)


def test_a_distance_with_the_wrong_sign_is_detected():
    assert_refused(GeometryError, lambda: require_signed_distance(-signed_distance(CIRCLE, GRID), GRID), "sign", "-sdf")


def test_a_distance_in_cells_is_detected():
    cells = signed_distance(CIRCLE, GRID) / GRID.spacing
    assert_refused(GeometryError, lambda: require_signed_distance(cells, GRID), "in cells", "spacing")


def test_a_field_that_is_no_distance_is_detected():
    squared = signed_distance(CIRCLE, GRID) ** 3
    assert_refused(GeometryError, lambda: require_signed_distance(squared, GRID), "no distance", "expected 1")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_distance_with_holes_is_refused(value):
    sdf = signed_distance(CIRCLE, GRID)
    sdf[3, 4] = value
    assert_refused(GeometryError, lambda: require_signed_distance(sdf, GRID), "1 of 8192", "NaN")


def test_a_distance_of_another_grid_is_refused():
    sdf = signed_distance(CIRCLE, GRID)
    assert_refused(
        GeometryError, lambda: require_signed_distance(sdf, Grid.parse("256x128")), "(64, 128)", "(128, 256)"
    )
    assert_refused(GeometryError, lambda: require_signed_distance(sdf.T, GRID), "transposed")


def test_no_body_and_nothing_but_body_are_refused():
    assert_refused(GeometryError, lambda: require_signed_distance(torch.ones(GRID.shape), GRID), "empty")
    assert_refused(GeometryError, lambda: require_signed_distance(-torch.ones(GRID.shape), GRID), "full")
    assert_refused(GeometryError, lambda: signed_distance(Circle((50.0, 2.0), 0.4), GRID), "empty")
    assert_refused(GeometryError, lambda: signed_distance(Circle((2.0, 2.0), 0.01), GRID), "refine")
    assert_refused(GeometryError, lambda: signed_distance(Circle((4.0, 2.0), 9.0), GRID), "full")


@pytest.mark.parametrize("centre", [(0.5, 2.0), (2.5, 3.5), (7.8, 2.0), (2.5, 0.4)])
def test_a_body_that_touches_or_leaves_the_domain_is_refused(centre):
    touching = Circle(centre, 0.45)
    assert_refused(GeometryError, lambda: require_inside(touching, GRID), "touches or leaves", "3 cells")
    sdf = signed_distance(touching, GRID)
    assert_refused(GeometryError, lambda: require_signed_distance(sdf, GRID), "touches or leaves", "3 free cells")


def test_a_body_that_blocks_the_stream_is_refused():
    large = Circle((2.5, 2.0), 0.65)
    assert_refused(GeometryError, lambda: require_inside(large, GRID), "32.5%", "30.0%")
    assert_refused(GeometryError, lambda: require_signed_distance(signed_distance(large, GRID), GRID), "32.5%", "30.0%")
    require_inside(large, GRID, blockage=0.4)
    assert_refused(GeometryError, lambda: require_inside(CIRCLE, GRID, margin=40), "40 cells")
