"""Random bodies to train on: primitives of many kinds, sized and placed for the standard domain of 8 m x 4 m."""

import functools
from collections.abc import Callable

import numpy as np
import torch

from geodl.errors import UnknownNameError, did_you_mean
from geodl.flow.geometry.airfoil import Airfoil
from geodl.flow.geometry.ellipse import Ellipse
from geodl.flow.geometry.polygon import Polygon, regular_polygon
from geodl.flow.geometry.shapes import Circle, Rounded, Shape, Union

HEIGHT = 0.5, 1.1  # m, frontal
CENTRE_X, CENTRE_Y = (2.2, 2.8), (1.6, 2.4)  # m
LONGEST = 2.4  # m, along the stream
THINNEST = 3 / 16  # m, three cells of the coarse grid: diameter of the largest circle inside
_ATTACK = np.radians(20)
_SAMPLES = 48  # points along each side of a box, to look for the largest circle


def random_shape(rng: np.random.Generator, kind: str) -> Shape:
    """A body of a kind, with a frontal height even between 0.5 and 1.1 m, the middle of its box around (2.5, 2.0) m.

    Forms that would be longer than 2.4 m, or thinner than three cells of 1/16 m, are drawn again.

    Args:
        kind: one of ``KINDS``.
    Raises:
        UnknownNameError: there is no such kind.
    """
    if kind not in KINDS:
        raise UnknownNameError(f"there is no kind of shape {kind!r}. {did_you_mean(kind, KINDS)}")
    height = rng.uniform(*HEIGHT)
    while not _fits(shape := _of_height(KINDS[kind](rng), height)):
        pass
    return placed(shape, rng)


def placed(shape: Shape, rng: np.random.Generator) -> Shape:
    """The shape with the middle of its box drawn around (2.5, 2.0) m."""
    left, bottom, right, top = shape.bounds()
    return shape.moved(rng.uniform(*CENTRE_X) - (left + right) / 2, rng.uniform(*CENTRE_Y) - (bottom + top) / 2)


def _of_height(shape: Shape, height: float) -> Shape:
    return shape.scaled(height / shape.frontal_height)


def _fits(shape: Shape) -> bool:
    left, bottom, right, top = shape.bounds()
    if right - left > LONGEST:
        return False
    x, y = (torch.linspace(*ends, _SAMPLES, dtype=torch.float64) for ends in ((left, right), (bottom, top)))
    depth = -shape.distance(torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)).min()
    return bool(2 * depth >= THINNEST)


def _turn(rng: np.random.Generator) -> float:
    return rng.uniform(0, 2 * np.pi)


def _circle(rng: np.random.Generator) -> Shape:
    del rng  # all circles are alike but for their size
    return Circle((0.0, 0.0), 1.0)


def _ellipse(rng: np.random.Generator) -> Shape:
    return Ellipse((0.0, 0.0), (1.0, rng.uniform(0.25, 0.95)), _turn(rng))


def _regular(rng: np.random.Generator) -> Shape:
    return regular_polygon(int(rng.integers(3, 9)), 1.0, angle=_turn(rng))


def _polygon(rng: np.random.Generator) -> Polygon:
    """4 to 9 corners around the centre, in the order of their angles, so that no edges cross."""
    corners = int(rng.integers(4, 10))
    angles = _turn(rng) + 2 * np.pi * (np.arange(corners) + rng.uniform(-0.35, 0.35, corners)) / corners
    return Polygon(rng.uniform(0.5, 1.0, (corners, 1)) * np.stack([np.cos(angles), np.sin(angles)], -1))


def _box(rng: np.random.Generator) -> Polygon:
    half = rng.uniform(0.25, 1.0)
    return Polygon([(-1, -half), (1, -half), (1, half), (-1, half)]).rotated(_turn(rng))


def _rounded(rng: np.random.Generator) -> Shape:
    inner = (_box, _polygon)[rng.integers(2)](rng)
    return Rounded(inner, rng.uniform(0.1, 0.5))


def _airfoil(rng: np.random.Generator) -> Shape:
    camber, place = (int(rng.integers(1, 7)), int(rng.integers(3, 7))) if rng.uniform() < 0.6 else (0, 0)
    code = f"{camber}{place}{int(rng.integers(12, 31)):02d}"
    return Airfoil(code, 1.0, angle=rng.uniform(-_ATTACK, _ATTACK))


def _union(rng: np.random.Generator) -> Shape:
    """Two primitives, the centre of the second inside the first."""
    first, second = ((_circle, _ellipse, _regular, _box)[rng.integers(4)](rng) for _ in range(2))
    second = second.scaled(rng.uniform(0.6, 1.0))
    turn = _turn(rng)
    reach = rng.uniform(0.6, 1.0) * functools.reduce(min, map(abs, first.bounds()))
    return Union(first, second.moved(reach * np.cos(turn), reach * np.sin(turn)))


KINDS: dict[str, Callable[[np.random.Generator], Shape]] = {
    "circle": _circle,
    "ellipse": _ellipse,
    "regular_polygon": _regular,
    "polygon": _polygon,
    "rounded": _rounded,
    "airfoil": _airfoil,
    "union": _union,
}
