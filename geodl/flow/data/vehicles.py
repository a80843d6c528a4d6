"""Side views of road vehicles, drawn as masks: bodies of a kind that is never trained on."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool

from geodl.flow.data.random_shapes import HEIGHT, LONGEST, placed
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.polygon import Polygon
from geodl.flow.geometry.shapes import Circle, Shape, Union

_GROUND = 0.2  # of the height: how far the body is above the ground that the wheels touch


def vehicle_mask(rng: np.random.Generator, grid: Grid) -> Bool[np.ndarray, "y x"]:
    """The cells whose centres lie in a random car, van or truck, its front to the stream; floating, without a road."""
    return (random_vehicle(rng).distance(grid.centres()) < 0).numpy()


def random_vehicle(rng: np.random.Generator) -> Shape:
    """The outline behind ``vehicle_mask``: frontal height between 0.5 and 1.1 m, at most 2.4 m long."""
    draw = VEHICLES[list(VEHICLES)[rng.integers(len(VEHICLES))]]
    height = rng.uniform(*HEIGHT)
    shape = draw(rng)
    left, _, right, _ = shape.bounds()
    stretch = min(height / shape.frontal_height, LONGEST / (right - left))
    return placed(shape.scaled(stretch), rng)


def _wheels(length: float, radius: float, *places: float) -> list[Shape]:
    return [Circle((place * length, radius), radius) for place in places]


def _car(rng: np.random.Generator) -> Shape:
    """Bonnet, windscreen, roof and boot; heights in heights of the car."""
    length = rng.uniform(2.3, 3.0)
    bonnet, boot = rng.uniform(0.55, 0.66), rng.uniform(0.6, 0.8)
    screen, roof, rear, tail = length * np.cumsum(rng.uniform(0.16, 0.2, 4) * [1.5, 0.9, 1.5, 0.9])
    outline = [
        (0, _GROUND), (0, 0.75 * bonnet), (0.08 * length, bonnet - 0.03), (screen, bonnet), (roof, 1), (rear, 1),
        (tail, boot), (length, boot - 0.05), (length, _GROUND),
    ]  # fmt: skip
    return Union(Polygon(outline), *_wheels(length, rng.uniform(0.2, 0.25), 0.2, 0.8))


def _van(rng: np.random.Generator) -> Shape:
    """A short nose, a steep windscreen, and a box."""
    length = rng.uniform(1.9, 2.4)
    nose, screen, roof = length * np.array([0.0, rng.uniform(0.1, 0.16), rng.uniform(0.24, 0.32)])
    bonnet = rng.uniform(0.5, 0.6)
    outline = [
        (nose, _GROUND), (nose, bonnet - 0.08), (screen, bonnet), (roof, 1), (length, 1), (length, _GROUND),
    ]  # fmt: skip
    return Union(Polygon(outline), *_wheels(length, rng.uniform(0.15, 0.19), 0.18, 0.8))


def _truck(rng: np.random.Generator) -> Shape:
    """A cab, a gap, and a loading box on a frame."""
    length = rng.uniform(1.9, 2.2)
    cab, top = length * rng.uniform(0.2, 0.26), rng.uniform(0.7, 0.95)
    gap = length * rng.uniform(0.1, 0.14)
    outline = [
        (0, _GROUND), (0, 0.5 * top), (0.25 * cab, top), (cab, top), (cab, 0.4), (cab + gap, 0.4), (cab + gap, 1),
        (length, 1), (length, _GROUND),
    ]  # fmt: skip
    return Union(Polygon(outline), *_wheels(length, rng.uniform(0.13, 0.16), 0.13, 0.7, 0.87))


VEHICLES: dict[str, Callable[[np.random.Generator], Shape]] = {"car": _car, "van": _van, "truck": _truck}
