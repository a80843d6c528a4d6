"""Masks and drawings: how far their distance is from the exact one, and masks that are none."""

import numpy as np
import pytest
import torch

from geodl.errors import GeometryError
from geodl.flow.geometry.checks import MOST_PIXELS, require_drawing_size, require_mask
from geodl.flow.geometry.frontal_height import frontal_height
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.geometry.signed_distance import signed_distance
from geodl.testing import assert_refused

GRID = Grid.parse("128x64")


def box() -> np.ndarray:
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[24:40, 30:50] = True
    return mask


def test_the_wall_of_a_mask_lies_half_way_between_the_centres():
    sdf = signed_distance(box(), GRID)
    np.testing.assert_allclose(sdf[30, [28, 29, 30, 31]] / GRID.spacing, [1.5, 0.5, -0.5, -1.5])
    assert float(frontal_height(sdf, GRID)) == pytest.approx(16 * GRID.spacing, abs=1e-12)


def test_a_mask_of_a_circle_is_within_half_a_cell_of_its_exact_distance():
    exact = signed_distance(Circle((2.5, 2.0), 0.5), GRID)
    error = (signed_distance(exact < 0, GRID) - exact).abs() / GRID.spacing
    assert float(error.max()) < 0.7  # half the diagonal of a cell
    assert float(error.mean()) < 0.4


@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
@pytest.mark.parametrize("dtype", [bool, np.int8, np.float32])
def test_zeros_and_ones_of_any_kind_are_a_mask(convert, dtype):
    torch.testing.assert_close(signed_distance(convert(box().astype(dtype)), GRID), signed_distance(box(), GRID))


def test_masks_that_are_none_are_refused():
    grey = np.where(box(), 0.5, 0.0)
    for mask, word in (
        (grey, "0.5"), (np.where(box(), np.nan, 0.0), "nan"), (np.zeros(GRID.shape), "empty"),
        (np.ones(GRID.shape), "full"), (box().T, "transposed"), (box()[:10], "(64, 128)"), (255 * box(), "mask > 0.5"),
    ):  # fmt: skip
        assert_refused(GeometryError, lambda mask=mask: signed_distance(mask, GRID), word)
        assert_refused(GeometryError, lambda mask=mask: require_mask(mask, GRID), word)


def test_an_oversized_drawing_is_refused():
    require_drawing_size(1024, 2048)
    assert_refused(GeometryError, lambda: require_drawing_size(1025, 2048), "2048 x 1025", str(MOST_PIXELS))
