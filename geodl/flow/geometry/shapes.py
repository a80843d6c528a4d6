"""Shapes of bodies with their exact signed distance, and what can be done to any of them."""

import abc
import cmath
import dataclasses
import math
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.errors import GeometryError

Bounds = tuple[float, float, float, float]
Point = tuple[float, float]


class Shape(abc.ABC):
    """A closed body in the plane; lengths in metres, angles in radians counterclockwise.

    Attributes:
        centre: what the shape is turned and scaled about, m.
    """

    centre: Point

    @abc.abstractmethod
    def distance(self, points: Float[Tensor, "*point 2"]) -> Float[Tensor, "*point"]:
        """Distance to the contour in m: positive outside, negative in the body."""

    @abc.abstractmethod
    def bounds(self) -> Bounds:
        """The smallest box around the body: xmin, ymin, xmax, ymax in m."""

    @abc.abstractmethod
    def similar(self, turn: complex, shift: complex) -> Self:
        """The image under z -> turn z + shift, where z = x + iy: turned, scaled and moved."""

    def moved(self, dx: float, dy: float) -> Self:
        """Shifted by dx and dy, m."""
        return self.similar(1, complex(dx, dy))

    def rotated(self, angle: float) -> Self:
        """Turned counterclockwise about its centre, rad."""
        return self._about_centre(cmath.rect(1, angle))

    def scaled(self, factor: float) -> Self:
        """Larger by a positive factor, with the centre where it is.

        Raises:
            GeometryError: the factor is not positive.
        """
        require_positive("the factor of a scaled shape", factor)
        return self._about_centre(factor)

    def _about_centre(self, turn: complex) -> Self:
        centre = complex(*self.centre)
        return self.similar(turn, centre - turn * centre)

    @property
    def frontal_height(self) -> float:
        """Extent across the stream, which flows along x; m."""
        _, bottom, _, top = self.bounds()
        return top - bottom


def require_positive(what: str, *lengths: float) -> None:
    """Refuse a length that is zero, negative, infinite or NaN.

    Raises:
        GeometryError: names what it is.
    """
    if not all(0 < length < math.inf for length in lengths):
        raise GeometryError(f"{what}: expected positive and finite, got {', '.join(map(str, lengths))}")


def mapped(point: Point, turn: complex, shift: complex) -> Point:
    """The image of a point under z -> turn z + shift."""
    image = turn * complex(*point) + shift
    return image.real, image.imag


@dataclasses.dataclass(frozen=True)
class Circle(Shape):
    """All points within ``radius`` of ``centre``; m.

    Raises:
        GeometryError: the radius is not positive.
    """

    centre: Point
    radius: float

    def __post_init__(self) -> None:
        require_positive("the radius of a circle in m", self.radius)

    def distance(self, points: Float[Tensor, "*point 2"]) -> Float[Tensor, "*point"]:
        """Distance to the centre less the radius, m."""
        return torch.hypot(points[..., 0] - self.centre[0], points[..., 1] - self.centre[1]) - self.radius

    def bounds(self) -> Bounds:
        """The smallest box around the circle, m."""
        (x, y), r = self.centre, self.radius
        return x - r, y - r, x + r, y + r

    def similar(self, turn: complex, shift: complex) -> "Circle":
        """The image under z -> turn z + shift."""
        return Circle(mapped(self.centre, turn, shift), self.radius * abs(turn))


@dataclasses.dataclass(frozen=True)
class Rounded(Shape):
    """All points within ``radius`` of a shape: its contour moved outward, and its convex corners round; m.

    Around a convex shape the distance is exact everywhere. In the hollows of another it is exact outside, and no
    larger than the true depth inside.

    Raises:
        GeometryError: the radius is not positive.
    """

    shape: Shape
    radius: float

    def __post_init__(self) -> None:
        require_positive("the radius of a rounded shape in m", self.radius)

    @property
    def centre(self) -> Point:  # type: ignore[override]
        """That of the shape within, m."""
        return self.shape.centre

    def distance(self, points: Float[Tensor, "*point 2"]) -> Float[Tensor, "*point"]:
        """Distance to the shape within less the radius, m."""
        return self.shape.distance(points) - self.radius

    def bounds(self) -> Bounds:
        """The smallest box around the rounded shape, m."""
        left, bottom, right, top = self.shape.bounds()
        return left - self.radius, bottom - self.radius, right + self.radius, top + self.radius

    def similar(self, turn: complex, shift: complex) -> "Rounded":
        """The image under z -> turn z + shift."""
        return Rounded(self.shape.similar(turn, shift), self.radius * abs(turn))


@dataclasses.dataclass(frozen=True, init=False)
class Union(Shape):
    """All points of any of several shapes.

    Outside, the distance is exact. Inside, where shapes overlap, it is the greatest depth in any one of them: no larger
    than the true depth, with the right sign and the right contour.

    Raises:
        GeometryError: there are no shapes.
    """

    shapes: tuple[Shape, ...]

    def __init__(self, *shapes: Shape):
        if not shapes:
            raise GeometryError("a union of no shapes: give at least one")
        object.__setattr__(self, "shapes", shapes)

    @property
    def centre(self) -> Point:  # type: ignore[override]
        """Mean of the centres, m."""
        centres = [shape.centre for shape in self.shapes]
        return sum(x for x, _ in centres) / len(centres), sum(y for _, y in centres) / len(centres)

    def distance(self, points: Float[Tensor, "*point 2"]) -> Float[Tensor, "*point"]:
        """The smallest of the signed distances, m."""
        return torch.stack([shape.distance(points) for shape in self.shapes]).amin(0)

    def bounds(self) -> Bounds:
        """The smallest box around all of them, m."""
        left, bottom, right, top = zip(*(shape.bounds() for shape in self.shapes), strict=True)
        return min(left), min(bottom), max(right), max(top)

    def similar(self, turn: complex, shift: complex) -> "Union":
        """The image under z -> turn z + shift."""
        return Union(*(shape.similar(turn, shift) for shape in self.shapes))
