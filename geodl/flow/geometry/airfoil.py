"""NACA 4-digit airfoils."""

import cmath
import dataclasses
import functools
import re

import numpy as np
from jaxtyping import Float
from torch import Tensor

from geodl.errors import GeometryError
from geodl.flow.geometry.polygon import Polygon, cross
from geodl.flow.geometry.shapes import Bounds, Point, Shape, mapped, require_positive

_EDGES = 384
_FINE = 8192


@dataclasses.dataclass(frozen=True)
class Airfoil(Shape):
    """A NACA 4-digit airfoil with a sharp trailing edge, its nose to the left; m, rad.

    The distance is that to a polygon of 384 edges whose corners lie on the exact contour, closest where it is most
    curved: nowhere more than 1e-5 chords from it, at any thickness, up to 6 % camber.

    Attributes:
        code: such as "2412": camber 2 % of the chord, at 40 % of the chord, thickness 12 %.
        chord: length from nose to trailing edge, m.
        centre: the middle of the chord, m.
        angle: of the chord, counterclockwise; the angle of attack in a stream along +x is its negative.
    Raises:
        GeometryError: a code that is no four digits, without thickness, or with a camber and no place for it.
    Source: Jacobs, Ward & Pinkerton 1933, NACA Report 460; last coefficient -0.1036 closes the trailing edge.
    """

    code: str
    chord: float
    centre: Point = (0.0, 0.0)
    angle: float = 0.0

    def __post_init__(self) -> None:
        require_positive("the chord of an airfoil in m", self.chord)
        digits = re.fullmatch(r"(\d)(\d)(\d\d)", self.code)
        if digits is None or not 1 <= int(digits[3]) <= 40 or (digits[1] == "0") != (digits[2] == "0"):
            raise GeometryError(
                f"the airfoil {self.code!r}: expected four digits such as '0012' or '2412', with a thickness of 01 to "
                f"40, and camber and its place both 0 or both not"
            )

    @functools.cached_property
    def polygon(self) -> Polygon:
        """The contour, from the trailing edge over the upper side."""
        z = (_polygon(self.code) @ np.array([1, 1j]) - 0.5) * cmath.rect(self.chord, self.angle) + complex(*self.centre)
        return Polygon.trusted(np.stack([z.real, z.imag], -1))

    def distance(self, points: Float[Tensor, "*point 2"]) -> Float[Tensor, "*point"]:
        """Distance to the contour, m."""
        return self.polygon.distance(points)

    def bounds(self) -> Bounds:
        """The smallest box around the polygon, m."""
        return self.polygon.bounds()

    def similar(self, turn: complex, shift: complex) -> "Airfoil":
        """The image under z -> turn z + shift."""
        angle = self.angle + cmath.phase(turn)
        return Airfoil(self.code, self.chord * abs(turn), mapped(self.centre, turn, shift), angle)


def contour(code: str, turn: Float[np.ndarray, " point"]) -> Float[np.ndarray, "point 2"]:
    """The exact contour in chords: ``turn`` 0 is the trailing edge, pi the nose, reached over the upper side."""
    camber, place, thickness = int(code[0]) / 100, int(code[1]) / 10, int(code[2:]) / 100
    x = (1 + np.cos(turn)) / 2
    polynomial = x * (-0.1260 + x * (-0.3516 + x * (0.2843 - 0.1036 * x)))
    half = 5 * thickness * (0.2969 * np.cos(turn / 2) + np.where(turn <= np.pi, 1, -1) * polynomial)  # < 0 below
    behind = np.where(x < place, place, 1 - place) ** 2
    y = np.where(x < place, x * (2 * place - x), 1 - 2 * place + x * (2 * place - x)) * camber / behind
    slope = np.arctan(2 * camber * (place - x) / behind)
    return np.stack([x - half * np.sin(slope), y + half * np.cos(slope)], -1)


@functools.lru_cache(maxsize=256)
def _polygon(code: str) -> np.ndarray:
    """Corners on the contour at equal steps of its bend, so that all edges are about equally far from it."""
    turn = np.linspace(0, 2 * np.pi, _FINE + 1)
    fine = contour(code, turn)
    first, second = np.gradient(fine, axis=0), np.gradient(np.gradient(fine, axis=0), axis=0)
    bend = np.sqrt(np.abs(cross(first, second)) / np.hypot(*first.T).clip(1e-12))
    travelled = np.concatenate([[0], np.cumsum((bend + 0.2 * bend.mean())[1:])])
    corners = np.interp(np.linspace(0, travelled[-1], _EDGES + 1), travelled, turn)
    return contour(code, corners)[:-1]
