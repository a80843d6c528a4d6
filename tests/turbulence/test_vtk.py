"""VTK files give the layout of a case; a stub stands for PyVista where it is not installed."""

import sys
import types

import numpy as np
import pytest

from geodl.errors import DataFileError, MissingPackageError, NonFiniteError, SchemaError
from geodl.testing import assert_refused
from geodl.turbulence.openfoam.vtk import read_vtk

SLOPE = np.array([[0.3, -0.4, 0.2], [0.7, -0.5, 0.1], [-0.6, 0.8, 0.2]])
CELLS = 4


class Mesh:
    """What PyVista offers of a mesh, as far as it is used: one unit cube beside the other."""

    def __init__(self, **arrays: np.ndarray):
        self.cell_data, self.point_data, self.n_cells = arrays, {}, CELLS
        self.points = np.arange(3.0 * CELLS).reshape(CELLS, 3)

    def cell_centers(self) -> "Mesh":
        return self

    def compute_cell_sizes(self) -> "Mesh":
        return Mesh(Volume=-np.ones(CELLS))

    def cell_data_to_point_data(self) -> "Mesh":
        return self

    def compute_derivative(self, **options: object) -> "Mesh":
        assert options == {"scalars": "U", "gradient": "dU", "preference": "point"}
        return self

    def point_data_to_cell_data(self) -> "Mesh":
        return Mesh(dU=np.tile(SLOPE.ravel(), (CELLS, 1)))


class Blocks(dict):
    pass


@pytest.fixture
def read(monkeypatch, tmp_path):
    """``read_vtk`` on a file that the stub takes for ``mesh``."""

    def reading(mesh: object):
        stub = types.ModuleType("pyvista")
        stub.MultiBlock = Blocks
        stub.read = lambda path: mesh if not isinstance(mesh, Exception) else (_ for _ in ()).throw(mesh)
        monkeypatch.setitem(sys.modules, "pyvista", stub)
        (tmp_path / "hill.vtu").touch()
        return read_vtk(tmp_path / "hill.vtu")

    return reading


U = np.ones((CELLS, 3))
SIX = np.tile([1.0, 4, 6, 2, 5, 3], (CELLS, 1))  # VTK: xx yy zz xy yz xz


def test_arrays_of_a_file_become_variables(read):
    ds = read(Mesh(U=U, k=np.ones((CELLS, 1)), tauLES=SIX, gradU=np.tile(SLOPE.T.ravel(), (CELLS, 1))))
    np.testing.assert_array_equal(ds.velocity_gradient[0], SLOPE)
    np.testing.assert_array_equal(ds.reynolds_stress[0], [[1, 2, 3], [2, 4, 5], [3, 5, 6]])
    assert ds.k.dims == ("cell",)
    assert ds.k.attrs["units"] == "m2 s-2"
    np.testing.assert_array_equal(ds.volume, 1)
    assert ds.position.shape == (CELLS, 3)
    assert set(ds.flow.values) == {"hill"}
    assert "nu is left out" in ds.attrs["warnings"]


def test_without_a_gradient_vtk_differentiates(read):
    ds = read(Mesh(U=U))
    np.testing.assert_array_equal(ds.velocity_gradient[0], SLOPE)
    assert "less accurate" in ds.attrs["warnings"]


def test_the_cells_are_found_among_blocks(read):
    assert read(Blocks(internal=Mesh(U=U), boundary=None)).sizes["cell"] == CELLS


empty = Mesh(U=U)
empty.n_cells = 0
REFUSED = {
    "no U": (Mesh(u=U), SchemaError, ["no U", "'u'"]),
    "width": (Mesh(U=U[:, :2]), SchemaError, ["'U' has 2 components", "vector"]),
    "nan": (Mesh(U=U * np.nan), NonFiniteError, ["'U' holds 12"]),
    "order": (Mesh(U=U, gradU=np.tile(SLOPE.ravel(), (CELLS, 1))), SchemaError, ["gradU", "Transpose"]),
    "no cells": (empty, DataFileError, ["no cells"]),
    "no VTK": (OSError("bad magic"), DataFileError, ["bad magic"]),
    "blocks": (Blocks(boundary=None), DataFileError, ["boundary", "internal"]),
}


@pytest.mark.parametrize(("mesh", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused(mesh, error, words, read):
    assert_refused(error, lambda: read(mesh), *words)


def test_without_the_package_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyvista", None)
    assert_refused(MissingPackageError, lambda: read_vtk(tmp_path / "a.vtk"), "geodl[vtk]")


def test_a_file_that_is_not_there_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyvista", types.ModuleType("pyvista"))
    assert_refused(DataFileError, lambda: read_vtk(tmp_path / "a.vtk"), "there is no file")


@pytest.mark.parametrize("end", ["vtu", "vtk"])
def test_a_file_of_vtk_itself_is_read(end, tmp_path):
    pyvista = pytest.importorskip("pyvista")
    mesh = pyvista.ImageData(dimensions=(4, 5, 6), spacing=(0.1, 0.2, 0.3)).cast_to_unstructured_grid()
    mesh.cell_data["U"] = np.asarray(mesh.cell_centers().points) @ SLOPE.T
    mesh.point_data["U"] = np.asarray(mesh.points) @ SLOPE.T
    mesh.save(tmp_path / f"box.{end}")
    ds = read_vtk(tmp_path / f"box.{end}")
    np.testing.assert_allclose(ds.velocity_gradient, np.broadcast_to(SLOPE, (60, 3, 3)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ds.velocity, ds.position.values @ SLOPE.T, atol=1e-6)
    np.testing.assert_allclose(ds.volume, 0.006, rtol=1e-5)
