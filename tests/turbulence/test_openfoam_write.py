"""What is written is read again to the bit, with patches that OpenFOAM accepts, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from geodl.errors import DataFileError, NonFiniteError, OutputError, SchemaError, UnitsError
from geodl.testing import assert_refused
from geodl.turbulence.openfoam.dictionary import read_dictionary
from geodl.turbulence.openfoam.field import SYMMETRIC, read_field
from geodl.turbulence.openfoam.write import write_openfoam
from tests.turbulence import cases

CELLS = 24
TYPES = {
    "x0": "type cyclic; neighbourPatch x1;",
    "x1": "type cyclic; neighbourPatch x0;",
    "y0": "type wall;",
    "z0": "type empty;",
    "z1": "type symmetryPlane;",
}
FILES = {
    "anisotropy": ("anisotropy", "symmTensor", [0, 0, 0, 0, 0, 0, 0]),
    "k_corrected": ("kCorrected", "scalar", [0, 2, -2, 0, 0, 0, 0]),
    "eddy_viscosity_implicit": ("nutImplicit", "scalar", [0, 2, -1, 0, 0, 0, 0]),
    "stress_remainder": ("stressRemainder", "symmTensor", [0, 2, -2, 0, 0, 0, 0]),
    "in_domain": ("inDomain", "scalar", [0, 0, 0, 0, 0, 0, 0]),
}


@pytest.fixture
def case(tmp_path) -> Path:
    mesh = cases.block((cases.graded(2), cases.graded(3), cases.graded(4)))
    mesh = cases.Topology(mesh.points, mesh.faces, mesh.owner, mesh.neighbour, (*mesh.patches, ("none", 0)))
    cases.write_mesh(tmp_path, mesh, TYPES)
    (tmp_path / "100").mkdir()
    return tmp_path


@pytest.fixture
def ds() -> xr.Dataset:
    rng = np.random.default_rng(0)
    tensor = rng.standard_normal((CELLS, 3, 3)) * 10.0 ** rng.integers(-200, 200, (CELLS, 1, 1))
    tensor, dims = tensor + tensor.swapaxes(1, 2), ("cell", "i", "j")
    return xr.Dataset(
        {
            "anisotropy": (dims, tensor, {"units": "1"}),
            "stress_remainder": (dims, 2 * tensor, {"units": "m2 s-2"}),
            "k_corrected": ("cell", rng.uniform(size=CELLS), {"units": "m2 s-2"}),
            "eddy_viscosity_implicit": ("cell", rng.uniform(size=CELLS), {"units": "m2 s-1"}),
            "in_domain": ("cell", rng.uniform(size=CELLS) > 0.5),
        },
        coords={"i": ["x", "y", "z"], "j": ["x", "y", "z"]},
    )


@pytest.mark.parametrize("binary", [False, True], ids=["text", "bytes"])
def test_what_is_written_is_read_again_to_the_bit(binary, case, ds):
    paths = write_openfoam(case, ds, binary=binary)
    assert [path.name for path in paths] == [file for file, *_ in FILES.values()]
    for name, (file, kind, dimensions) in FILES.items():
        field = read_field(case / "100" / file, kind)
        assert field.dimensions == tuple(dimensions)
        values = field.on(CELLS)[:, SYMMETRIC] if kind == "symmTensor" else field.on(CELLS)
        np.testing.assert_array_equal(values, ds[name].values)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "bytes"])
def test_constrained_patches_keep_their_type_and_others_get_values(binary, case, ds):
    write_openfoam(case, ds, binary=binary)
    for file, kind, _ in FILES.values():
        patches = read_field(case / "100" / file, kind).boundary
        words = {"x0": "cyclic", "x1": "cyclic", "z0": "empty", "z1": "symmetryPlane"}
        assert {name: patches[name]["type"] for name in words} == {name: [word] for name, word in words.items()}
        assert all("value" not in patches[name] for name in words)
        for name in ("y0", "y1", "none"):
            assert patches[name]["type"] == ["calculated"]
        assert len(patches["y1"]["value"][1]) == 8
        assert len(patches["none"]["value"][1]) == 0
    assert read_field(case / "100" / "kCorrected", "scalar").boundary["y0"]["value"] == ["uniform", "0"]
    assert len(read_field(case / "100" / "anisotropy", "symmTensor").boundary["y0"]["value"][1]) == 8


def test_the_header_names_class_time_and_object(case, ds):
    write_openfoam(case, ds[["anisotropy"]])
    text = (case / "100" / "anisotropy").read_text()
    assert read_dictionary(case / "100" / "anisotropy").foam_class == "volSymmTensorField"
    assert all(words in text for words in ('location    "100";', "object      anisotropy;", "format      ascii;"))


def test_only_what_is_there_is_written_and_nothing_twice(case, ds):
    write_openfoam(case, ds[["k_corrected"]], 100)
    assert [path.name for path in (case / "100").iterdir()] == ["kCorrected"]
    before = (case / "100" / "kCorrected").read_bytes()
    assert_refused(OutputError, lambda: write_openfoam(case, ds), "kCorrected", "overwrite=True")
    assert [path.name for path in (case / "100").iterdir()] == ["kCorrected"], "nothing is written before all may be"
    assert (case / "100" / "kCorrected").read_bytes() == before
    write_openfoam(case, ds, overwrite=True)
    assert {path.name for path in (case / "100").iterdir()} == {file for file, *_ in FILES.values()}


def test_single_precision_and_other_units_are_converted(case, ds):
    single = ds[["k_corrected"]].astype(np.float32)
    single["k_corrected"] = single.k_corrected.assign_attrs(units="cm2 s-2")
    write_openfoam(case, single)
    field = read_field(case / "100" / "kCorrected", "scalar")
    np.testing.assert_allclose(field.on(CELLS), ds.k_corrected * 1e-4, rtol=1e-6)


def skew(ds: xr.Dataset) -> xr.Dataset:
    ds["anisotropy"].values[3, 0, 1] += 2 * np.abs(ds.anisotropy).max().item()
    return ds


REFUSED = {
    "nothing": (lambda ds: ds[[]].assign(velocity=("cell", np.ones(CELLS))), SchemaError, ["none of", "anisotropy"]),
    "cells": (lambda ds: ds.isel(cell=slice(7)), SchemaError, ["7", "24 cells"]),
    "skew": (skew, SchemaError, ["anisotropy", "not symmetric"]),
    "no units": (lambda ds: ds.assign(k_corrected=ds.k_corrected.drop_attrs()), UnitsError, ["k_corrected", "m2 s-2"]),
    "units": (
        lambda ds: ds.assign(k_corrected=ds.k_corrected.assign_attrs(units="Pa")),
        UnitsError,
        ["k_corrected", "Pa"],
    ),
    "not finite": (
        lambda ds: ds.assign(k_corrected=(ds.k_corrected / 0).assign_attrs(units="m2 s-2")),
        NonFiniteError,
        ["k_corrected", "24 of 24"],
    ),
}


@pytest.mark.parametrize(("spoil", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_what_must_not_be_written_is_refused(spoil, error, words, case, ds):
    assert_refused(error, lambda: write_openfoam(case, spoil(ds)), *words)
    assert list((case / "100").iterdir()) == []


def test_a_case_without_time_or_mesh_is_refused(case, ds):
    assert_refused(DataFileError, lambda: write_openfoam(case, ds, 5), "'5'", "100")
    (case / "constant" / "polyMesh" / "owner").unlink()
    assert_refused(DataFileError, lambda: write_openfoam(case, ds), "owner")
