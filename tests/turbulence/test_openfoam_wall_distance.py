"""The distance to the walls is exact: to planes, edges and arcs, across cyclic patches, for faces of any shape."""

import numpy as np
import pytest

from geodl.turbulence.openfoam.mesh import Mesh, read_mesh
from geodl.turbulence.openfoam.wall_distance import wall_distance
from tests.turbulence import cases
from tests.turbulence.test_openfoam_mesh import hill

WALL = "type wall;"


def read(case, mesh: cases.Topology, types) -> Mesh:
    cases.write_mesh(case, mesh, types)
    return read_mesh(case / "constant" / "polyMesh")


@pytest.mark.parametrize("length", [1.0, 100.0], ids=["faces of like sides", "long faces"])
def test_in_a_duct_it_is_the_nearer_of_two_planes(length, tmp_path):
    mesh = cases.block((length * cases.graded(3), cases.graded(12, 9.0), cases.graded(11, 5.0)))
    found = read(tmp_path, mesh, {"y0": WALL, "z0": WALL})
    np.testing.assert_allclose(wall_distance(found), found.centre[:, 1:].min(1), rtol=1e-13)


def test_without_walls_there_is_none(tmp_path):
    assert wall_distance(read(tmp_path, cases.block([cases.graded(2)] * 3), {})) is None


def test_beyond_the_end_of_a_wall_the_edge_is_nearest(tmp_path):
    def tilted(x: np.ndarray) -> np.ndarray:  # the duct leans over its wall
        return np.stack([x[..., 0] + 2 * x[..., 1], x[..., 1], x[..., 2]], -1)

    found = read(tmp_path, cases.block((cases.graded(4), cases.graded(5), cases.graded(3)), tilted), {"y0": WALL})
    beyond = np.maximum(found.centre[:, 0] - 1, 0)
    np.testing.assert_allclose(wall_distance(found), np.hypot(beyond, found.centre[:, 1]), rtol=1e-13)


def test_a_wall_behind_a_cyclic_patch_is_seen(tmp_path):
    def tilted(x: np.ndarray) -> np.ndarray:
        return np.stack([x[..., 0] + 2 * x[..., 1], x[..., 1], x[..., 2]], -1)

    joined = {"x0": "type cyclic; neighbourPatch x1;", "x1": "type cyclic; neighbourPatch x0;", "y0": WALL}
    mesh = cases.block((4 * cases.graded(8), cases.graded(5), cases.graded(3)), tilted)
    found = read(tmp_path, mesh, joined)
    np.testing.assert_allclose(wall_distance(found), found.centre[:, 1], rtol=1e-13)


@pytest.mark.parametrize("layers", [1, 3])
def test_over_a_hill_it_is_that_of_all_faces_tried_one_by_one(layers, tmp_path):
    mesh = cases.block((cases.graded(30), cases.graded(20, 8.0), 0.5 * cases.graded(layers)), hill)
    found = read(tmp_path, mesh, {"y0": WALL, "y1": WALL})
    floor = hill(np.stack([cases.graded(30), np.zeros(31), np.zeros(31)], -1))[:, :2]
    start, along = floor[:-1], np.diff(floor, axis=0)
    to = found.centre[:, None, :2] - start
    share = np.clip((to * along).sum(-1) / (along**2).sum(-1), 0, 1)
    wanted = np.linalg.norm(to - share[..., None] * along, axis=-1).min(1)
    np.testing.assert_allclose(wall_distance(found), np.minimum(wanted, 1 - found.centre[:, 1]), rtol=1e-12)


def test_walls_of_triangles_are_walls(tmp_path):
    found = read(tmp_path, cases.prisms(), {"back": WALL})
    np.testing.assert_allclose(wall_distance(found), found.centre[:, 2], rtol=1e-13)
