"""Does a surrogate know which way the drag of a body goes when it is turned?"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from geodl.core.surrogate import Surrogate
from geodl.flow.control_volume import control_volume_forces
from geodl.flow.data.random_shapes import placed
from geodl.flow.geometry.airfoil import Airfoil
from geodl.flow.geometry.ellipse import Ellipse
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.polygon import Polygon
from geodl.flow.geometry.shapes import Shape
from geodl.flow.lattice_boltzmann import LatticeBoltzmann
from geodl.flow.scores import spacing

PAIRS, TURN, REYNOLDS = 10, math.radians(8), 20.0
LENGTH = 1.0  # m, of every body; its Reynolds number by length is 20, so that viscosity does not change with the angle


def turned_bodies(seed: int = 0) -> list[tuple[Shape, Shape]]:
    """Ellipses, boxes and airfoils, each at an angle less and more by 8 degrees."""
    random = np.random.default_rng([seed, PAIRS])
    return [_pair(number, random) for number in range(PAIRS)]


def _pair(number: int, random: np.random.Generator) -> tuple[Shape, Shape]:
    slender, angle = random.uniform(0.35, 0.6), random.uniform(math.radians(18), math.radians(62))
    body = placed(_body(number % 3, slender).scaled(LENGTH / 2).rotated(angle), random)
    return body.rotated(-TURN), body.rotated(TURN)


def _body(kind: int, slender: float) -> Shape:
    """Two metres long."""
    if kind == 0:
        return Ellipse((0.0, 0.0), (1.0, slender))
    if kind == 1:
        return Polygon([(-1, -slender), (1, -slender), (1, slender), (-1, slender)])
    return Airfoil("0030", 2.0)


def signs_right(surrogate: Surrogate, solved: tuple[Tensor, Tensor], bodies: Sequence[tuple[Shape, Shape]]) -> int:
    """In how many pairs the drag changes in the direction of the reference, from the predicted fields.

    Args:
        solved: Reynolds numbers by frontal height and drag forces of the reference, each ``[pair, 2]``.
    """
    reynolds, truth = solved
    flat = [body for pair in bodies for body in pair]
    grid = Grid.parse(str(surrogate.family.options["size"]))
    sdf = torch.stack([body.distance(grid.centres()) for body in flat]).to(surrogate.core.at()[0])
    with torch.no_grad():
        u, v, p, *_ = surrogate.core(sdf, reynolds.flatten().to(sdf))
    forces = control_volume_forces((u, v, p), sdf, reynolds=reynolds.flatten().to(sdf), spacing=spacing(surrogate))
    height = torch.tensor([body.frontal_height for body in flat])
    drag = (forces.drag.mean(1) * height).reshape(-1, 2)
    return int((drag.diff().sign() == truth.diff().sign()).sum())


def solved(bodies: Sequence[tuple[Shape, Shape]], grid: Grid) -> tuple[Tensor, Tensor]:
    """Reynolds numbers by frontal height and drag per ρU²/2 in metres, ``[pair, 2]``, by the reference solver."""
    flat = [body for pair in bodies for body in pair]
    height = torch.tensor([body.frontal_height for body in flat], dtype=torch.float64)
    reynolds = REYNOLDS * height / LENGTH
    flow = LatticeBoltzmann(flat, grid, reynolds=reynolds).run(show=False)
    return reynolds.reshape(-1, 2), (flow.drag * height.to(flow.drag)).reshape(-1, 2)
