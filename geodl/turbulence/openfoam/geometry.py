"""Centres, areas and volumes of polyhedral cells, as OpenFOAM defines them: round-off apart, the same numbers."""

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int


def face_centres(
    points: Float[np.ndarray, "point 3"], corners: Int[np.ndarray, " corner"], offsets: Int[np.ndarray, " face_and_one"]
) -> tuple[Float[np.ndarray, "face 3"], Float[np.ndarray, "face 3"]]:
    """Area vectors (m2, by the right hand around the corners) and centres (m) of polygons.

    A polygon is cut into triangles around the mean of its corners; the centre weights theirs by area.
    Source: OpenFOAM, primitiveMeshFaceCentresAndAreas.C.
    """
    sizes = np.diff(offsets)
    following = np.arange(1, len(corners) + 1)
    following[offsets[1:] - 1] = offsets[:-1]
    here = points[corners]
    there = here[following]
    middle = np.add.reduceat(here, offsets[:-1]) / sizes[:, None]
    tip = np.repeat(middle, sizes, axis=0)
    normal = np.cross(there - here, tip - here) / 2
    size = np.linalg.norm(normal, axis=1)
    moment = np.add.reduceat(size[:, None] * (here + there + tip) / 3, offsets[:-1])
    total = np.add.reduceat(size, offsets[:-1])[:, None]
    centre = np.divide(moment, total, out=middle, where=total > 0)
    return np.add.reduceat(normal, offsets[:-1]), centre


def cell_centres(
    divergence: scipy.sparse.csr_matrix, area: Float[np.ndarray, "face 3"], centre: Float[np.ndarray, "face 3"]
) -> tuple[Float[np.ndarray, "cell 3"], Float[np.ndarray, " cell"]]:
    """Centres (m) and volumes (m3) of cells, cut into pyramids over their faces.

    Source: OpenFOAM, primitiveMeshCellCentresAndVols.C.
    """
    counts, faces = np.diff(divergence.indptr), divergence.indices
    cells = np.repeat(np.arange(len(counts)), counts)
    near = (abs(divergence) @ centre) / np.maximum(counts, 1)[:, None]
    height = divergence.data * np.einsum("fi,fi->f", area[faces], centre[faces] - near[cells])
    moment = height[:, None] * (3 * centre[faces] + near[cells]) / 4
    thrice, moments = (_summed(cells, values, len(counts)) for values in (height[:, None], moment))
    return np.divide(moments, thrice, out=near, where=thrice > 0), thrice[:, 0] / 3


def _summed(cells: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Sums per cell of every column."""
    return np.stack([np.bincount(cells, column, minlength=count) for column in values.T], -1)
