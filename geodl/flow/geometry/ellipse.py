"""The ellipse, with the distance to its nearest point from a secular equation."""

import cmath
import dataclasses
import math

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.flow.geometry.shapes import Bounds, Point, Shape, mapped, require_positive

_STEPS = 64  # Newton needs about five; the stop is that nothing changes any more


@dataclasses.dataclass(frozen=True)
class Ellipse(Shape):
    """An ellipse by its centre and half axes in m; the first half axis points along ``angle``, rad.

    Raises:
        GeometryError: a half axis is not positive.
    """

    centre: Point
    half_axes: tuple[float, float]
    angle: float = 0.0

    def __post_init__(self) -> None:
        require_positive("the half axes of an ellipse in m", *self.half_axes)

    def distance(self, points: Float[Tensor, "*point 2"]) -> Float[Tensor, "*point"]:
        """Distance to the nearest point of the contour, to rounding, m."""
        x, y = points[..., 0] - self.centre[0], points[..., 1] - self.centre[1]
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        along, across = (x * cos + y * sin).abs(), (y * cos - x * sin).abs()
        a, b = self.half_axes
        return _quadrant_distance(along, across, a, b) if a >= b else _quadrant_distance(across, along, b, a)

    def bounds(self) -> Bounds:
        """The smallest box around the ellipse, m."""
        (x, y), (a, b) = self.centre, self.half_axes
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        width, height = math.hypot(a * cos, b * sin), math.hypot(a * sin, b * cos)
        return x - width, y - height, x + width, y + height

    def similar(self, turn: complex, shift: complex) -> "Ellipse":
        """The image under z -> turn z + shift."""
        a, b = self.half_axes
        axes = (a * abs(turn), b * abs(turn))
        return Ellipse(mapped(self.centre, turn, shift), axes, self.angle + cmath.phase(turn))


def _quadrant_distance(x: Tensor, y: Tensor, a: float, b: float) -> Tensor:
    """Distance of points with x, y >= 0 to an ellipse with half axes a >= b.

    The nearest point is (a p, b q) with p = x a/(b^2 (t + r)), q = y/(b t), r = a^2/b^2 - 1 and p^2 + q^2 = 1. Newton
    on 1/hypot(p, q) = 1 climbs to t from the left and never passes it, because the left side is concave.
    Source: D. Eberly, Distance from a point to an ellipse, Geometric Tools 2013, for the equation;
    Moré & Sorensen 1983, SIAM J. Sci. Stat. Comput. 4, 553, for its reciprocal.
    """
    r = (a - b) * (a + b) / b**2
    along, across = x * (a / b**2), (y / b).clamp_min(1e-30)  # on the long axis t tends to zero as y does
    t = torch.maximum(across, along - r)
    for _ in range(_STEPS):
        p, q = along / (t + r), across / t
        length = torch.hypot(p, q)
        step = (length - 1) * length**2 / (p**2 / (t + r) + q**2 / t)
        t, before = t + step.clamp_min(0), t
        if bool((t == before).all()):
            break
    p, q = along / (t + r), across / t
    length = torch.hypot(p, q)
    return (t - 1) * b * torch.hypot(p * (b / a), q) / length
