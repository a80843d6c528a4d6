"""Slices of bodies that are given as STL files."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from geodl.errors import DataFileError, GeometryError, MissingPackageError
from geodl.flow.geometry.polygon import Polygon
from geodl.flow.geometry.shapes import Shape, Union, require_positive

MOST_BYTES = 256 << 20


def read_stl(path: str | Path, z: float, *, scale: float = 1.0) -> Shape:
    """The body that a horizontal plane cuts out of a closed surface, for a flow along x; its holes are filled.

    Args:
        z: height of the plane, in the units of the file.
        scale: metres per unit of the file, which does not say what its unit is: 0.001 for millimetres.
    Returns:
        A polygon, or the union of several; m.
    Raises:
        DataFileError: there is no such file, or it is larger than 256 MiB.
        GeometryError: it is no STL, its surface is not closed, crosses itself, or the plane misses it.
        MissingPackageError: trimesh is not installed.
    """
    require_positive("the scale of an STL file in m", scale)
    mesh = _mesh(Path(path))
    cut = mesh.section(plane_origin=[0, 0, z], plane_normal=[0, 0, 1])
    if cut is None:
        low, high = mesh.bounds[:, 2]
        raise GeometryError(
            f"the plane z = {z} misses the body in {path}, which reaches from z = {low:.6g} to {high:.6g}"
        )
    size = float(mesh.extents.max())
    loops = [Polygon.closed(scale * line[:, :2], tolerance=1e-6 * scale * size) for line in map(_thinned, cut.discrete)]
    outer = [loop for loop in loops if not any(_within(loop, other) for other in loops if other is not loop)]
    return outer[0] if len(outer) == 1 else Union(*outer)


def _mesh(path: Path) -> Any:
    """The closed surface in a file."""
    try:
        import trimesh
    except ImportError as error:
        raise MissingPackageError("reading STL needs the extra: pip install 'geodl[stl]'") from error
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataFileError(f"cannot read {path}: {error.strerror}") from error
    if size > MOST_BYTES:
        raise DataFileError(f"{path} has {size >> 20} MiB, at most {MOST_BYTES >> 20} are read: make the mesh coarser")
    try:
        mesh = trimesh.load_mesh(path, file_type="stl")
    except Exception as error:  # the reader raises whatever a broken file makes it run into
        raise GeometryError(f"{path} is not an STL file that can be read: {error}") from error
    if not len(mesh.faces) or not np.isfinite(mesh.vertices).all():
        raise GeometryError(f"{path} holds no surface: {len(mesh.faces)} triangles. Is it an STL file?")
    if not mesh.is_watertight:
        raise GeometryError(
            f"the surface in {path} is not closed: some edges do not join two triangles. Repair the mesh."
        )
    return mesh


def _thinned(line: np.ndarray) -> np.ndarray:
    """The line without points that come twice in a row."""
    moves = np.ptp(np.stack([line[1:], line[:-1]]), 0).max(1) > 0
    return line[np.concatenate([[True], moves])]


def _within(inner: Polygon, outer: Polygon) -> bool:
    """Whether a contour lies inside another one, which it does not cross."""
    return bool(outer.distance(torch.tensor(inner.corners[:1], dtype=torch.float64)) < 0)
