"""Distance from cell centres to the nearest point of the walls: exact, by a tree of boxes around their triangles."""

import itertools

import numpy as np
from jaxtyping import Float

from geodl.core.progress import progress
from geodl.turbulence.openfoam.boundary import cyclic_partner
from geodl.turbulence.openfoam.mesh import Mesh

_BLOCK = 50_000  # cells at a time, which bounds the memory
_NEARER = 1 - 1e-12  # boxes as near as what was found, up to round-off, are not opened: below flat walls most are


def wall_distance(mesh: Mesh) -> Float[np.ndarray, " cell"] | None:
    """Distance in m to the faces of all patches of type wall, seen through cyclic patches; None without walls.

    Raises:
        DataFileError: a cyclic patch without its partner, or that turns.
    """
    walls = [patch.faces for patch in mesh.patches if patch.type == "wall" and patch.size]
    if not walls:
        return None
    triangles = _triangles(mesh, np.concatenate([np.arange(faces.start, faces.stop) for faces in walls]))
    tree = _Tree(np.concatenate([triangles + shift for shift in _shifts(mesh)]))
    blocks = [mesh.centre[i : i + _BLOCK] for i in range(0, len(mesh.centre), _BLOCK)]
    with progress("wall distance", len(blocks), show=len(blocks) > 1) as advance:
        found = []
        for i, block in enumerate(blocks):
            found.append(tree.distance(block))
            advance(i + 1)
    return np.concatenate(found)


def _triangles(mesh: Mesh, faces: np.ndarray) -> np.ndarray:
    """Faces cut around their centres, ``[triangle, corner, 3]``, the centre first."""
    sizes = mesh.offsets[faces + 1] - mesh.offsets[faces]
    face, begin = np.repeat(faces, sizes), np.repeat(mesh.offsets[faces], sizes)
    place = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    following = (place + 1) % np.repeat(sizes, sizes)
    here, there = (mesh.points[mesh.corners[begin + corner]] for corner in (place, following))
    return np.stack([mesh.face_centre[face], here, there], 1)


def _shifts(mesh: Mesh) -> list[np.ndarray]:
    """Where copies of the walls stand: where they are, and before and behind each pair of cyclic patches."""
    shifts = []
    for patch in mesh.patches:
        if patch.type == "cyclic" and patch.size and patch.start < (partner := cyclic_partner(mesh, patch)).start:
            shifts.append((mesh.face_centre[partner.faces] - mesh.face_centre[patch.faces]).mean(0))
    turns = itertools.product((-1, 0, 1), repeat=len(shifts))
    return [sum((n * shift for n, shift in zip(turn, shifts, strict=True)), np.zeros(3)) for turn in turns]


class _Tree:
    """Triangles in halves of halves along their widest direction: boxes around each half, and a point in its middle."""

    def __init__(self, triangles: np.ndarray):
        depth = max(len(triangles) - 1, 0).bit_length()
        triangles = triangles[np.arange(2**depth) % len(triangles)]  # some twice, so that halves are equal
        self.levels = []
        for level in range(depth + 1):
            nodes = triangles.reshape(2**level, -1, 3, 3)
            low, high, middle = nodes.min((1, 2)), nodes.max((1, 2)), nodes.mean(2)
            central = np.linalg.norm(middle - (low + high)[:, None] / 2, axis=2).argmin(1)
            self.levels.append((low, high, middle[np.arange(len(nodes)), central]))
            axis = np.argmax(high - low, 1)[:, None, None]
            order = np.argsort(np.take_along_axis(middle, axis, 2)[..., 0], 1)
            triangles = np.take_along_axis(nodes, order[..., None, None], 1).reshape(-1, 3, 3)
        self.triangles = triangles

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Down the levels, keeping for each point the halves that may be nearer than what was found so far."""
        best = np.full(len(points), np.inf)
        point, node = np.arange(len(points)), np.zeros(len(points), np.int64)
        for low, high, middle in self.levels:
            if low.shape[0] > 1:
                point, node = np.repeat(point, 2), np.stack([2 * node, 2 * node + 1], 1).ravel()
            here = points[point]
            np.minimum.at(best, point, np.linalg.norm(here - middle[node], axis=1))
            outside = np.maximum(np.maximum(low[node] - here, here - high[node]), 0)
            near = np.linalg.norm(outside, axis=1) < _NEARER * best[point]
            point, node = point[near], node[near]
        np.minimum.at(best, point, _distance(points[point], self.triangles[node]))
        return best


def _distance(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """From point n to triangle n: to its plane where the foot lies inside, else to the nearest of its edges."""
    corners = np.moveaxis(triangles, 1, 0)
    a, b, c = corners
    best = np.min([_edge_distance(points, p, q) for p, q in ((a, b), (b, c), (c, a))], 0)
    normal = np.cross(b - a, c - a)
    size = np.linalg.norm(normal, axis=1)
    inside = size > 0
    for p, q in ((a, b), (b, c), (c, a)):
        inside &= np.einsum("ni,ni->n", np.cross(q - p, points - p), normal) >= 0
    height = np.abs(np.einsum("ni,ni->n", points - a, normal)) / np.where(size > 0, size, 1)
    return np.where(inside, np.minimum(height, best), best)


def _edge_distance(points: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    along, to = q - p, points - p
    length = np.einsum("ni,ni->n", along, along)
    share = np.einsum("ni,ni->n", to, along) / np.where(length > 0, length, 1)
    return np.linalg.norm(to - np.clip(share, 0, 1)[:, None] * along, axis=1)
