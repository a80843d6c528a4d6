"""Polygons: their signed distance for many at once in torch, and what makes a list of corners a polygon."""

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geodl.errors import GeometryError
from geodl.flow.geometry.shapes import Bounds, Point, Shape, require_positive

MOST_CORNERS = 4096
_BLOCK = 1 << 16  # pairs of point and edge at a time: they stay in the cache


@dataclasses.dataclass(frozen=True)
class Polygon(Shape):
    """A polygon by its corners in m, in either sense; the last joins the first by itself.

    Raises:
        GeometryError: fewer than 3 or more than 4096 corners, a corner twice, or edges that touch or cross.
    """

    corners: tuple[Point, ...]

    def __init__(self, corners: Sequence[Sequence[float]] | Float[np.ndarray, "corner 2"]):
        array = np.asarray(corners, dtype=np.float64)
        if array.ndim == 2 and len(array) > 1 and (array[0] == array[-1]).all():
            array = array[:-1]
        _require_simple(array)
        object.__setattr__(self, "corners", tuple(map(tuple, array.tolist())))

    @classmethod
    def closed(cls, outline: Float[np.ndarray, "point 2"], *, tolerance: float) -> Self:
        """A polygon from a drawn line or a list of points, which must come back to where it began.

        Args:
            tolerance: how far apart both ends may be, m.
        Raises:
            GeometryError: the line is open, or no polygon otherwise.
        """
        if len(outline) > 1:
            gap = float(np.hypot(*(outline[-1] - outline[0])))
            if not gap <= tolerance:
                raise GeometryError(
                    f"the outline is open: its ends are {gap:.3g} m apart, at most {tolerance:.3g} m are closed. "
                    f"Repeat the first point at the end."
                )
        return cls(outline[:-1] if len(outline) > 3 else outline)

    @classmethod
    def trusted(cls, corners: Float[np.ndarray, "corner 2"]) -> Self:
        """A polygon of corners that are known to be good: nothing is checked."""
        polygon = object.__new__(cls)
        object.__setattr__(polygon, "corners", tuple(map(tuple, corners.tolist())))
        return polygon

    @functools.cached_property
    def centre(self) -> Point:  # type: ignore[override]
        """Centre of its area, m."""
        corners = np.array(self.corners)
        middle = corners.mean(0)
        a, b = corners - middle, np.roll(corners, -1, 0) - middle  # far from the origin the products would cancel
        doubled = cross(a, b)
        x, y = middle + doubled @ (a + b) / (3 * doubled.sum())
        return float(x), float(y)

    def distance(self, points: Float[Tensor, "*point 2"]) -> Float[Tensor, "*point"]:
        """Distance to the nearest edge, m."""
        corners = torch.tensor(self.corners, dtype=points.dtype, device=points.device)
        return polygon_distance(points.reshape(-1, 2), corners).reshape(points.shape[:-1])

    def bounds(self) -> Bounds:
        """The smallest box around the corners, m."""
        x, y = zip(*self.corners, strict=True)
        return min(x), min(y), max(x), max(y)

    def similar(self, turn: complex, shift: complex) -> "Polygon":
        """The image under z -> turn z + shift."""
        z = np.array(self.corners) @ [1, 1j] * turn + shift
        return Polygon.trusted(np.stack([z.real, z.imag], -1))


def regular_polygon(corners: int, radius: float, *, centre: Point = (0.0, 0.0), angle: float = 0.0) -> Polygon:
    """Corners at equal angles on a circle, the first at ``angle``; m, rad.

    Raises:
        GeometryError: fewer than 3 corners, or a radius that is not positive.
    """
    require_positive("the radius of a regular polygon in m", radius)
    turns = angle + 2 * math.pi * np.arange(corners) / max(corners, 1)
    return Polygon(np.array(centre) + radius * np.stack([np.cos(turns), np.sin(turns)], -1))


def polygon_distance(
    points: Float[Tensor, "*#polygon point 2"], corners: Float[Tensor, "*#polygon corner 2"]
) -> Float[Tensor, "*polygon point"]:
    """Signed distance of points to polygons: negative inside, where a ray crosses the contour an odd number of times.

    Several polygons go side by side; ``stack_polygons`` makes those with fewer corners fit.

    Returns:
        The distance, in the units of the points.
    Source: |phi| = min over edges e of |w - e clip(w.e/e.e, 0, 1)|, w = p - a, exact to rounding.
    """
    x, y = points.unsqueeze(-3).unbind(-1)  # [*polygon, 1, point], against edges [*polygon, edge, 1]
    square = x.new_full((), math.inf)
    inside = torch.zeros((), dtype=torch.bool, device=points.device)
    edges = torch.cat([corners, corners.roll(-1, -2) - corners], -1)
    for block in edges.split(max(1, _BLOCK // max(1, points.shape[-2])), -2):
        near, odd = _edge_block(x, y, *block.unsqueeze(-2).unbind(-1))
        square, inside = torch.minimum(square, near), inside ^ odd
    return torch.where(inside, -1, 1) * square.sqrt()


def _edge_block(x: Tensor, y: Tensor, ax: Tensor, ay: Tensor, ex: Tensor, ey: Tensor) -> tuple[Tensor, Tensor]:
    """Smallest square distance to these edges, and whether an odd number of them crosses the ray along +x."""
    wx, wy = x - ax, y - ay
    length = (ex * ex + ey * ey).clamp_min(torch.finfo(x.dtype).tiny)  # an edge that only fills has length zero
    along = torch.addcmul(wx * (ex / length), wy, ey / length).clamp(0, 1)
    crosses = ((wy >= 0) != (wy >= ey)) & ((ex * wy > ey * wx) == (ey > 0))
    dx, dy = wx - along * ex, wy - along * ey
    return torch.addcmul(dx.square(), dy, dy).amin(-2), crosses.sum(-2) % 2 == 1


def stack_polygons(
    polygons: Sequence[Polygon], dtype: torch.dtype = torch.float64
) -> Float[Tensor, "polygon corner 2"]:
    """Corners side by side for ``polygon_distance``; the last corner of a polygon with fewer is repeated."""
    most = max(len(polygon.corners) for polygon in polygons)
    filled = [(*p.corners, *[p.corners[-1]] * (most - len(p.corners))) for p in polygons]
    return torch.tensor(filled, dtype=dtype)


def cross(a: Float[np.ndarray, "*#n 2"], b: Float[np.ndarray, "*#n 2"]) -> Float[np.ndarray, "*n"]:
    """Twice the area of the triangle of two vectors, positive where b is to the left of a."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _require_simple(corners: np.ndarray) -> None:
    """Refuse what is no simple polygon."""
    if corners.ndim != 2 or corners.shape[-1] != 2 or not 3 <= len(corners) <= MOST_CORNERS:
        raise GeometryError(f"corners of shape {corners.shape}: expected 3 to {MOST_CORNERS} points [corner, 2]")
    if not np.isfinite(corners).all():
        raise GeometryError(f"corner {int(np.argmin(np.isfinite(corners).all(1)))} is NaN or infinite")
    edges = np.roll(corners, -1, 0) - corners
    if (repeated := ~edges.any(1)).any():
        raise GeometryError(f"corner {int(np.argmax(repeated))} of the polygon comes twice in a row: leave one out")
    if (pair := _crossing(corners, edges)) is not None:
        raise GeometryError(
            f"edges {pair[0]} and {pair[1]} of the polygon touch or cross each other: it must not meet itself. "
            f"Give the corners in their order along the contour."
        )


def _crossing(a: np.ndarray, e: np.ndarray) -> tuple[int, int] | None:
    """The first two edges that meet in more than the corner they share."""
    n = len(a)
    b = a + e

    def side(points: np.ndarray) -> np.ndarray:  # of each edge (row) is each point (column)
        return np.sign(cross(e[:, None], points - a[:, None]))

    low, high = np.minimum(a, b), np.maximum(a, b)
    boxes = ((low[:, None] <= high[None]) & (low[None] <= high[:, None])).all(-1)
    apart = side(a) * side(b) > 0
    meets = boxes & ~apart & ~apart.T
    i = np.arange(n)
    neighbour = (i + 1) % n
    meets[i, i] = meets[i, neighbour] = meets[neighbour, i] = False
    back = (cross(e, e[neighbour]) == 0) & ((e * e[neighbour]).sum(1) < 0)
    meets[i[back], neighbour[back]] = True
    return None if not meets.any() else tuple(map(int, np.argwhere(meets)[0]))  # type: ignore[return-value]
