"""Numbers that tell bodies apart: place, size, slenderness, hollows and lopsidedness; what a guard looks at."""

import math

import torch
from torch import Tensor

from geodl.flow.surrogate.encoding import Encoded, ln_reynolds

DIRECTIONS = 24  # in which extents are taken
_SECOND = [(2, 0), (0, 2), (1, 1)]
_THIRD = [(3, 0), (0, 3), (2, 1), (1, 2)]


def shape_features(encoded: tuple[Tensor, ...], spacing: float) -> Tensor:
    """Features of body and Reynolds number ``[sample, feature]``, all of order one.

    The middle, ln of height and of length over height; perimeter and area over those of the convex hull, and radius of
    the largest circle inside, small in bodies with hollows or thin parts; central moments of second and third order;
    ln Re. They see outlines to a fraction of a cell: a body and a mask of it that is drawn twice as fine are alike.
    Source: Cauchy's formula for the perimeter and Minkowski's for the area of a convex set by its support function,
    e.g. Santaló 2004, Integral Geometry and Geometric Probability, chapter 1.
    """
    seen = Encoded(*encoded)
    sdf = seen.sdf.double() / spacing
    y, x = (torch.arange(n, device=sdf.device).to(sdf) + 0.5 for n in sdf.shape[1:])
    inside = (0.5 - sdf).clamp(0, 1)  # share of each cell that is solid
    area = inside.sum((1, 2)).clamp(min=1e-9)
    radius = (area / math.pi).sqrt()
    middle = [(inside.sum(other) * place).sum(1) / area for other, place in ((1, x), (2, y))]
    away = x - middle[0][:, None], y - middle[1][:, None]
    support = _support(sdf, *away)
    width = support + support.roll(DIRECTIONS // 2, 1)
    length, height = width[:, 0].clamp(min=1e-3), width[:, DIRECTIONS // 4].clamp(min=1e-3)
    moments = [_moment(inside, away, powers) / area / radius ** sum(powers) for powers in _SECOND + _THIRD]
    place = [m * spacing for m in middle]
    size = [(height * spacing).log(), (length / height).log()]
    features = [*place, *size, *_hollows(sdf, area, support), *moments, ln_reynolds(seen.reynolds)[:, 0].double()]
    return torch.stack(features, dim=1)


def _support(sdf: Tensor, away_x: Tensor, away_y: Tensor) -> Tensor:
    """How far the body reaches from its middle in each direction ``[sample, direction]``, in cells."""
    reach = torch.where(sdf < 0, -sdf, -math.inf)
    angles = [2 * math.pi * k / DIRECTIONS for k in range(DIRECTIONS)]
    along = ((away_x * math.cos(a))[:, None] + (away_y * math.sin(a))[:, :, None] for a in angles)
    return torch.stack([(reach + place).flatten(1).amax(1) for place in along], dim=1)


def _hollows(sdf: Tensor, area: Tensor, support: Tensor) -> list[Tensor]:
    """Perimeter and area over those of the convex hull, and radius of the largest circle inside over the mean one."""
    perimeter = (sdf.abs() < 1).to(sdf).sum((1, 2)) / 2
    step = 2 * math.pi / DIRECTIONS
    slope, mean = (support.roll(-1, 1) - support) / step, (support.roll(-1, 1) + support) / 2
    hull = ((mean.square() - slope.square()).sum(1) * step / 2).clamp(min=1e-6)
    inscribed = -sdf.flatten(1).amin(1)
    return [perimeter / (support.sum(1) * step), area / hull, inscribed / (area / math.pi).sqrt()]


def _moment(inside: Tensor, away: tuple[Tensor, Tensor], powers: tuple[int, int]) -> Tensor:
    """Of the body about its middle ``[sample]``."""
    (x, y), (along, across) = away, powers
    return torch.einsum("syx,sx,sy->s", inside, x**along, y**across)
