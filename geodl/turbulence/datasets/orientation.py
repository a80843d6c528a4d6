"""Whether a velocity gradient is dU_i/dx_j or its transpose, which its trace cannot tell."""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree

from geodl.errors import SchemaError

CENTRES, NEAR, NEIGHBOURS = 8, 400, 6  # places that are looked at, cells around each, neighbours of each cell
STILL = 1e-4  # of the largest difference of velocity: below, it is rounding
CLEARLY = 0.3  # by which the cosine of the transpose must be larger


def refuse_transposed(ds: xr.Dataset) -> None:
    """Compare differences of velocity between near cells with A dx and with Aᵀ dx; without both, nothing is said.

    The measure is the median cosine between the two sides over pairs of neighbours: no unit and no single cell
    matters. It needs no third direction, so that a mesh one cell thick will do, and pairs stay within one ``flow``.

    Raises:
        SchemaError: the transpose fits clearly better.
    """
    if not {"velocity", "position", "velocity_gradient"} <= set(ds.variables):
        return
    straight, turned = alignment(ds)
    if turned > straight + CLEARLY:
        raise SchemaError(
            f"'velocity_gradient' is the transpose of dU_i/dx_j: differences of velocity between near cells follow it "
            f"with a cosine of {straight:.2f}, its transpose with {turned:.2f}. OpenFOAM's grad(U) is stored so. "
            f"Turn it with ds['velocity_gradient'] = ds['velocity_gradient'].rename(i='j', j='i')."
        )


def alignment(ds: xr.Dataset) -> tuple[float, float]:
    """Median cosines of dU with A dx and with Aᵀ dx over pairs of near cells around a few places.

    Args:
        ds: velocity and position ``[…, i]``, velocity_gradient ``[…, i, j]``; pairs stay within a ``flow``.
    Returns:
        both 0 where there are no pairs with a difference of velocity.
    """
    known = ["position", "velocity", "velocity_gradient", *(["flow"] if "flow" in ds.coords else [])]
    samples = [dim for dim in ds["position"].dims if dim != "i"]
    flat = ds[known].stack(point=samples, create_index=False).transpose("point", "i", "j")
    position = flat["position"].values
    flow = flat["flow"].values if "flow" in flat.coords else np.zeros(len(position))
    both = np.concatenate([_cosines(flat, cells) for cells in _places(position, flow)], axis=1)
    return (float(np.median(both[0])), float(np.median(both[1]))) if both.size else (0.0, 0.0)


def _places(position: np.ndarray, flow: np.ndarray) -> Iterator[np.ndarray]:
    """Indices of the cells around some that lie evenly in the list of cells."""
    for start in np.linspace(0, len(position) - 1, min(CENTRES, len(position)), dtype=int):
        offset = position - position[start]
        distance = np.einsum("ni,ni->n", offset, offset)
        distance[(flow != flow[start]) | ~np.isfinite(distance)] = np.inf
        near = np.argpartition(distance, min(NEAR, len(distance) - 1))[:NEAR]
        yield near[np.isfinite(distance[near])]


def _cosines(flat: xr.Dataset, cells: np.ndarray) -> np.ndarray:
    """Cosines ``[2, pair]`` of the differences of velocity with A dx and Aᵀ dx, A being the mean of the two cells."""
    count = min(NEIGHBOURS, len(cells) - 1)
    if count < 1:
        return np.zeros((2, 0))
    x, u, a = (
        flat[name].isel(point=cells).values.astype(np.float64) for name in ("position", "velocity", "velocity_gradient")
    )
    here = np.repeat(np.arange(len(cells)), count)
    there = cKDTree(x).query(x, list(range(2, count + 2)))[1].ravel()
    dx, du, mean = x[there] - x[here], u[there] - u[here], (a[there] + a[here]) / 2
    size = np.linalg.norm(du, axis=1)
    moved = size > STILL * size.max()
    sides = np.stack([np.einsum("nij,nj->ni", mean, dx), np.einsum("nji,nj->ni", mean, dx)])
    length = size * np.linalg.norm(sides, axis=2)
    product = np.einsum("sni,ni->sn", sides, du)
    return np.divide(product, length, out=np.zeros_like(product), where=length > 0)[:, moved]
