"""Links of curved walls: where each one is cut, and what comes back from there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from geodl.flow.geometry.shapes import Shape
from geodl.flow.lattice.links import Links
from geodl.flow.lattice.sides import Lattice
from geodl.flow.lattice.velocities import CX, CY, OPPOSITE, SPEEDS

Wall = Literal["bouzidi", "quadratic", "central", "half-way"]
_BISECTIONS = 54  # halves 1 down to the rounding of float64
_CLOSEST = 1e-6  # of a link: a cell centre on the wall itself


@dataclass(frozen=True)
class Cuts:
    """Links from a fluid cell into a solid one.

    Attributes:
        sample, y, x, direction: int64 [link], the fluid cell and the direction towards the wall.
        fraction: float64 [link], part of the link that lies in the fluid, 0 to 1.
    """

    sample: Tensor
    y: Tensor
    x: Tensor
    direction: Tensor
    fraction: Tensor


def cuts(solid: Tensor, distance: Tensor, bodies: Sequence[Shape] | None, centres: Tensor) -> Cuts:
    """All links that a wall cuts.

    Args:
        solid: bool [batch, ny, nx].
        distance: float64 [batch, ny, nx], signed, positive in the fluid; any length unit.
        bodies: one per sample, to find the wall itself; without them it lies where the distance, linear along the link,
            vanishes.
        centres: float64 [ny, nx, 2], in the unit of ``distance``.
    """
    sample, y, x, direction = _cut_links(solid)
    behind_y, behind_x = y + torch.tensor(CY)[direction], x + torch.tensor(CX)[direction]
    near, far = distance[sample, y, x], distance[sample, behind_y, behind_x]
    fraction = near / (near - far)
    for n, body in enumerate(bodies or ()):
        own = sample == n
        start, end = centres[y[own], x[own]], centres[behind_y[own], behind_x[own]]
        fraction[own] = _crossing(body.distance, start, end)
    return Cuts(sample, y, x, direction, fraction.clamp(_CLOSEST, 1))


def _cut_links(solid: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sample, y, x and direction."""
    ny, nx = solid.shape[-2:]
    padded = torch.nn.functional.pad(solid, (1, 1, 1, 1))
    cut = [~solid & padded[:, 1 + CY[i] : ny + 1 + CY[i], 1 + CX[i] : nx + 1 + CX[i]] for i in range(SPEEDS)]
    sample, direction, y, x = torch.stack(cut, 1).nonzero().unbind(-1)
    return sample, y, x, direction


def _crossing(distance: Callable[[Tensor], Tensor], start: Tensor, end: Tensor) -> Tensor:
    """Where the distance changes sign between points in the fluid and points in the body, as part of the way."""
    low = torch.zeros(len(start), dtype=start.dtype)
    high = torch.ones_like(low)
    for _ in range(_BISECTIONS if len(start) else 0):
        middle = 0.5 * (low + high)
        fluid = distance(start + middle[:, None] * (end - start)) > 0
        low, high = torch.where(fluid, middle, low), torch.where(fluid, high, middle)
    return 0.5 * (low + high)


def wall_links(cut: Cuts, solid: Tensor, wall: Wall, dtype: torch.dtype) -> Links:
    """What comes back from a wall at rest along each cut link, from up to three populations near it.

    "bouzidi" (linear) and "quadratic" interpolate on one side of where the population that comes back set out,
    "central" on both; "half-way" puts the wall in the middle of every link. Where a gap leaves too few cells of fluid,
    "quadratic" becomes linear, and in a gap of one cell all are half-way.

    Source: Bouzidi, Firdaouss & Lallemand 2001, Phys. Fluids 13, 3452; Ginzburg, Verhaeghe & d'Humieres 2008,
    Commun. Comput. Phys. 3, 427 (central, there CLI).
    """
    lattice, back = Lattice(*solid.shape[-2:]), torch.tensor(OPPOSITE)[cut.direction]
    cx, cy = torch.tensor(CX)[cut.direction], torch.tensor(CY)[cut.direction]

    def slot(direction: Tensor, cells: int) -> Tensor:
        """Of the fluid cell, or of one that lies some cells farther from the wall."""
        place = lattice.slot(direction, cut.y - cells * cy, cut.x - cells * cx)
        return cut.sample * SPEEDS * lattice.plane + place

    sources = torch.stack([slot(cut.direction, n) for n in range(3)] + [slot(back, n) for n in range(2)], -1)
    weights = _weights(cut.fraction, _room(cut, solid, 1), _room(cut, solid, 2), wall)
    used = 1 + (weights[:, 1:] == 0).int().argsort(dim=1, stable=True)[:, :2]  # at most two beside the first
    a, (b, c) = weights[:, 0], weights.gather(1, used).unbind(1)
    first, (second, third) = sources[:, 0], sources.gather(1, used).unbind(1)
    second, third = torch.where(b != 0, second, first), torch.where(c != 0, third, first)
    zero = torch.zeros(len(a), dtype=dtype)
    return Links(slot(back, -1), first, second, third, a.to(dtype), b.to(dtype), c.to(dtype), zero)


def _weights(q: Tensor, room: Tensor, more_room: Tensor, wall: Wall) -> Tensor:
    """Weights [link, 5] of the populations towards the wall in the fluid cell and in the two cells behind it, then of
    those away from the wall in the fluid cell and in the cell behind it."""
    q = torch.where(room & (wall != "half-way"), q, 0.5)
    near, zero = q < 0.5, torch.zeros_like(q)
    if wall == "central":
        centred = (1 - 2 * q) / (1 + 2 * q)
        return torch.stack([zero + 1, centred, zero, -centred, zero], -1)
    linear = _either(near, (2 * q, 1 - 2 * q, zero, zero, zero), (0.5 / q, zero, zero, 1 - 0.5 / q, zero))
    if wall != "quadratic":
        return linear
    close = q * (1 + 2 * q), 1 - 4 * q * q, -q * (1 - 2 * q), zero, zero
    distant = 1 / (q * (2 * q + 1)), zero, zero, (2 * q - 1) / q, (1 - 2 * q) / (1 + 2 * q)
    return torch.where((near & ~more_room)[:, None], linear, _either(near, close, distant))


def _either(near: Tensor, close: Sequence[Tensor], distant: Sequence[Tensor]) -> Tensor:
    return torch.where(near[:, None], torch.stack(list(close), -1), torch.stack(list(distant), -1))


def _room(cut: Cuts, solid: Tensor, cells: int) -> Tensor:
    """Whether the cell so far behind the fluid cell is fluid too, and inside the domain."""
    cx, cy = torch.tensor(CX)[cut.direction], torch.tensor(CY)[cut.direction]
    taken = torch.nn.functional.pad(solid, (cells, cells, cells, cells), value=True)
    return ~taken[cut.sample, cut.y + cells * (1 - cy), cut.x + cells * (1 - cx)]
