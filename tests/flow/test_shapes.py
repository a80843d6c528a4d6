"""Shapes: laws that hold for the signed distance of each, against closed forms and brute force."""

import math

import numpy as np
import pytest
import torch

from geodl.errors import GeometryError
from geodl.flow.geometry.airfoil import Airfoil
from geodl.flow.geometry.ellipse import Ellipse
from geodl.flow.geometry.polygon import regular_polygon
from geodl.flow.geometry.shapes import Circle, Rounded, Union
from geodl.testing import assert_refused

SHAPES = {
    "circle": Circle((2.5, 2.0), 0.4),
    "ellipse": Ellipse((2.5, 2.0), (0.7, 0.2), 0.4),
    "tall ellipse": Ellipse((2.5, 2.0), (0.2, 0.7)),
    "polygon": regular_polygon(5, 0.5, centre=(2.5, 2.0), angle=0.1),
    "rounded": Rounded(regular_polygon(3, 0.4, centre=(2.5, 2.0)), 0.1),
    "airfoil": Airfoil("4415", 1.5, (2.5, 2.0), -0.2),
    "union": Union(Circle((2.4, 2.0), 0.3), regular_polygon(4, 0.3, centre=(2.7, 2.1))),
}
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def points(n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 2, dtype=torch.float64, generator=generator) * 3 + torch.tensor([1.0, 0.5])


def on_contour(shape: Ellipse | Circle, turns: torch.Tensor) -> torch.Tensor:
    a, b = shape.half_axes if isinstance(shape, Ellipse) else (shape.radius, shape.radius)
    angle = shape.angle if isinstance(shape, Ellipse) else 0.0
    x, y = a * turns.cos(), b * turns.sin()
    rotated = [x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)]
    return torch.stack(rotated, -1) + torch.tensor(shape.centre, dtype=torch.float64)


@each_shape
def test_a_distance_never_changes_faster_than_the_point_moves(shape):
    a, b = points(500), points(500, seed=1)
    change = (shape.distance(a) - shape.distance(b)).abs()
    assert bool((change <= (a - b).norm(dim=1) + 1e-12).all())


@each_shape
def test_outside_the_nearest_point_lies_on_the_contour(shape):
    outside = points(500)
    distance = shape.distance(outside.requires_grad_())
    (slope,) = torch.autograd.grad(distance.sum(), outside)
    far = distance > 1e-3
    wall = (outside - distance[:, None] * slope)[far].detach()
    torch.testing.assert_close(
        slope[far].norm(dim=1), torch.ones(int(far.sum()), dtype=torch.float64), atol=1e-9, rtol=0
    )
    torch.testing.assert_close(shape.distance(wall), torch.zeros(len(wall), dtype=torch.float64), atol=1e-9, rtol=0)


@each_shape
def test_turning_scaling_and_moving_there_and_back_changes_nothing(shape):
    back = shape.moved(0.3, -2.0).rotated(0.7).scaled(3.0).scaled(1 / 3).rotated(-0.7).moved(-0.3, 2.0)
    torch.testing.assert_close(back.distance(points(100)), shape.distance(points(100)), atol=1e-12, rtol=0)


@each_shape
def test_the_distance_turns_and_scales_with_the_shape(shape):
    turn, centre = 0.7, torch.tensor(shape.centre, dtype=torch.float64)
    rotation = torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]], dtype=torch.float64)
    moved = (points(200) - centre) @ rotation.mT * 2 + centre
    expected = 2 * shape.distance(points(200))
    torch.testing.assert_close(shape.rotated(turn).scaled(2.0).distance(moved), expected, atol=1e-12, rtol=0)


@each_shape
def test_bounds_touch_the_body_on_every_side(shape):
    left, bottom, right, top = shape.bounds()
    assert shape.frontal_height == top - bottom
    x, y = torch.linspace(left, right, 801), torch.linspace(bottom, top, 801)
    for side in (
        torch.stack([x, torch.full_like(x, bottom)], -1),
        torch.stack([x, torch.full_like(x, top)], -1),
        torch.stack([torch.full_like(y, left), y], -1),
        torch.stack([torch.full_like(y, right), y], -1),
    ):
        nearest = float(shape.distance(side.double()).min())
        assert -1e-6 < nearest < 2e-3  # m; 801 points look for the one that touches


@each_shape
def test_the_precision_is_that_of_the_points(shape):
    single = shape.distance(points(50).float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), shape.distance(points(50)), atol=1e-6, rtol=0)


@each_shape
def test_points_may_have_any_leading_dimensions(shape):
    assert shape.distance(points(12).reshape(2, 3, 2, 2)).shape == (2, 3, 2)
    assert shape.distance(points(0)).shape == (0,)


@pytest.mark.parametrize(
    "axes", [(1.0, 0.3), (0.3, 1.0), (1.0, 1.0), (1.0, 0.999999), (1.0, 1e-3), (5.0, 0.01)], ids=str
)
def test_an_ellipse_is_as_far_as_the_nearest_of_all_points_on_its_contour(axes):
    ellipse = Ellipse((0.0, 0.0), axes)
    some = torch.randn(400, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) * torch.tensor(axes)
    low, high = -math.pi, math.pi
    turns = torch.linspace(low, high, 2001, dtype=torch.float64)
    nearest = torch.cdist(some, on_contour(ellipse, turns)).argmin(1)
    centre, width = turns[nearest], (high - low) / 2000
    for _ in range(6):  # a smaller and smaller part of the contour
        fine = centre[:, None] + width * torch.linspace(-1, 1, 41, dtype=torch.float64)
        distances = (some[:, None] - on_contour(ellipse, fine)).norm(dim=-1)
        centre, width = fine.gather(1, distances.argmin(1, keepdim=True))[:, 0], width / 10
    expected = distances.amin(1) * (some / torch.tensor(axes)).norm(dim=1).sub(1).sign()
    torch.testing.assert_close(ellipse.distance(some), expected, atol=1e-12, rtol=1e-12)


def test_an_ellipse_is_exact_on_its_axes_at_its_centre_and_at_its_centres_of_curvature():
    a, b = 2.0, 0.5
    cusp = a - b**2 / a  # where the nearest point begins to leave the end of the long axis
    cases = {
        (0.0, 0.0): -b, (a, 0.0): 0.0, (0.0, b): 0.0, (a + 1, 0.0): 1.0, (0.0, b + 1): 1.0, (cusp, 0.0): -(b**2) / a,
        (a - 0.05, 0.0): -0.05, (0.0, -b / 2): -b / 2, (1e-300, 1e-300): -b,
        (1.0, 0.0): -b * math.sqrt(1 - 1.0 / (a**2 - b**2)),  # d^2 = b^2 (1 - x^2/(a^2 - b^2)) inside the evolute
    }  # fmt: skip
    found = Ellipse((0.0, 0.0), (a, b)).distance(torch.tensor(list(cases), dtype=torch.float64))
    np.testing.assert_allclose(found, list(cases.values()), atol=1e-12, rtol=0)


def test_a_round_ellipse_is_a_circle():
    expected = Circle((2.0, 2.0), 0.5).distance(points(200))
    torch.testing.assert_close(Ellipse((2.0, 2.0), (0.5, 0.5), 1.0).distance(points(200)), expected, atol=1e-14, rtol=0)


def test_a_rounded_square_has_round_corners_and_straight_sides():
    square = Rounded(regular_polygon(4, math.sqrt(2), angle=math.pi / 4), 0.5)
    assert square.bounds() == pytest.approx((-1.5, -1.5, 1.5, 1.5), abs=1e-15)
    where = torch.tensor([[0.0, 2.0], [0.0, 1.2], [0.0, 0.0], [2.0, 2.0]], dtype=torch.float64)
    expected = [0.5, -0.3, -1.5, math.sqrt(2) - 0.5]
    np.testing.assert_allclose(square.distance(where), expected, atol=1e-14)


def test_a_union_is_exact_outside_and_no_deeper_than_the_truth_inside():
    left, right = Circle((-0.5, 0.0), 1.0), Circle((0.5, 0.0), 1.0)
    union, some = Union(left, right), points(1000) - 2.0
    outside = torch.minimum(left.distance(some), right.distance(some))
    torch.testing.assert_close(union.distance(some), outside)
    middle = torch.zeros(1, 2, dtype=torch.float64)
    assert -math.sqrt(0.75) < float(union.distance(middle)) == -0.5  # the true depth is that of the notch
    assert union.bounds() == (-1.5, -1.0, 1.5, 1.0)


@pytest.mark.parametrize("length", [0.0, -1.0, math.nan, math.inf])
def test_a_length_that_is_none_is_refused(length):
    for make in (
        lambda: Circle((0.0, 0.0), length),
        lambda: Ellipse((0.0, 0.0), (1.0, length)),
        lambda: Rounded(Circle((0.0, 0.0), 1.0), length),
        lambda: Airfoil("0012", length),
        lambda: regular_polygon(4, length),
        lambda: Circle((0.0, 0.0), 1.0).scaled(length),
    ):
        assert_refused(GeometryError, make, str(length))


def test_a_union_of_nothing_is_refused():
    assert_refused(GeometryError, Union, "no shapes")
