"""OpenFOAM cases from formulas: structured hexahedra bent by a mapping, or prisms, in any dialect of the files."""

import dataclasses
import gzip
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import scipy.spatial

SIDES = ("x0", "x1", "y0", "y1", "z0", "z1")
SYMMETRIC = (0, 1, 2, 4, 5, 8)  # xx xy xz yy yz zz of nine entries
DIMENSIONS = {
    "U": "[0 1 -1 0 0 0 0]",
    "k": "[0 2 -2 0 0 0 0]",
    "p": "[0 2 -2 0 0 0 0]",
    "omega": "[0 0 -1 0 0 0 0]",
    "epsilon": "[0 2 -3 0 0 0 0]",
    "nut": "[0 2 -1 0 0 0 0]",
    "gradU": "[0 0 -1 0 0 0 0]",
    "y": "[0 1 0 0 0 0 0]",
}


@dataclasses.dataclass(frozen=True)
class Topology:
    """A mesh as OpenFOAM stores it; ``patches`` are name, number of faces."""

    points: np.ndarray
    faces: Sequence[np.ndarray]  # blocks of faces [n, corners] in their order
    owner: np.ndarray
    neighbour: np.ndarray
    patches: tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class Style:
    """A dialect: how lists and headers are written."""

    binary: bool = False
    order: str = "<"
    label: int = 4
    scalar: int = 8
    zipped: bool = False

    @property
    def header(self) -> str:
        if not self.binary:
            return "format ascii;"
        sense = "LSB" if self.order == "<" else "MSB"
        return f'format binary; arch "{sense};label={8 * self.label};scalar={8 * self.scalar}";'


TEXT = Style()


def graded(count: int, ratio: float = 1.0) -> np.ndarray:
    """Points from 0 to 1; the last interval is ``ratio`` times the first."""
    if ratio == 1.0:
        return np.linspace(0, 1, count + 1)
    steps = ratio ** (np.arange(count) / max(count - 1, 1))
    return np.concatenate([[0], np.cumsum(steps) / steps.sum()])


def block(axes: Sequence[np.ndarray], bend: Callable[[np.ndarray], np.ndarray] = lambda x: x) -> Topology:
    """Hexahedra between points along three axes, moved by ``bend`` ([..., 3] to [..., 3])."""
    ni, nj, nk = (len(axis) - 1 for axis in axes)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    label = np.arange(grid[..., 0].size).reshape(grid.shape[:3])
    cell = np.arange(ni * nj * nk).reshape(nk, nj, ni).transpose(2, 1, 0)  # x runs fastest, as in blockMesh
    quads = [_quads(label, axis) for axis in range(3)]
    inner, owner, neighbour = [], [], []
    for axis in range(3):
        inner.append(np.take(quads[axis], range(1, (ni, nj, nk)[axis]), axis).reshape(-1, 4))
        owner.append(np.delete(cell, -1, axis).ravel())
        neighbour.append(np.delete(cell, 0, axis).ravel())
    order = np.lexsort([np.concatenate(neighbour), np.concatenate(owner)])
    faces, owners = [np.concatenate(inner)[order]], [np.concatenate(owner)[order]]
    for axis in range(3):
        for end in (0, -1):
            side = np.take(quads[axis], end, axis).reshape(-1, 4)
            faces.append(side[:, ::-1] if end == 0 else side)
            owners.append(np.take(cell, end, axis).ravel())
    patches = tuple((name, len(side)) for name, side in zip(SIDES, faces[1:], strict=True))
    return Topology(bend(grid).reshape(-1, 3), faces, np.concatenate(owners), np.concatenate(neighbour)[order], patches)


def _quads(label: np.ndarray, axis: int) -> np.ndarray:
    """Corners of all faces across an axis, turned so that their normals point along it."""
    one, two = ((axis + 1) % 3, (axis + 2) % 3)

    def shifted(a: int, b: int) -> np.ndarray:
        keep = [slice(None)] * 3
        keep[one] = slice(a, label.shape[one] - 1 + a)
        keep[two] = slice(b, label.shape[two] - 1 + b)
        return label[tuple(keep)]

    return np.stack([shifted(0, 0), shifted(1, 0), shifted(1, 1), shifted(0, 1)], -1)


def prisms(seed: int = 0, count: int = 40) -> Topology:
    """One layer of triangular prisms on random points of the unit square: faces of three and of four corners."""
    rng = np.random.default_rng(seed)
    edge = np.linspace(0, 1, 6)
    rim = np.unique([(x, y) for x in edge for y in edge if x in (0, 1) or y in (0, 1)], axis=0)
    flat = np.concatenate([rim, rng.uniform(0.1, 0.9, (count, 2))])
    corners = scipy.spatial.Delaunay(flat).simplices
    a, b, c = (flat[corners[:, i]] for i in range(3))
    turned = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0] < 0
    corners[turned] = corners[turned][:, ::-1]
    sides: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    for cell, triangle in enumerate(corners):
        for p, q in zip(triangle, np.roll(triangle, -1), strict=True):
            sides.setdefault((min(p, q), max(p, q)), []).append((cell, p, q))
    n = len(flat)
    quad = {key: [both[0][1], both[0][2], both[0][2] + n, both[0][1] + n] for key, both in sides.items()}
    inner = sorted((both[0][0], both[1][0], key) for key, both in sides.items() if len(both) == 2)
    outer = [key for key, both in sides.items() if len(both) == 1]
    faces = [
        np.array([quad[key] for *_, key in inner]),
        np.array([quad[key] for key in outer]),
        corners[:, ::-1],
        corners + n,
    ]
    cells = np.arange(len(corners))
    owner = np.concatenate([[o for o, *_ in inner], [sides[key][0][0] for key in outer], cells, cells])
    points = np.concatenate([np.column_stack([flat, np.full(n, z)]) for z in (0.0, 0.1)])
    patches = (("rim", len(outer)), ("back", len(cells)), ("front", len(cells)))
    return Topology(points, faces, owner, np.array([m for _, m, _ in inner]), patches)


def centres(mesh: Topology) -> tuple[np.ndarray, np.ndarray]:
    """Means of the corners of cells and of faces: the true centres where the cells are parallelepipeds."""
    middle = np.concatenate([mesh.points[faces].mean(1) for faces in mesh.faces])
    total, touched = np.zeros((mesh.owner.max() + 1, 3)), np.zeros(mesh.owner.max() + 1)
    for cells, faces in ((mesh.owner, middle), (mesh.neighbour, middle[: len(mesh.neighbour)])):
        np.add.at(total, cells, faces)
        np.add.at(touched, cells, 1)
    return total / touched[:, None], middle


def sides(mesh: Topology, values: np.ndarray) -> dict[str, np.ndarray]:
    """Values of all faces cut into those of the patches."""
    begin, found = len(mesh.neighbour), {}
    for name, size in mesh.patches:
        found[name] = values[begin : begin + size]
        begin += size
    return found


def write_mesh(case: Path, mesh: Topology, types: Mapping[str, str], style: Style = TEXT) -> None:
    """constant/polyMesh; ``types`` gives the entries of patches, such as ``type cyclic; neighbourPatch x1;``."""
    folder = case / "constant" / "polyMesh"
    put(folder / "points", "vectorField", listed(mesh.points, style), style)
    put(folder / "owner", "labelList", listed(mesh.owner, style), style)
    put(folder / "neighbour", "labelList", listed(mesh.neighbour, style), style)
    corners = [corner for faces in mesh.faces for corner in np.ravel(faces)]
    sizes = np.concatenate([np.full(len(faces), np.shape(faces)[1]) for faces in mesh.faces if len(faces)])
    if style.binary:
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        lists = listed(offsets, style) + b"\n" + listed(np.array(corners), style)
        put(folder / "faces", "faceCompactList", lists, style)
    else:
        rows = [f"{len(row)}({' '.join(map(str, row))})" for faces in mesh.faces for row in np.asarray(faces).tolist()]
        put(folder / "faces", "faceList", f"{len(rows)}\n(\n{chr(10).join(rows)}\n)".encode(), style)
    begin, patches = len(mesh.neighbour), []
    for name, size in mesh.patches:
        patches.append(f"{name} {{ {types.get(name, 'type patch;')} nFaces {size}; startFace {begin}; }}")
        begin += size
    put(folder / "boundary", "polyBoundaryMesh", f"{len(patches)}\n(\n{chr(10).join(patches)}\n)".encode(), TEXT)


def put(path: Path, foam_class: str, body: bytes, style: Style = TEXT) -> None:
    """A file with OpenFOAM's banner and header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f"/*---*\\\n| // a banner; nu 7; |\n\\*---*/\nFoamFile\n{{ version 2.0; {style.header} class {foam_class}; "
    raw = f"{head}object {path.name}; }}\n// * * * //\n\n".encode() + body + b"\n\n// ****** //\n"
    if style.zipped:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(raw))
    else:
        path.write_bytes(raw)


def listed(values: np.ndarray, style: Style = TEXT, *, lines: bool = True) -> bytes:
    """``N ( … )`` in text, on one line or many, or in bytes."""
    values = np.asarray(values)
    if style.binary:
        size = style.scalar if values.dtype.kind == "f" else style.label
        code = f"{style.order}{values.dtype.kind}{size}"
        return f"{len(values)}\n(".encode() + values.astype(code).tobytes() + b")"
    rows = values.tolist()
    words = [f"({' '.join(map(repr, row))})" if isinstance(row, list) else repr(row) for row in rows]
    end = "\n" if lines else " "
    return f"{len(words)}{end}({end if lines else ''}{end.join(words)}{end if lines else ''})".encode()


def kind(values: np.ndarray) -> str:
    """scalar, vector, symmTensor or tensor, by the number of components."""
    return {1: "scalar", 3: "vector", 6: "symmTensor", 9: "tensor"}[values.shape[1] if values.ndim > 1 else 1]


def write_field(
    path: Path,
    values: np.ndarray,
    boundary: Mapping[str, str | np.ndarray],
    *,
    style: Style = TEXT,
    dimensions: str | None = None,
) -> None:
    """A vol…Field; a patch gets ``fixedValue`` with an array of values, or the entries that are given."""
    word = kind(values)
    parts = [f"dimensions {dimensions or DIMENSIONS[path.name]};\ninternalField nonuniform List<{word}>\n".encode()]
    parts.append(listed(values.astype(float), style) + b";\nboundaryField\n{\n")
    for name, given in boundary.items():
        entries = given.encode() if isinstance(given, str) else _fixed(word, given.astype(float), style)
        parts.append(b"    " + name.encode() + b" { " + entries + b" }\n")
    put(path, f"vol{word[0].upper()}{word[1:]}Field", b"".join(parts) + b"}\n", style)


def _fixed(word: str, values: np.ndarray, style: Style) -> bytes:
    return f"type fixedValue; value nonuniform List<{word}> ".encode() + listed(values, style) + b";"


def write_nu(case: Path, text: str = "transportModel Newtonian;\n//nu nu [0 2 -1 0 0 0 0] 9e-09;\nnu 1e-05;") -> None:
    put(case / "constant" / "transportProperties", "dictionary", text.encode())
