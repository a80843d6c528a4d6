"""Signed distance fields on a grid: of shapes, exactly, and of masks, to half a cell."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from geodl.flow.geometry.checks import require_body, require_mask
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Shape


def signed_distance(
    body: Shape | Shaped[np.ndarray, "row column"] | Shaped[Tensor, "row column"],
    grid: Grid,
    dtype: torch.dtype = torch.float64,
) -> Float[Tensor, "y x"]:
    """Distance of the cell centres to the wall of a body: positive in the fluid, negative in the body.

    Args:
        body: a shape, or a mask that is 1 in the body and 0 in the fluid. A mask fixes the wall to half of its cells
            only; it may have an even number of cells along each side of a cell of the grid.
    Returns:
        The distance in m.
    Raises:
        GeometryError: the mask is not binary, empty, full or of another size, or a shape holds no centre of any cell.
    """
    if not isinstance(body, Shape):
        fine = _divided(grid, body.shape)
        return _at_centres(_of_mask(require_mask(body, fine), fine.spacing), grid).to(dtype)
    sdf = body.distance(grid.centres())
    require_body(sdf)
    return sdf.to(dtype)


def _divided(grid: Grid, shape: tuple[int, ...]) -> Grid:
    """The grid that a mask of this shape is on, if it divides the cells evenly; else the grid itself."""
    times = shape[0] // grid.ny
    finer = times % 2 == 0 and times > 0 and shape == (times * grid.ny, times * grid.nx)
    return Grid(times * grid.nx, times * grid.ny, grid.spacing / times, grid.origin) if finer else grid


def _at_centres(distance: np.ndarray, grid: Grid) -> Tensor:
    """At the centres of cells: the mean of the four fine ones that meet there."""
    times = len(distance) // grid.ny
    middle = slice(max(times // 2 - 1, 0), times // 2 + 1)
    cells = torch.from_numpy(distance).reshape(grid.ny, times, grid.nx, times)
    return cells[:, middle, :, middle].mean((1, 3))


def _of_mask(solid: Bool[np.ndarray, "y x"], spacing: float) -> Float[np.ndarray, "y x"]:
    """The wall lies half a cell before the nearest centre on the other side."""
    from scipy.ndimage import distance_transform_edt

    outward, inward = distance_transform_edt(~solid), distance_transform_edt(solid)
    return spacing * np.where(solid, 0.5 - inward, outward - 0.5)
