"""Slices of STL files, and files that are none."""

from pathlib import Path

import numpy as np
import pytest
import torch

from geodl.errors import DataFileError, GeometryError, MissingPackageError
from geodl.flow.geometry.shapes import Union
from geodl.flow.geometry.stl import read_stl
from geodl.testing import assert_refused

trimesh = pytest.importorskip("trimesh")


@pytest.fixture
def cylinder(tmp_path: Path) -> Path:
    """Radius 2, from z = -2 to 2."""
    path = tmp_path / "cylinder.stl"
    trimesh.creation.cylinder(radius=2.0, height=4.0, sections=128).export(path)
    return path


def test_a_slice_of_a_cylinder_is_a_circle_in_metres(cylinder):
    shape = read_stl(cylinder, 0.5, scale=0.1)
    angles = torch.arange(0, 6.28, 0.1, dtype=torch.float64)
    circle = 0.2 * torch.stack([angles.cos(), angles.sin()], -1)
    assert float(shape.distance(circle).abs().max()) < 0.2 * (1 - np.cos(np.pi / 128)) + 1e-8  # the sagitta
    assert shape.bounds() == pytest.approx((-0.2, -0.2, 0.2, 0.2), abs=1e-7)


def test_text_and_binary_files_give_the_same_body(cylinder, tmp_path):
    trimesh.load_mesh(cylinder).export(tmp_path / "text.stl", file_type="stl_ascii")
    assert read_stl(tmp_path / "text.stl", 0.5).bounds() == pytest.approx(read_stl(cylinder, 0.5).bounds(), abs=1e-6)


def test_two_bodies_are_a_union_and_a_hole_is_filled(tmp_path):
    box = trimesh.creation.box((1, 1, 1))
    tube = trimesh.creation.annulus(1.0, 2.0, 1.0)
    trimesh.util.concatenate([box.apply_translation((5, 0, 0)), tube]).export(tmp_path / "both.stl")
    shape = read_stl(tmp_path / "both.stl", 0.1)
    assert isinstance(shape, Union)
    assert len(shape.shapes) == 2
    inside = torch.tensor([[0.0, 0.0], [5.0, 0.0], [3.0, 0.0]], dtype=torch.float64)
    assert (shape.distance(inside) < 0).tolist() == [True, True, False]


def test_a_plane_that_misses_the_body_is_refused(cylinder):
    assert_refused(GeometryError, lambda: read_stl(cylinder, 9.0), "misses", "-2 to 2")


def test_malformed_files_are_refused(cylinder, tmp_path):
    contents = {
        "text": b"no surface at all " * 10, "cut": cylinder.read_bytes()[:500], "none": b"",
        "count": cylinder.read_bytes()[:80] + b"\xff\xff\xff\xff" + cylinder.read_bytes()[84:],
        "nan": cylinder.read_bytes()[:84] + b"\xff" * 50 * 40,
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        assert_refused(GeometryError, lambda path=tmp_path / name: read_stl(path, 0.0), name)


def test_an_open_surface_is_refused(tmp_path):
    box = trimesh.creation.box((1, 1, 1))
    box.update_faces(np.arange(12) > 0)
    box.export(tmp_path / "open.stl")
    assert_refused(GeometryError, lambda: read_stl(tmp_path / "open.stl", 0.1), "not closed")


def test_a_missing_file_and_a_scale_that_is_none_are_refused(cylinder, tmp_path):
    assert_refused(DataFileError, lambda: read_stl(tmp_path / "nowhere.stl", 0.0), "nowhere.stl")
    assert_refused(GeometryError, lambda: read_stl(cylinder, 0.0, scale=0.0), "scale")


def test_without_trimesh_the_extra_is_named(cylinder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "trimesh", None)
    assert_refused(MissingPackageError, lambda: read_stl(cylinder, 0.0), "geodl[stl]")
