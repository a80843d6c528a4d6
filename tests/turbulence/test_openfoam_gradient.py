"""Gauss's theorem on the mesh: exact where it must be, of the order it has, and true to the boundary conditions."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from geodl.errors import DataFileError, SchemaError
from geodl.testing import assert_refused, observed_order
from geodl.turbulence.openfoam.field import read_field
from geodl.turbulence.openfoam.gradient import gauss_gradient, stored_gradient
from geodl.turbulence.openfoam.mesh import Mesh, read_mesh
from tests.turbulence import cases
from tests.turbulence.test_openfoam_mesh import hill

SLOPE = np.array([[0.3, -0.4, 0.2], [0.7, -0.5, 0.1], [-0.6, 0.8, 0.2]])
EMPTY = {"z0": "type empty;", "z1": "type empty;"}
SHEAR = np.array([[1, 0.4, -0.2], [0, 1, 0.3], [0, 0, 1]])


def read(case: Path) -> Mesh:
    return read_mesh(case / "constant" / "polyMesh")


def gradient(
    case: Path, mesh: cases.Topology, function, types: Mapping[str, str], entries: Mapping[str, str]
) -> tuple[np.ndarray, Mesh, list[str]]:
    """Gradient of a function of the position; patches without ``entries`` get its values."""
    cases.write_mesh(case, mesh, types)
    found = read(case)
    values = function(found.centre)
    boundary = {**cases.sides(mesh, function(found.face_centre)), **entries}
    name = "U" if values.ndim == 2 else "k"
    cases.write_field(case / "0" / name, values, boundary)
    slope, guessed = gauss_gradient(read_field(case / "0" / name, cases.kind(values)), found)
    return slope, found, guessed


def linear(x: np.ndarray) -> np.ndarray:
    return 1 + x @ SLOPE.T


def box(counts=(4, 5, 3), bend=lambda x: x) -> cases.Topology:
    return cases.block([cases.graded(count, 3.0) for count in counts], bend)


@pytest.mark.parametrize("bend", [lambda x: x, lambda x: x @ SHEAR.T], ids=["stretched", "stretched and sheared"])
def test_the_gradient_of_a_linear_field_is_exact(bend, tmp_path):
    found, _, guessed = gradient(tmp_path, box(bend=bend), linear, {}, {})
    np.testing.assert_allclose(found, np.broadcast_to(SLOPE, found.shape), atol=1e-12)
    assert guessed == []


def test_the_gradient_of_a_scalar_is_a_vector(tmp_path):
    found, *_ = gradient(tmp_path, box(), lambda x: linear(x)[:, 0], {}, {})
    np.testing.assert_allclose(found, np.broadcast_to(SLOPE[0], found.shape), atol=1e-12)


def test_on_prisms_a_constant_field_has_no_gradient(tmp_path):
    found, *_ = gradient(tmp_path, cases.prisms(), lambda x: np.ones((len(x), 3)), {}, {})
    np.testing.assert_allclose(found, 0, atol=1e-12)


def wave(x: np.ndarray) -> np.ndarray:
    return np.stack([np.sin(2 * x[:, 0]) * np.cos(3 * x[:, 1]), np.exp(x[:, 0]) * x[:, 1] ** 2, 0 * x[:, 0]], -1)


def wave_slope(x: np.ndarray) -> np.ndarray:
    along, up = x[:, 0], x[:, 1]
    slope = np.zeros((len(x), 3, 3))
    slope[:, 0, 0] = 2 * np.cos(2 * along) * np.cos(3 * up)
    slope[:, 0, 1] = -3 * np.sin(2 * along) * np.sin(3 * up)
    slope[:, 1, 0] = np.exp(along) * up**2
    slope[:, 1, 1] = 2 * np.exp(along) * up
    return slope


@pytest.mark.parametrize("bend", [lambda x: x, hill], ids=["stretched", "hill"])
def test_the_gradient_is_second_order_inside_and_first_order_beside_patches(bend, tmp_path):
    inside, beside = [], []
    for n in (16, 32, 64):
        mesh = cases.block((cases.graded(n), cases.graded(n, 4.0), np.array([0, 0.1])), bend)
        found, geometry, _ = gradient(tmp_path / str(n), mesh, wave, EMPTY, EMPTY)
        error = np.linalg.norm(found - wave_slope(geometry.centre), axis=(1, 2))
        patches = [patch.faces for patch in geometry.patches if patch.type != "empty"]
        rim = np.unique(np.concatenate([geometry.owner[faces] for faces in patches]))
        beside.append(error[rim].max())
        inside.append(np.delete(error, rim).max())
    assert observed_order(inside, [4, 2, 1])[-1] == pytest.approx(2, abs=0.1)
    assert observed_order(beside, [4, 2, 1])[-1] == pytest.approx(0.95, abs=0.2)


def test_what_a_case_of_two_dimensions_lacks_is_exactly_zero(tmp_path):
    mesh = cases.block((cases.graded(9), cases.graded(8, 4.0), np.array([0, 0.1])), hill)
    found, *_ = gradient(tmp_path, mesh, wave, EMPTY, EMPTY)
    assert (found[:, :, 2] == 0).all()
    assert (found[:, 2, :] == 0).all()


def test_across_cyclic_patches_a_wave_has_the_gradient_of_an_infinite_row(tmp_path):
    n = 12
    mesh = cases.block((cases.graded(n), cases.graded(2), cases.graded(1)))
    joined = {"x0": "type cyclic; neighbourPatch x1;", "x1": "type cyclic; neighbourPatch x0;"}

    def turning(x: np.ndarray) -> np.ndarray:
        return np.sin(2 * np.pi * x[:, 0])

    found, geometry, guessed = gradient(tmp_path, mesh, turning, joined, dict.fromkeys(("x0", "x1"), "type cyclic;"))
    wanted = np.cos(2 * np.pi * geometry.centre[:, 0]) * np.sin(2 * np.pi / n) * n  # central differences, all around
    np.testing.assert_allclose(found[:, 0], wanted, atol=1e-12)
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-12)
    assert guessed == []


def test_cells_of_unequal_size_weigh_across_cyclic_patches_as_inside(tmp_path):
    mesh = cases.block((cases.graded(6, 5.0), cases.graded(1), cases.graded(1)))
    joined = {"x0": "type cyclic; neighbourPatch x1;", "x1": "type cyclic; neighbourPatch x0;"}
    values = np.array([0.0, 0, 0, 0, 0, 6.0])
    cases.write_mesh(tmp_path, mesh, joined)
    boundary = {
        **dict.fromkeys(("x0", "x1"), "type cyclic;"),
        **dict.fromkeys(("y0", "y1", "z0", "z1"), "type zeroGradient;"),
    }
    cases.write_field(tmp_path / "0" / "k", values, boundary)
    geometry = read(tmp_path)
    first, last = geometry.volume[[0, -1]]  # also the widths, since the section is 1
    found, _ = gauss_gradient(read_field(tmp_path / "0" / "k", "scalar"), geometry)
    assert found[0, 0] == pytest.approx(-6 * first / (first + last) / first)


@pytest.mark.parametrize("condition", ["symmetry", "symmetryPlane", "slip"])
def test_a_mirror_keeps_what_is_along_it_and_stops_what_goes_through(condition, tmp_path):
    types = {"y0": f"type {condition};"} if condition != "slip" else {}
    cases.write_mesh(tmp_path, box((1, 1, 1)), types)
    sides = dict.fromkeys(cases.SIDES, "type zeroGradient;")
    cases.write_field(tmp_path / "0" / "U", np.array([[3.0, 2.0, 1.0]]), {**sides, "y0": f"type {condition};"})
    found, _ = gauss_gradient(read_field(tmp_path / "0" / "U", "vector"), read(tmp_path))
    np.testing.assert_allclose(found[0], [[0, 0, 0], [0, 2, 0], [0, 0, 0]], atol=1e-14)


def test_a_wedge_knows_that_its_flow_is_round(tmp_path):
    """U_r = −a r/2 and U_x = a x: the hoop strain U_r/r comes from the sides alone."""
    angle, a = np.deg2rad(2.5), 0.8

    def wedge(x: np.ndarray) -> np.ndarray:
        turn = angle * (2 * x[..., 2] - 1)
        return np.stack([x[..., 0], x[..., 1] * np.cos(turn), x[..., 1] * np.sin(turn)], -1)

    def flow(x: np.ndarray) -> np.ndarray:
        return np.stack([a * x[:, 0], -a / 2 * x[:, 1], -a / 2 * x[:, 2]], -1)

    sides = {"z0": "type wedge;", "z1": "type wedge;"}
    mesh = cases.block((cases.graded(3), 1 + cases.graded(4), cases.graded(1)), wedge)
    found, *_ = gradient(tmp_path, mesh, flow, sides, sides)
    np.testing.assert_allclose(found, np.broadcast_to(np.diag([a, -a / 2, -a / 2]), found.shape), atol=2e-3 * a)


CONDITIONS = {
    "noSlip": ("type noSlip;", 0.0, 0),
    "fixedValue": ("type fixedValue; value uniform (5 0 0);", 5.0, 0),
    "zeroGradient": ("type zeroGradient; value uniform (5 0 0);", 2.0, 0),
    "calculated": ("type calculated; value uniform (5 0 0);", 5.0, 0),
    "inletOutlet": ("type inletOutlet; inletValue uniform (1 0 0); value uniform (5 0 0);", 5.0, 0),
    "list": ("type fixedValue; value nonuniform List<vector> 1((5 0 0));", 5.0, 0),
    "macro": ("type fixedValue; value $internalField;", 2.0, 0),
    "unknown with a value": ("type myOwn; value uniform (5 0 0);", 5.0, 0),
    "unknown without": ("type myOwn;", 2.0, 1),
    "nothing": (None, 2.0, 1),
}


@pytest.mark.parametrize(("entries", "at_face", "guesses"), CONDITIONS.values(), ids=CONDITIONS)
@pytest.mark.parametrize("key", ["y0", '"(y0|none)"', '"y.*"', "lower"])
def test_each_condition_gives_its_value_at_the_face(entries, at_face, guesses, key, tmp_path):
    cases.write_mesh(tmp_path, box((1, 1, 1)), {"y0": "type wall; inGroups 1(lower);"})
    boundary = {name: "type zeroGradient;" for name in cases.SIDES if name != "y0"}
    boundary |= {key: entries} if entries else {}
    cases.write_field(tmp_path / "0" / "U", np.array([[2.0, 0.0, 0.0]]), boundary)
    found, guessed = gauss_gradient(read_field(tmp_path / "0" / "U", "vector"), read(tmp_path))
    assert found[0, 0, 1] == pytest.approx(2.0 - at_face)
    assert len(guessed) == guesses
    assert all(text.startswith("y0 (") for text in guessed)


def test_a_patch_without_faces_changes_nothing(tmp_path):
    mesh = box()
    more = cases.Topology(mesh.points, mesh.faces, mesh.owner, mesh.neighbour, (*mesh.patches, ("none", 0)))
    entries = {"none": "type fixedValue; value nonuniform 0();"}
    np.testing.assert_array_equal(
        gradient(tmp_path / "a", more, linear, {}, entries)[0], gradient(tmp_path / "b", mesh, linear, {}, {})[0]
    )


def broken(case: Path, types: Mapping[str, str], entries: str):
    cases.write_mesh(case, box((1, 1, 1)), types)
    cases.write_field(case / "0" / "U", np.ones((1, 3)), dict.fromkeys(cases.SIDES, entries))
    return lambda: gauss_gradient(read_field(case / "0" / "U", "vector"), read(case))


def test_values_that_do_not_fit_their_patch_are_refused(tmp_path):
    call = broken(tmp_path, {}, "type fixedValue; value nonuniform List<vector> 2((1 0 0) (1 0 0));")
    assert_refused(DataFileError, call, "x0", "2 entries", "1 faces")


@pytest.mark.parametrize("partner", ["", "neighbourPatch gone;", "neighbourPatch y0;"])
def test_a_cyclic_patch_without_its_partner_is_refused(partner, tmp_path):
    call = broken(tmp_path, {"x0": f"type cyclic; {partner}"}, "type cyclic;")
    assert_refused(DataFileError, call, "cyclic patch 'x0'")


def test_another_number_of_cells_is_refused(tmp_path):
    cases.write_mesh(tmp_path, box(), {})
    cases.write_field(tmp_path / "0" / "U", np.ones((59, 3)), dict.fromkeys(cases.SIDES, "type zeroGradient;"))
    call = lambda: gauss_gradient(read_field(tmp_path / "0" / "U", "vector"), read(tmp_path))  # noqa: E731
    assert_refused(DataFileError, call, "59 cells", "60")


def test_a_stored_gradient_is_transposed():
    own = np.random.default_rng(0).standard_normal((9, 3, 3))
    found, warnings = stored_gradient(own.swapaxes(1, 2), own, "gradU")
    np.testing.assert_array_equal(found, own)
    assert warnings == []


def test_a_stored_gradient_in_the_other_order_is_refused():
    own = np.random.default_rng(0).standard_normal((9, 3, 3))
    assert_refused(SchemaError, lambda: stored_gradient(own, own, "gradU"), "gradU", "Transpose", "dU_i/dx_j")


def test_a_stored_gradient_that_differs_or_cannot_be_checked_is_said():
    own = np.random.default_rng(0).standard_normal((9, 3, 3))
    assert "20.0%" in stored_gradient(1.2 * own.swapaxes(1, 2), own, "gradU")[1][0]
    assert "no mesh" in stored_gradient(own, None, "gradU")[1][0]


def test_a_stored_gradient_that_is_symmetric_has_no_order():
    own = np.random.default_rng(0).standard_normal((9, 3, 3))
    own = own + own.swapaxes(1, 2)
    assert stored_gradient(own * (1 + 1e-12), own, "gradU")[1] == []
