"""Random bodies: sizes and places as promised, the same for the same seed, and all of them fit the domain."""

import numpy as np
import pytest
import scipy.ndimage

from geodl.errors import UnknownNameError
from geodl.flow.data.random_shapes import CENTRE_X, CENTRE_Y, HEIGHT, KINDS, LONGEST, THINNEST, random_shape
from geodl.flow.data.vehicles import VEHICLES, random_vehicle, vehicle_mask
from geodl.flow.geometry.checks import require_inside, require_signed_distance
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.signed_distance import signed_distance
from geodl.testing import assert_refused

GRID = Grid.parse("128x64")
each_kind = pytest.mark.parametrize("kind", KINDS)


def shapes(kind: str, n: int = 12) -> list:
    return [random_shape(np.random.default_rng([7, k]), kind) for k in range(n)]


@each_kind
def test_sizes_and_places_are_within_their_bounds(kind):
    for shape in shapes(kind):
        left, bottom, right, top = shape.bounds()
        assert HEIGHT[0] <= shape.frontal_height <= HEIGHT[1]
        assert right - left <= LONGEST
        assert CENTRE_X[0] <= (left + right) / 2 <= CENTRE_X[1]
        assert CENTRE_Y[0] <= (bottom + top) / 2 <= CENTRE_Y[1]
        assert float(signed_distance(shape, GRID).min()) <= -THINNEST / 2 + GRID.spacing


@each_kind
def test_every_body_is_one_that_the_solver_takes(kind):
    for shape in shapes(kind, 6):
        require_inside(shape, GRID)
        sdf = signed_distance(shape, GRID)
        require_signed_distance(sdf, GRID)
        assert scipy.ndimage.label(sdf < 0)[1] == 1  # one piece


@each_kind
def test_the_same_seed_gives_the_same_body_and_another_another(kind):
    assert random_shape(np.random.default_rng(1), kind) == random_shape(np.random.default_rng(1), kind)
    assert random_shape(np.random.default_rng(1), kind) != random_shape(np.random.default_rng(2), kind)


def test_the_frontal_height_is_drawn_evenly():
    heights = [random_shape(np.random.default_rng([3, k]), "ellipse").frontal_height for k in range(400)]
    inner = np.quantile(heights, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(inner, [0.65, 0.8, 0.95], atol=0.05)  # three standard errors


def test_an_unknown_kind_is_refused():
    assert_refused(UnknownNameError, lambda: random_shape(np.random.default_rng(0), "elipse"), "'ellipse'")


def test_vehicles_are_masks_of_one_piece_that_the_solver_takes():
    for seed in range(30):
        mask = vehicle_mask(np.random.default_rng(seed), GRID)
        assert mask.dtype == bool
        assert scipy.ndimage.label(mask)[1] == 1
        require_signed_distance(signed_distance(mask, GRID), GRID)
        shape = random_vehicle(np.random.default_rng(seed))
        left, _, right, _ = shape.bounds()
        assert shape.frontal_height <= HEIGHT[1]
        assert right - left <= LONGEST + 1e-12


@pytest.mark.parametrize("kind", VEHICLES)
def test_a_vehicle_stands_on_wheels_and_slopes_against_the_stream(kind):
    shape = VEHICLES[kind](np.random.default_rng(0))
    left, bottom, right, top = shape.bounds()
    assert bottom == pytest.approx(0, abs=1e-15)
    assert top == pytest.approx(1, abs=1e-12)
    assert right - left > 1.5 * (top - bottom)
    assert len(shape.shapes) >= 3  # the body and its wheels
