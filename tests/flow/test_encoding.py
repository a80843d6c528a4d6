"""What networks and guards see of bodies: mirrored bodies look mirrored, drawn ones like exact ones."""

import math

import pytest
import torch

from geodl.flow import Airfoil, Circle, Ellipse, Grid, Polygon, signed_distance
from geodl.flow.geometry.shapes import Shape
from geodl.flow.surrogate.encoding import CHANNELS, Encoded, encode, mirrored, upside_down
from geodl.flow.surrogate.shape_features import shape_features
from tests.flow.flows import GRID, tensors

SQUARE = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
BRACKET = [(-0.5, -0.5), (0.5, -0.5), (0.5, -0.2), (-0.2, -0.2), (-0.2, 0.2), (0.5, 0.2), (0.5, 0.5), (-0.5, 0.5)]
FIRST_MOMENT = 7  # features before the central moments: middle, sizes, hollows


def features(*bodies: Shape | torch.Tensor, grid: Grid = GRID, reynolds: float = 20.0) -> torch.Tensor:
    sdf = torch.stack([signed_distance(body, grid) for body in bodies])
    return shape_features(encode((sdf, torch.full((len(bodies),), reynolds).double())), grid.spacing)


def same(one: Encoded, other: Encoded) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("image", ["layers", "sdf", "mask"])
def test_mirrored_inputs_are_seen_mirrored(image):
    (sdf, reynolds), _ = tensors()
    chosen = torch.tensor([True, False, True, False])
    turned = encode((upside_down(sdf, chosen), reynolds), image)
    for a, b in zip(mirrored(encode((sdf, reynolds), image), chosen), turned, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)


def test_mirrored_twice_is_as_before_and_only_the_chosen_are_turned():
    encoded = encode(tensors()[0])
    some, none = torch.tensor([True, False, True, False]), torch.zeros(4, dtype=torch.bool)
    assert same(mirrored(mirrored(encoded, some), some), encoded)
    assert same(mirrored(encoded, none), encoded)
    assert torch.equal(mirrored(encoded, some).image[1], encoded.image[1])
    assert not torch.equal(mirrored(encoded, some).image[0], encoded.image[0])


def test_images_are_of_order_one_and_the_walls_stand_at_corners():
    encoded = encode(tensors()[0])
    assert encoded.image.shape == (4, CHANNELS, 64, 128)
    assert float(encoded.image.abs().max()) <= 1
    for corners in (encoded.wall, encoded.body):
        assert corners.shape == (4, 1, 65, 129)
        assert float(corners.min()) >= 0
        assert float(corners.max()) <= 1
    assert float((encoded.wall * encoded.body).abs().max()) == 0  # nothing flows at the corners of solid cells


def test_a_circle_has_the_features_of_one():
    found = features(Circle((2.5, 2.0), 0.5))[0]
    x, y, height, slender, perimeter, area, inscribed = found[:FIRST_MOMENT].tolist()
    assert (x, y) == pytest.approx((2.5, 2.0), abs=0.01)
    assert (height, slender) == pytest.approx((0.0, 0.0), abs=0.03)
    assert perimeter == pytest.approx(1, abs=0.15)
    assert area == pytest.approx(1, abs=0.05)
    assert inscribed == pytest.approx(1, abs=0.1)  # to half a cell
    second, third = found[FIRST_MOMENT : FIRST_MOMENT + 3], found[FIRST_MOMENT + 3 : -1]
    torch.testing.assert_close(second, torch.tensor([0.25, 0.25, 0.0]).double(), rtol=0, atol=0.02)
    assert float(third.abs().max()) < 0.01
    assert float(found[-1]) == pytest.approx(math.log(20 / 15))


@pytest.mark.parametrize(
    "body", [Airfoil("2412", 1.2).rotated(-0.5).moved(2.5, 2.1), Ellipse((2.4, 1.9), (0.6, 0.3)).rotated(0.4)], ids=str
)
def test_a_mirrored_body_has_its_features_but_for_signs_across_the_stream(body):
    sdf = signed_distance(body, GRID)
    here, there = shape_features(encode((torch.stack([sdf, sdf.flip(0)]), torch.full((2,), 9.0).double())), 1 / 16)
    there[1] = 4 - there[1]
    odd = FIRST_MOMENT + torch.tensor([2, 4, 5])  # xy, yyy, xxy
    there[odd] = -there[odd]
    torch.testing.assert_close(here, there, rtol=1e-9, atol=1e-9)
    assert float(here[FIRST_MOMENT + 2].abs()) > 0.01


@pytest.mark.parametrize(("times", "tolerance"), [(2, 0.07), (4, 0.03)])
def test_a_drawn_circle_looks_like_the_exact_one(times, tolerance):
    circle, pixels = Circle((2.52, 1.97), 0.45), Grid(128 * times, 64 * times, GRID.spacing / times)
    drawn, exact = features(signed_distance(circle, pixels) < 0, circle)
    assert float((drawn - exact).abs().max()) < tolerance


def test_a_hollow_body_fills_less_of_its_hull():
    square, bracket = (Polygon(torch.tensor(corners).numpy()).moved(2.5, 2.0) for corners in (SQUARE, BRACKET))
    found = features(square, bracket)
    perimeter, area, inscribed = found[:, 4:FIRST_MOMENT].T
    assert float(area[0]) > 0.95
    assert float(area[1]) == pytest.approx(0.72, abs=0.05)  # 1 less 0.4 x 0.7
    assert float(perimeter[1]) > 1.15 * float(perimeter[0])
    assert float(inscribed[1]) < 0.7 * float(inscribed[0])


def test_size_and_place_are_told():
    small, large, moved = features(Circle((2.5, 2.0), 0.3), Circle((2.5, 2.0), 0.6), Circle((2.9, 1.7), 0.3))
    assert float(large[2] - small[2]) == pytest.approx(math.log(2), abs=0.05)
    torch.testing.assert_close(moved[:2] - small[:2], torch.tensor([0.4, -0.3]).double(), rtol=0, atol=0.01)


def test_a_field_without_a_body_is_like_no_body():
    sdf = torch.stack([torch.full(GRID.shape, value) for value in (1e6, math.nan)]).double()
    found = shape_features(encode((sdf, torch.full((2,), 20.0).double())), GRID.spacing)
    assert found.isnan().any(1).all()  # which is infinitely far for a guard
