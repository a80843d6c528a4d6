"""The polyMesh of a case: faces between cells, patches, and what follows from them: areas, centres, volumes."""

import dataclasses
import functools
import re
from pathlib import Path

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from geodl.errors import DataFileError, NonFiniteError
from geodl.turbulence.openfoam.cursor import Cursor, open_foam
from geodl.turbulence.openfoam.dictionary import LIST, Entries, read_dictionary
from geodl.turbulence.openfoam.geometry import cell_centres, face_centres
from geodl.turbulence.openfoam.number_list import is_count, kind_of, numbers, read_list, read_text

_FACE = re.compile(rb"(\d+)\s*\(")


@dataclasses.dataclass(frozen=True)
class Patch:
    """Faces ``start`` to ``start + size`` of the mesh; ``entries`` as in polyMesh/boundary."""

    name: str
    type: str
    start: int
    size: int
    entries: Entries

    @property
    def faces(self) -> slice:
        return slice(self.start, self.start + self.size)


@dataclasses.dataclass(frozen=True)
class Mesh:
    """Lengths in m. The corners of face f are ``corners[offsets[f]:offsets[f + 1]]``, indices of ``points``.

    Inner faces come first; their area vectors point from ``owner`` to ``neighbour``, those of patches outwards.
    """

    points: Float[np.ndarray, "point 3"]
    corners: Int[np.ndarray, " corner"]
    offsets: Int[np.ndarray, " face_and_one"]
    owner: Int[np.ndarray, " face"]
    neighbour: Int[np.ndarray, " inner"]
    patches: tuple[Patch, ...]
    area: Float[np.ndarray, "face 3"]
    face_centre: Float[np.ndarray, "face 3"]
    centre: Float[np.ndarray, "cell 3"]
    volume: Float[np.ndarray, " cell"]

    @functools.cached_property
    def divergence(self) -> scipy.sparse.csr_matrix:
        """Sum over the faces of a cell of what leaves through them, ``[cell, face]``."""
        return divergence(self.owner, self.neighbour, len(self.volume))

    @functools.cached_property
    def empty_normal(self) -> Float[np.ndarray, "direction 3"]:
        """Unit normals of the directions that a case of fewer dimensions does not have."""
        found: dict[tuple[float, ...], np.ndarray] = {}
        for patch in self.patches:
            if patch.type == "empty" and patch.size:
                area = self.area[patch.start]
                normal = np.abs(np.round(area / np.linalg.norm(area), 9))
                found[tuple(normal)] = normal
        return np.array(list(found.values())).reshape(-1, 3)


def divergence(owner: np.ndarray, neighbour: np.ndarray, cells: int) -> scipy.sparse.csr_matrix:
    """+1 where a face leaves its owner, −1 where it enters its neighbour, ``[cell, face]``."""
    faces, inner = len(owner), len(neighbour)
    rows, columns = np.concatenate([owner, neighbour]), np.concatenate([np.arange(faces), np.arange(inner)])
    signs = np.concatenate([np.ones(faces), -np.ones(inner)])
    return scipy.sparse.csr_matrix((signs, (rows, columns)), shape=(cells, faces))


def read_mesh(*folders: Path) -> Mesh:
    """The mesh of a polyMesh folder; a file that an earlier folder lacks (a mesh that moves) comes from a later one.

    Raises:
        DataFileError: a file is missing or truncated, or indices do not fit together.
        NonFiniteError: points that are not numbers.
    """
    points = _array(_open(folders, "points"), "vector").reshape(-1, 3)
    corners, offsets = _read_faces(_open(folders, "faces"))
    owner, neighbour = (_array(_open(folders, name), "label") for name in ("owner", "neighbour"))
    _check(folders[-1], points, (corners, offsets), (owner, neighbour))
    cells = int(owner.max()) + 1
    with np.errstate(over="ignore", invalid="ignore"):  # points that are far away show in the volumes
        area, face_centre = face_centres(points, corners, offsets)
        centre, volume = cell_centres(divergence(owner, neighbour, cells), area, face_centre)
    sound = (volume > 0) & np.isfinite(volume)
    if not sound.all():
        raise DataFileError(
            f"{folders[-1]} has {int((~sound).sum())} cells without a positive volume, the first is cell "
            f"{int(np.argmin(sound))}. Run checkMesh."
        )
    patches = _read_patches(_path(folders, "boundary"), len(neighbour), len(owner))
    return Mesh(points, corners, offsets, owner, neighbour, patches, area, face_centre, centre, volume)


def _path(folders: tuple[Path, ...], name: str) -> Path:
    candidates = [folder / (name + end) for folder in folders for end in ("", ".gz")]
    return next((path for path in candidates if path.is_file()), folders[-1] / name)


def _open(folders: tuple[Path, ...], name: str) -> Cursor:
    return open_foam(_path(folders, name))


def _array(cursor: Cursor, kind: str) -> np.ndarray:
    """The one list of a file."""
    found = kind_of(cursor.foam_class)
    if cursor.foam_class and found != kind:
        raise cursor.refused(f"the header has class {cursor.foam_class}, expected a list of {kind}s")
    return _counted(cursor, kind)


def _counted(cursor: Cursor, kind: str) -> np.ndarray:
    return read_list(cursor, kind, _count(cursor))


def _count(cursor: Cursor) -> int:
    token = cursor.next()
    if not is_count(token):
        raise cursor.refused(f"the number of entries is expected, {token or 'the end of the file'!r} came")
    return int(token)


def _read_faces(cursor: Cursor) -> tuple[np.ndarray, np.ndarray]:
    """Corners of all faces one after the other, and where each face begins."""
    if cursor.foam_class == "faceCompactList":
        offsets = _counted(cursor, "label")
        return _counted(cursor, "label"), offsets
    count = _count(cursor)
    text = read_text(cursor, count)
    sizes = np.array(_FACE.findall(text), dtype=np.int64)
    values = numbers(cursor, text, np.int64)
    if len(sizes) != count or len(values) != count + sizes.sum():
        raise cursor.refused(f"the list is truncated: {len(sizes)} of {count} faces, {len(values)} numbers came")
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    return np.delete(values, offsets[:-1] + np.arange(count)), offsets


def _check(
    folder: Path, points: np.ndarray, faces: tuple[np.ndarray, np.ndarray], cells: tuple[np.ndarray, np.ndarray]
) -> None:
    (corners, offsets), (owner, neighbour) = faces, cells
    if not np.isfinite(points).all():
        raise NonFiniteError(f"{folder}/points holds values that are NaN or infinite: write the mesh again")
    sizes = np.diff(offsets)
    broken = {
        "no face": not len(sizes),
        "faces with fewer than three corners": bool((sizes < 3).any()),
        "offsets of faces that do not fit their corners": not len(offsets)
        or offsets[0] != 0
        or offsets[-1] != len(corners),
        f"corners beyond its {len(points)} points": _beyond(corners, len(points)),
        f"{len(owner)} owners for {len(sizes)} faces": len(owner) != len(sizes),
        f"{len(neighbour)} neighbours for {len(owner)} faces": len(neighbour) > len(owner),
        "owners beyond its faces": _beyond(owner, len(owner)),  # a cell has more than one face
        "neighbours beyond its owners": _beyond(neighbour, int(owner.max(initial=0)) + 1),
        "faces between a cell and itself": bool((owner[: len(neighbour)] == neighbour[: len(owner)]).any()),
    }
    for what, is_so in broken.items():
        if is_so:
            raise DataFileError(f"{folder} has {what}: its files do not belong together, or one was changed")


def _beyond(labels: np.ndarray, size: int) -> bool:
    return bool(((labels < 0) | (labels >= size)).any())


def _read_patches(path: Path, inner: int, faces: int) -> tuple[Patch, ...]:
    items = read_dictionary(path).entries.get(LIST, [[]])[0]
    if not isinstance(items, list) or len(items) % 2:
        raise DataFileError(f"{path} holds no list of patches: N ( name {{ type …; nFaces …; startFace …; }} … )")
    patches = tuple(_patch(path, name, entries) for name, entries in zip(items[::2], items[1::2], strict=True))
    start = inner
    for patch in sorted(patches, key=lambda patch: patch.start):
        if patch.start != start:
            raise DataFileError(f"{path}: patch '{patch.name}' starts at face {patch.start}, expected {start}")
        start += patch.size
    if start != faces:
        raise DataFileError(f"{path}: the patches end at face {start}, the mesh has {faces} faces")
    return patches


def _patch(path: Path, name: object, entries: object) -> Patch:
    try:
        assert isinstance(entries, dict)
        start, size = int(entries["startFace"][0]), int(entries["nFaces"][0])
        return Patch(str(name), str(entries["type"][0]), start, size, entries)
    except (AssertionError, KeyError, IndexError, ValueError, TypeError) as error:
        raise DataFileError(f"{path}: patch {name!r} lacks type, nFaces or startFace") from error
