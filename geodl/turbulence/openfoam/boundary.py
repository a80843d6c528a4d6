"""Values of a field on the faces of the patches, from its boundary conditions."""

import re
from collections.abc import Callable

import numpy as np

from geodl.errors import DataFileError
from geodl.turbulence.openfoam.dictionary import Entries, values_of
from geodl.turbulence.openfoam.field import SHAPES, Field, as_kind
from geodl.turbulence.openfoam.mesh import Mesh, Patch

CONSTRAINTS = ("empty", "wedge", "cyclic", "cyclicAMI", "cyclicACMI", "symmetry", "symmetryPlane", "processor")
_LIKE_THE_CELL = ("zeroGradient", "empty")
_MIRRORS = ("symmetry", "symmetryPlane", "slip", "basicSymmetry")


def patch_values(field: Field, mesh: Mesh, cells: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Values on the patch faces, ``[face − inner, component]``, and the patches whose condition had to be guessed.

    Args:
        cells: scalars ``[cell]`` or vectors ``[cell, 3]`` of the field.

    Where a condition is not known its ``value`` counts; where it has none, the value of the cell.

    Raises:
        DataFileError: a value of another size than its patch, or a cyclic patch without its partner or that turns.
    """
    inner = len(mesh.neighbour)
    values, guessed = cells[mesh.owner[inner:]].copy(), []
    for patch in mesh.patches:
        if not patch.size:
            continue
        entries = _condition(field.boundary, patch)
        found = _on_patch(field, mesh, patch, cells, entries)
        if found is None:
            guessed.append(f"{patch.name} ({_word(entries, 'type') or 'no condition'})")
        else:
            values[patch.start - inner : patch.start - inner + patch.size] = found
    return values, guessed


def _condition(boundary: Entries, patch: Patch) -> Entries:
    """Entries for a patch: by its name, by a group that it is in, by a pattern (the last one counts), by its type."""
    groups = [str(name) for item in patch.entries.get("inGroups", []) for name in item if isinstance(item, list)]
    patterns = [key for key in reversed(boundary) if key.startswith('"') and _fits(key.strip('"'), patch.name)]
    for key in (patch.name, f'"{patch.name}"', *groups, *patterns):
        if isinstance(boundary.get(key), dict):
            return boundary[key]
    return {"type": [patch.type]} if patch.type in CONSTRAINTS else {}


def _fits(pattern: str, name: str) -> bool:
    try:
        return re.fullmatch(pattern, name) is not None
    except re.error:
        return False


def _on_patch(field: Field, mesh: Mesh, patch: Patch, cells: np.ndarray, entries: Entries) -> np.ndarray | None:
    """Values on a patch; None where nothing says what they are."""
    kind, beside = _word(entries, "type"), cells[mesh.owner[patch.faces]]
    if kind in _LIKE_THE_CELL:
        return beside
    if kind == "noSlip":
        return np.zeros_like(beside)
    if kind in _SPECIAL:
        return _SPECIAL[kind](mesh, patch, cells)
    if "value" in entries:
        return _given(field, patch, entries["value"])
    return None


def _word(entries: Entries, key: str) -> str:
    items = entries.get(key, [])
    return str(items[0]) if isinstance(items, list) and items else ""


def _given(field: Field, patch: Patch, items: object) -> np.ndarray:
    what = f"'value' of patch '{patch.name}' in {field.path}"
    values = as_kind(values_of(items) if isinstance(items, list) else None, field.kind, what)
    if values.ndim > len(SHAPES[field.kind]) and len(values) != patch.size:
        raise DataFileError(f"{what} has {len(values)} entries, the patch has {patch.size} faces")
    return values


def _normals(mesh: Mesh, patch: Patch) -> np.ndarray:
    area = mesh.area[patch.faces]
    return area / np.maximum(np.linalg.norm(area, axis=1, keepdims=True), np.finfo(float).tiny)


def _mirrored(mesh: Mesh, patch: Patch, cells: np.ndarray) -> np.ndarray:
    """What a mirror leaves: scalars as they are, vectors without their normal part."""
    beside, normal = cells[mesh.owner[patch.faces]], _normals(mesh, patch)
    if beside.ndim == 1:
        return beside
    return beside - np.einsum("fi,fi->f", beside, normal)[:, None] * normal


def _cyclic(mesh: Mesh, patch: Patch, cells: np.ndarray) -> np.ndarray:
    """Linear between the cell and the one behind the partner face."""
    partner = cyclic_partner(mesh, patch)
    near, far = cells[mesh.owner[patch.faces]], cells[mesh.owner[partner.faces]]
    here, there = (_depth(mesh, side) for side in (patch, partner))
    weight = (there / (here + there)).reshape(-1, *[1] * (cells.ndim - 1))
    return weight * near + (1 - weight) * far


def cyclic_partner(mesh: Mesh, patch: Patch) -> Patch:
    """The patch that a cyclic one is joined to.

    Raises:
        DataFileError: it is not there, has other faces, or is turned rather than shifted.
    """
    name = _word(patch.entries, "neighbourPatch")
    partner = next((other for other in mesh.patches if other.name == name), None)
    if partner is None or partner.size != patch.size:
        raise DataFileError(f"the cyclic patch '{patch.name}' has no partner {name!r} of {patch.size} faces")
    misfit = np.abs(mesh.area[patch.faces] + mesh.area[partner.faces]).max()
    if misfit > 1e-3 * np.abs(mesh.area[patch.faces]).max():
        raise DataFileError(f"the cyclic patch '{patch.name}' is turned against '{name}': only shifts are read")
    return partner


def _depth(mesh: Mesh, patch: Patch) -> np.ndarray:
    """Distance of the cells from the planes of their faces."""
    inside = mesh.face_centre[patch.faces] - mesh.centre[mesh.owner[patch.faces]]
    return np.einsum("fi,fi->f", inside, _normals(mesh, patch))


def _wedge(mesh: Mesh, patch: Patch, cells: np.ndarray) -> np.ndarray:
    """Vectors turned from the middle plane of the wedge to its side.

    Source: OpenFOAM, wedgeFvPatchField.C and transform.H (rotationTensor).
    """
    beside, side = cells[mesh.owner[patch.faces]], _normals(mesh, patch).mean(0)
    if beside.ndim == 1:
        return beside
    side /= np.linalg.norm(side)
    middle = np.sign(side) * np.maximum(np.abs(side) - 0.5, 0)  # the axis that the middle plane is normal to
    middle /= np.linalg.norm(middle)
    cosine, axis = middle @ side, np.cross(middle, side)
    turn = cosine * np.eye(3) + np.outer(side, middle) - np.outer(middle, side) + np.outer(axis, axis) / (1 + cosine)
    return beside @ turn.T


_SPECIAL: dict[str, Callable[[Mesh, Patch, np.ndarray], np.ndarray]] = {
    **dict.fromkeys(_MIRRORS, _mirrored),
    "cyclic": _cyclic,
    "wedge": _wedge,
}
