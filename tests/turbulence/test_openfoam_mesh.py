"""What follows from a polyMesh keeps the laws of geometry, whatever the dialect of its files."""

from pathlib import Path

import numpy as np
import pytest

from geodl.errors import DataFileError, NonFiniteError
from geodl.testing import assert_refused
from geodl.turbulence.openfoam.mesh import Mesh, read_mesh
from tests.turbulence import cases
from tests.turbulence.cases import Style

STYLES = [Style(), Style(zipped=True), *(Style(True, order, label) for order in "<>" for label in (4, 8))]


def hill(x: np.ndarray) -> np.ndarray:
    """A channel with a wavy floor, its lines neither straight nor at right angles."""
    along, up, across = np.moveaxis(x, -1, 0)
    floor = 0.2 * np.cos(2 * np.pi * along)
    return np.stack([along + 0.05 * np.sin(np.pi * up) * np.sin(2 * np.pi * along), up + floor * (1 - up), across], -1)


def box(counts: tuple[int, int, int] = (4, 5, 3)) -> cases.Topology:
    return cases.block([cases.graded(count, 3.0) for count in counts])


def written(folder: Path, mesh: cases.Topology, style: Style = cases.TEXT) -> Mesh:
    cases.write_mesh(folder, mesh, {}, style)
    return read_mesh(folder / "constant" / "polyMesh")


MESHES = {
    "box": box(),
    "hill": cases.block((cases.graded(6), cases.graded(7, 4), cases.graded(2)), hill),
    "prisms": cases.prisms(),
}


@pytest.mark.parametrize("mesh", MESHES.values(), ids=MESHES)
def test_the_faces_of_a_cell_close_and_the_divergence_of_its_position_is_three_volumes(mesh, tmp_path):
    found = written(tmp_path, mesh)
    np.testing.assert_allclose(found.divergence @ found.area, 0, atol=1e-15)
    position = np.einsum("fi,fi->f", found.area, found.face_centre)
    np.testing.assert_allclose(found.divergence @ position, 3 * found.volume, rtol=1e-12)


@pytest.mark.parametrize(("name", "volume"), [("box", 1.0), ("hill", 1.0), ("prisms", 0.1)])
def test_the_volumes_of_the_cells_fill_the_domain(name, volume, tmp_path):
    assert written(tmp_path, MESHES[name]).volume.sum() == pytest.approx(volume, rel=3e-2 if name == "hill" else 1e-12)


def test_centres_and_volumes_of_boxes_are_those_of_their_corners(tmp_path):
    mesh = box()
    found, (cells, faces) = written(tmp_path, mesh), cases.centres(mesh)
    np.testing.assert_allclose(found.centre, cells, rtol=1e-13)
    np.testing.assert_allclose(found.face_centre, faces, rtol=1e-13, atol=1e-15)
    steps = [np.diff(cases.graded(count, 3.0)) for count in (4, 5, 3)]
    volume = np.einsum("i,j,k->kji", *steps).ravel()
    np.testing.assert_allclose(found.volume, volume, rtol=1e-13)


def test_the_centre_of_a_pyramid_lies_a_quarter_above_its_base(tmp_path):
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, 2]], float)
    sides = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
    faces = [np.array([[3, 2, 1, 0]]), sides]
    none = np.zeros(0, int)
    found = written(tmp_path, cases.Topology(points, faces, np.zeros(5, int), none, (("all", 5),)))
    np.testing.assert_allclose(found.centre, [[0.5, 0.5, 0.5]], rtol=1e-14)
    np.testing.assert_allclose(found.volume, 2 / 3, rtol=1e-14)


@pytest.mark.parametrize("style", STYLES, ids=str)
@pytest.mark.parametrize("name", ["hill", "prisms"])
def test_every_dialect_of_a_mesh_gives_the_same_bits(style, name, tmp_path):
    straight, other = written(tmp_path / "a", MESHES[name]), written(tmp_path / "b", MESHES[name], style)
    for attribute in ("points", "corners", "offsets", "owner", "neighbour", "area", "centre", "volume"):
        np.testing.assert_array_equal(getattr(straight, attribute), getattr(other, attribute))
    assert straight.patches == other.patches


def test_points_that_moved_come_from_the_time_folder(tmp_path):
    written(tmp_path, box())
    moved = box()
    cases.put(tmp_path / "5" / "polyMesh" / "points", "vectorField", cases.listed(2 * moved.points))
    found = read_mesh(tmp_path / "5" / "polyMesh", tmp_path / "constant" / "polyMesh")
    assert found.volume.sum() == pytest.approx(8.0)


def test_empty_directions_are_found_once_each(tmp_path):
    types = dict.fromkeys(("y0", "y1", "z0", "z1"), "type empty;")
    cases.write_mesh(tmp_path, box((4, 1, 1)), types)
    normals = read_mesh(tmp_path / "constant" / "polyMesh").empty_normal
    assert sorted(map(tuple, normals)) == [(0, 0, 1), (0, 1, 0)]


def change(name: str, old: str, new: str):
    def spoil(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return spoil


BROKEN = {
    "no points": (lambda folder: (folder / "points").unlink(), ["there is no file", "points"]),
    "cut points": (lambda folder: (folder / "points").write_text((folder / "points").read_text()[:900]), ["truncated"]),
    "a point far away": (change("faces", "4(", "4(999999 "), ["truncated"]),
    "corner beyond": (change("faces", "4(1 ", "4(999999 "), ["corners beyond its 120 points"]),
    "two corners": (change("faces", "4(1 ", "1(1)\n3("), ["truncated"]),
    "owner beyond": (change("owner", "\n0\n", "\n99999\n"), ["owners beyond"]),
    "negative owner": (change("owner", "\n0\n", "\n-1\n"), ["owners beyond"]),
    "to itself": (change("neighbour", "\n1\n", "\n0\n"), ["a cell and itself"]),
    "not a label": (change("neighbour", "\n1\n", "\n1.5\n"), ["1.5", "a number is expected"]),
    "class": (change("owner", "labelList", "scalarField"), ["scalarField", "labels"]),
    "no count": (change("owner", "227", ""), ["number of entries is expected"]),
    "patch size": (change("boundary", "nFaces 15", "nFaces 16"), ["starts at face", "expected"]),
    "patch end": (
        change("boundary", "nFaces 20; startFace 207", "nFaces 19; startFace 207"),
        ["the mesh has 227 faces"],
    ),
    "patch words": (change("boundary", "nFaces 15;", ""), ["'x0' lacks"]),
    "no patches": (change("boundary", "6\n(", ""), ["line"]),
}


@pytest.mark.parametrize(("spoil", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_mesh_is_refused(spoil, words, tmp_path):
    written(tmp_path, box())
    folder = tmp_path / "constant" / "polyMesh"
    spoil(folder)
    assert_refused(DataFileError, lambda: read_mesh(folder), str(folder), *words)


def test_cells_turned_inside_out_are_refused(tmp_path):
    assert_refused(
        DataFileError, lambda: written(tmp_path, cases.block([cases.graded(2)] * 3, np.negative)), "checkMesh"
    )


def test_points_that_are_no_numbers_are_refused(tmp_path):
    mesh = box()
    mesh.points[3] = np.nan
    assert_refused(NonFiniteError, lambda: written(tmp_path, mesh), "points")
