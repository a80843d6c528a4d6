"""The grid: where its cells are, and which words make one."""

import numpy as np
import pytest
import torch

from geodl.errors import GeometryError
from geodl.flow.geometry.grid import Grid
from geodl.testing import assert_refused


def test_the_standard_domain_is_eight_by_four_metres_at_any_size():
    for size, spacing in (("128x64", 1 / 16), ("256x128", 1 / 32)):
        grid = Grid.parse(size)
        assert (grid.spacing, grid.width, grid.height, grid.bounds) == (spacing, 8, 4, (0, 0, 8, 4))


def test_centres_lie_half_a_cell_from_the_corners_around_them():
    grid = Grid(5, 3, 0.5, origin=(-1.0, 2.0))
    centres, corners = grid.centres(), grid.corners()
    assert (centres.shape, corners.shape) == ((3, 5, 2), (4, 6, 2))
    around = (corners[1:, 1:] + corners[:-1, 1:] + corners[1:, :-1] + corners[:-1, :-1]) / 4
    torch.testing.assert_close(centres, around, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(centres[0, :, 0].numpy(), grid.x)
    np.testing.assert_array_equal(centres[:, 0, 1].numpy(), grid.y)
    assert corners[0, 0].tolist() == [-1, 2]
    assert corners[-1, -1].tolist() == [1.5, 3.5]


def test_points_have_the_precision_asked_for():
    assert Grid(4, 4, 1.0).centres(torch.float32).dtype == torch.float32


@pytest.mark.parametrize("text", ["128", "128x", "x64", "axb", "-8x8", "128x0", "1e3x64", "128 x 64", "99999x99999"])
def test_a_size_that_is_none_is_refused(text):
    assert_refused(GeometryError, lambda: Grid.parse(text))


@pytest.mark.parametrize("spacing", [0.0, -1.0, float("nan"), float("inf")])
def test_a_spacing_that_is_no_length_is_refused(spacing):
    assert_refused(GeometryError, lambda: Grid(8, 8, spacing), "spacing", str(spacing))
