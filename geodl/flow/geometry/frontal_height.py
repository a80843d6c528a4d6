"""The height that a body shows to the stream, from its signed distance alone."""

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.errors import GeometryError
from geodl.flow.geometry.grid import Grid

_BEYOND = 3  # rows from the last solid one: in the next two a sharp corner may lie between the centres


def frontal_height(sdf: Float[Tensor, "*sample y x"], grid: Grid) -> Float[Tensor, "*sample"]:
    """Extent of bodies across the stream.

    The smallest distance in a row of cells beyond the body is how far that row is from its top. It is exact for any
    exact distance but for what three cells do not see of its minimum along the row: about 1 % of a cell around
    round bodies, up to 7 % above a sharp corner.

    Args:
        sdf: signed distance, m.
    Returns:
        Height, m.
    Raises:
        GeometryError: no cell is solid, or a solid one is among the three rows next to a side of the domain.
    """
    rows = (sdf < 0).any(-1).flip(-1), (sdf < 0).any(-1)
    gaps = torch.stack([row.int().argmax(-1) for row in rows])  # rows without a solid cell above and below
    bad = (~rows[0].any(-1) | (gaps < _BEYOND).any(0)).flatten()
    if bool(bad.any()):
        index = int(bad.int().argmax())
        raise GeometryError(
            f"the height of body {index} cannot be measured: above and below it are "
            f"{gaps.reshape(2, -1)[:, index].tolist()} rows without solid cells, expected {_BEYOND} or more, and a "
            f"solid cell between them"
        )
    return measured_height(sdf, grid.spacing)


def measured_height(sdf: Tensor, spacing: float) -> Tensor:
    """The same [*sample] of distances [*sample, y, x] that are not checked, as a network meets them, m."""
    rows, last = (sdf < 0).any(-1), sdf.shape[-2] - 1
    lowest = _row_minimum(sdf)
    above = (last - rows.flip(-1).int().argmax(-1) + _BEYOND).clamp(max=last)
    below = (rows.int().argmax(-1) - _BEYOND).clamp(min=0)
    reach = sum(lowest.gather(-1, row.unsqueeze(-1)).squeeze(-1) for row in (above, below))
    return (above - below) * spacing - reach


def _row_minimum(sdf: Tensor) -> Tensor:
    """Smallest value along each row of positive ones, by parabolas through the squares of neighbouring cells.

    The square of the distance to a corner is a parabola, and that to any other contour nearly one. Of two parabolas the
    higher minimum counts: where the smallest value is shared by several cells, one of them is flat.
    """
    index = sdf.argmin(-1, keepdim=True).clamp(1, sdf.shape[-1] - 3)
    a, b, c, d = (sdf.gather(-1, index + shift).squeeze(-1).square() for shift in (-1, 0, 1, 2))
    return torch.maximum(_vertex(a, b, c), _vertex(b, c, d)).clamp_min(0).sqrt()


def _vertex(left: Tensor, middle: Tensor, right: Tensor) -> Tensor:
    """Value at the vertex of a parabola through three points at equal steps."""
    bend = (left - 2 * middle + right).clamp_min(torch.finfo(left.dtype).tiny)
    return middle - (right - left) ** 2 / (8 * bend)
