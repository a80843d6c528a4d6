"""What a body must be for a flow to be computed around it; shared by solver, generator and drawing page."""

import math

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from geodl.errors import GeometryError
from geodl.flow.geometry.frontal_height import frontal_height
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Shape

MARGIN = 3  # cells between a body and the sides of the domain
BLOCKAGE = 0.3  # frontal height over the height of the domain
MOST_PIXELS = 1 << 21  # of a drawing
_SLOPE = (0.7, 1.3)  # of a distance: 1 but for few cells
_EVERY = 3  # cells: at so many along x and y the slope is looked at


def require_mask(mask: Shaped[np.ndarray, "y x"] | Shaped[Tensor, "y x"], grid: Grid) -> Bool[np.ndarray, "y x"]:
    """A mask as truth values: 1 in the body, 0 in the fluid.

    Raises:
        GeometryError: too large for a drawing, not of the grid, not binary, empty or full.
    """
    values = mask.detach().cpu().numpy() if isinstance(mask, Tensor) else mask
    require_drawing_size(*values.shape)
    require_grid(values.shape, grid, "the mask")
    binary = (values == 0) | (values == 1)
    if not binary.all():
        raise GeometryError(
            f"the mask is not binary: it holds {values[~binary].flat[0]} besides 0 (fluid) and 1 (body). "
            f"Cut a grey drawing with mask > 0.5."
        )
    solid = values.astype(bool)
    _require_some(int(solid.sum()), solid.size, "the mask")
    return solid


def require_drawing_size(height: int, width: int) -> None:
    """Refuse drawings with too many pixels before anything is made of them.

    Raises:
        GeometryError: more than 2 million pixels.
    """
    if height * width > MOST_PIXELS:
        raise GeometryError(f"a drawing of {width} x {height} pixels is too large: at most {MOST_PIXELS} are taken")


def require_grid(shape: tuple[int, ...], grid: Grid, what: str) -> None:
    """Refuse an array that is not of the grid in its last two dimensions.

    Raises:
        GeometryError: names both sizes.
    """
    if tuple(shape[-2:]) != grid.shape:
        hint = " It is transposed: rows are y." if tuple(shape[:-3:-1]) == grid.shape else ""
        raise GeometryError(f"{what} has shape {tuple(shape)}, expected [..., y, x] = {grid.shape} of the grid.{hint}")


def require_body(sdf: Float[Tensor, "*sample y x"]) -> None:
    """Refuse signed distances without any solid or any fluid cell.

    Raises:
        GeometryError: names the first sample.
    """
    cells = sdf.shape[-2] * sdf.shape[-1]
    for index, solid in enumerate((sdf < 0).sum((-2, -1)).flatten().tolist()):
        _require_some(solid, cells, f"body {index}")


def _require_some(solid: int, cells: int, what: str) -> None:
    if solid == 0:
        raise GeometryError(f"{what} is empty: no centre of a cell lies in a body. Draw it larger, or refine the grid.")
    if solid == cells:
        raise GeometryError(f"{what} is full: no cell is left to the fluid. Is 1 meant to be the body?")


def require_signed_distance(
    sdf: Float[Tensor, "*sample y x"], grid: Grid, *, margin: int = MARGIN, blockage: float = BLOCKAGE
) -> None:
    """Refuse what is no signed distance in m, or belongs to a body that does not fit into the domain.

    Args:
        margin: cells that must be free between the body and each side of the domain.
        blockage: largest frontal height over the height of the domain.
    Raises:
        GeometryError: of another size than the grid, NaN, empty, full, of the wrong sign, no distance in m, or of a
            body that touches a side of the domain or blocks too much of it.
    """
    require_grid(tuple(sdf.shape), grid, "the signed distance")
    if not bool(torch.isfinite(sdf).all()):
        bad = int((~torch.isfinite(sdf)).sum())
        raise GeometryError(f"the signed distance has {bad} of {sdf.numel()} values that are NaN or infinite")
    require_sign(sdf)
    for index, one in enumerate(sdf.reshape(-1, *grid.shape)):
        require_body(one)
        _require_slope(one, grid.spacing, index)
        _require_free_sides(one, margin, index)
    _require_unblocked(frontal_height(sdf, grid) / grid.height, blockage)


def _border(sdf: Tensor, width: int) -> Tensor:
    """The cells within ``width`` of a side of the domain."""
    inner = torch.zeros_like(sdf, dtype=torch.bool)
    inner[width : sdf.shape[0] - width, width : sdf.shape[1] - width] = True
    return sdf[~inner]


def require_sign(sdf: Float[Tensor, "*sample y x"]) -> None:
    """Refuse signed distances that are negative all along the sides of the domain and positive somewhere inside.

    Raises:
        GeometryError: names the first sample.
    """
    sides = [sdf[..., 0, :], sdf[..., -1, :], sdf[..., 0], sdf[..., -1]]
    around = torch.stack([(side < 0).all(-1) for side in sides]).all(0).flatten()
    for index in around.nonzero()[:, 0].tolist():
        one = sdf.reshape(-1, *sdf.shape[-2:])[index]
        if bool(torch.isfinite(one).all()) and bool((one > 0).any()):
            raise GeometryError(
                f"the signed distance of body {index} has the wrong sign: it is negative all along the sides of the "
                f"domain, expected positive in the fluid. Give -sdf."
            )


def _require_slope(sdf: Tensor, spacing: float, index: int) -> None:
    some = sdf[:-1:_EVERY, :-1:_EVERY]
    along_y, along_x = sdf[1::_EVERY, :-1:_EVERY] - some, sdf[:-1:_EVERY, 1::_EVERY] - some
    slope = float(torch.hypot(along_x, along_y).median()) / spacing
    if not _SLOPE[0] <= slope <= _SLOPE[1]:
        hint = "It is in cells: multiply it by the spacing." if math.isclose(slope * spacing, 1, rel_tol=0.3) else ""
        raise GeometryError(
            f"the field of body {index} is no distance in m: its slope has the median {slope:.3g}, expected 1. {hint}"
        )


def _require_free_sides(sdf: Tensor, margin: int, index: int) -> None:
    if bool((_border(sdf, margin) < 0).any()):
        raise GeometryError(
            f"body {index} touches or leaves the domain: expected {margin} free cells along every side. "
            f"Move it, make it smaller, or enlarge the grid."
        )


def _require_unblocked(share: Tensor, limit: float) -> None:
    worst = int(share.flatten().argmax())
    if (seen := float(share.flatten()[worst])) > limit:
        raise GeometryError(
            f"body {worst} blocks {seen:.1%} of the height of the domain, at most {limit:.1%} is allowed. "
            f"Make it smaller, or enlarge the grid."
        )


def require_inside(shape: Shape, grid: Grid, *, margin: int = MARGIN, blockage: float = BLOCKAGE) -> None:
    """Refuse a shape that touches or leaves the domain, or blocks too much of it, by its exact bounds.

    Raises:
        GeometryError: names the side or the blockage.
    """
    left, bottom, right, top = shape.bounds()
    x0, y0, x1, y1 = grid.bounds
    free = {"left": left - x0, "bottom": bottom - y0, "right": x1 - right, "top": y1 - top}
    side = min(free, key=lambda name: free[name])
    if not free[side] >= margin * grid.spacing:
        raise GeometryError(
            f"the shape touches or leaves the domain: {free[side]:.3g} m are free at its {side} side, expected "
            f"{margin * grid.spacing:.3g} m ({margin} cells). Move it, make it smaller, or enlarge the grid."
        )
    _require_unblocked(torch.tensor([shape.frontal_height / grid.height]), blockage)
