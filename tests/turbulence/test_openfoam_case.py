"""A case becomes a Dataset in the layout of the family, whatever its time folders hold, or a refusal that teaches."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import geodl
from geodl.cli import app
from geodl.errors import DataFileError, GeodlError, NonFiniteError, SchemaError, UnitsError
from geodl.testing import assert_refused
from geodl.turbulence.openfoam.case import read_openfoam
from geodl.turbulence.openfoam.write import write_openfoam
from tests.turbulence import cases
from tests.turbulence.cases import Style

COUNTS = (5, 6, 2)
SLOPE = np.array([[0.3, -0.4, 0.2], [0.7, -0.5, 0.1], [-0.6, 0.8, 0.2]])
WALLS = {"y0": "type wall;", "y1": "type wall;"}
CELLS = 60


def case(
    folder: Path,
    *,
    time: str = "100",
    types: Mapping[str, str] = WALLS,
    style: Style = cases.TEXT,
    nu: str | None = None,
) -> Path:
    """Linear U, k and p in a box of walls, whose gradients are exact."""
    mesh = cases.block([cases.graded(count, 2.0) for count in COUNTS])
    cases.write_mesh(folder, mesh, types, style)
    centre, face = cases.centres(mesh)
    for name, function in fields().items():
        values = cases.sides(mesh, function(face))
        cases.write_field(folder / time / name, function(centre), values, style=style)
    for name in ("omega", "nut"):
        cases.write_field(folder / time / name, np.full(CELLS, 2.0), dict.fromkeys(cases.SIDES, "type zeroGradient;"))
    cases.write_nu(folder, *([nu] if nu is not None else []))
    return folder


def fields():
    return {
        "U": lambda x: 1 + x @ SLOPE.T,
        "k": lambda x: 1 + x @ SLOPE[0],
        "p": lambda x: -2 + x @ SLOPE[1],
    }


def put(folder: Path, name: str, values: np.ndarray, **options) -> None:
    cases.write_field(folder / name, values, dict.fromkeys(cases.SIDES, "type zeroGradient;"), **options)


def test_a_case_becomes_the_layout_of_the_family(tmp_path):
    ds = read_openfoam(case(tmp_path / "hill"))
    centre, _ = cases.centres(cases.block([cases.graded(count, 2.0) for count in COUNTS]))
    assert dict(ds.sizes) == {"cell": CELLS, "i": 3, "j": 3}
    assert list(ds.i.values) == list(ds.j.values) == ["x", "y", "z"]
    assert set(ds.flow.values) == {"hill"}
    assert set(ds.row.values) == set(ds.column.values) == {-1}
    assert all(array.attrs.keys() >= {"units", "long_name"} for array in ds.data_vars.values())
    expected = {
        "velocity": 1 + centre @ SLOPE.T,
        "velocity_gradient": np.broadcast_to(SLOPE, (CELLS, 3, 3)),
        "k_gradient": np.broadcast_to(SLOPE[0], (CELLS, 3)),
        "pressure_gradient": np.broadcast_to(SLOPE[1], (CELLS, 3)),
        "omega": np.full(CELLS, 2.0),
        "eddy_viscosity": np.full(CELLS, 2.0),
        "nu": np.full(CELLS, 1e-5),
        "wall_distance": np.minimum(centre[:, 1], 1 - centre[:, 1]),
        "position": centre,
    }
    for name, values in expected.items():
        np.testing.assert_allclose(ds[name], values, rtol=1e-12, atol=1e-12, err_msg=name)
    assert float(ds.volume.sum()) == pytest.approx(1)
    assert "warnings" not in ds.attrs


UNITS = {
    "velocity": "m s-1",
    "velocity_gradient": "s-1",
    "k": "m2 s-2",
    "omega": "s-1",
    "eddy_viscosity": "m2 s-1",
    "pressure": "m2 s-2",
    "pressure_gradient": "m s-2",
    "k_gradient": "m s-2",
    "nu": "m2 s-1",
    "wall_distance": "m",
    "position": "m",
    "volume": "m3",
}


def test_every_variable_has_its_units(tmp_path):
    ds = read_openfoam(case(tmp_path))
    assert {name: array.attrs["units"] for name, array in ds.data_vars.items()} == UNITS


@pytest.mark.parametrize("style", [Style(zipped=True), Style(True), Style(True, ">", 8)], ids=str)
def test_every_dialect_of_a_case_gives_the_same_dataset(style, tmp_path):
    straight, other = read_openfoam(case(tmp_path / "a" / "c")), read_openfoam(case(tmp_path / "b" / "c", style=style))
    xr.testing.assert_identical(straight, other)


def test_the_dataset_can_be_written_as_netcdf(tmp_path):
    ds = read_openfoam(case(tmp_path / "c"))
    ds.to_netcdf(tmp_path / "c.nc")
    with xr.open_dataset(tmp_path / "c.nc") as again:
        xr.testing.assert_equal(again.load(), ds)


@pytest.mark.parametrize(
    ("time", "found"), [("latest", "100"), (100, "100"), ("100", "100"), (20.5, "20.5"), ("20.50", "20.5"), (0, "0")]
)
def test_the_time_is_the_largest_or_the_one_that_is_named(time, found, tmp_path):
    for name in ("0", "20.5", "100"):
        case(tmp_path, time=name)
    for name in ("0.orig", "processorless", "constant2", "1000.txt"):
        (tmp_path / name).mkdir()
    assert read_openfoam(tmp_path, time).attrs["source"].endswith(f"time {found}")


def test_zero_is_read_when_there_is_nothing_else(tmp_path):
    assert read_openfoam(case(tmp_path, time="0")).attrs["source"].endswith("time 0")


GRADIENTS = ["gradU", "grad(U)"]


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_gradient_of_openfoam_is_transposed(name, tmp_path):
    case(tmp_path)
    stored = np.tile(SLOPE.T.ravel() * 1.01, (CELLS, 1))
    put(tmp_path / "100", name, stored, dimensions="[0 0 -1 0 0 0 0]")
    np.testing.assert_array_equal(read_openfoam(tmp_path).velocity_gradient[0], 1.01 * SLOPE)


def test_a_gradient_that_is_transposed_already_is_refused(tmp_path):
    put(case(tmp_path) / "100", "gradU", np.tile(SLOPE.ravel(), (CELLS, 1)))
    assert_refused(SchemaError, lambda: read_openfoam(tmp_path), "gradU", "Transpose", "delete it")


def test_without_a_mesh_the_files_must_hold_the_gradient(tmp_path):
    folder = case(tmp_path) / "100"
    for path in (tmp_path / "constant" / "polyMesh").iterdir():
        path.unlink()
    (tmp_path / "constant" / "polyMesh").rmdir()
    assert_refused(SchemaError, lambda: read_openfoam(tmp_path), "constant/polyMesh", "gradU")
    put(folder, "gradU", np.tile(SLOPE.T.ravel(), (CELLS, 1)))
    put(folder, "C", np.ones((CELLS, 3)), dimensions="[0 1 0 0 0 0 0]")
    body = b"dimensions [0 3 0 0 0 0 0]; value uniform 2;"
    cases.put(folder / "V", "volScalarField::Internal", body)
    ds = read_openfoam(tmp_path)
    np.testing.assert_array_equal(ds.velocity_gradient[7], SLOPE)
    np.testing.assert_array_equal(ds.position, 1.0)
    np.testing.assert_array_equal(ds.volume, 2.0)
    for missing in ("wall_distance", "k_gradient", "pressure_gradient"):
        assert f"{missing} is left out" in ds.attrs["warnings"]


def test_files_come_before_what_could_be_computed(tmp_path):
    folder = case(tmp_path) / "100"
    put(folder, "y", np.full(CELLS, 7.0))
    put(folder, "grad(k)", np.full((CELLS, 3), 8.0), dimensions="[0 1 -2 0 0 0 0]")
    put(folder, "nu", np.full(CELLS, 9.0), dimensions="[0 2 -1 0 0 0 0]")
    ds = read_openfoam(tmp_path)
    assert [float(ds[name].min()) for name in ("wall_distance", "k_gradient", "nu")] == [7, 8, 9]


def test_a_resolved_stress_is_the_truth_if_its_trace_is_positive(tmp_path):
    folder = case(tmp_path) / "100"
    six = np.tile([1.0, 2, 3, 4, 5, 6], (CELLS, 1))
    put(folder, "tauLES", six, dimensions="[0 2 -2 0 0 0 0]")
    np.testing.assert_array_equal(read_openfoam(tmp_path).reynolds_stress[0], [[1, 2, 3], [2, 4, 5], [3, 5, 6]])
    put(folder, "tauLES", -six, dimensions="[0 2 -2 0 0 0 0]")
    assert_refused(SchemaError, lambda: read_openfoam(tmp_path), "tauLES", "negative trace")


def test_patches_whose_condition_is_guessed_are_counted(tmp_path):
    folder = case(tmp_path) / "100"
    cases.write_field(folder / "k", np.ones(CELLS), {"y0": "type strange;", "y1": "type noValue;"})
    text = read_openfoam(tmp_path).attrs["warnings"]
    assert "k: 6 patches" in text
    assert "y0 (strange)" in text
    assert "x0 (no condition)" in text


VISCOSITY = {
    "plain": "nu 2e-05;",
    "dimensions": "nu [0 2 -1 0 0 0 0] 2e-05;",
    "name and dimensions": "nu nu [0 2 -1 0 0 0 0] 2e-05;",
    "named dimensions": "nu [m^2 s^-1] 2e-05;",
    "commented": "//nu 3e-05;\n/* nu 4e-05; */ nu 2e-05; // nu 5e-05;",
    "macro": "value 2e-05; nu $value;",
    "inside": "transportModel Newtonian; NewtonianCoeffs { nu 2e-05; }",
}


@pytest.mark.parametrize("text", VISCOSITY.values(), ids=VISCOSITY)
@pytest.mark.parametrize("file", ["transportProperties", "physicalProperties"])
def test_every_way_to_write_the_viscosity_is_read(file, text, tmp_path):
    folder = case(tmp_path, nu="none 1;") / "constant"
    cases.put(folder / file, "dictionary", text.encode())
    np.testing.assert_array_equal(read_openfoam(tmp_path).nu, 2e-5)


def test_without_a_viscosity_it_is_left_out(tmp_path):
    ds = read_openfoam(case(tmp_path, nu="transportModel Newtonian;"))
    assert "nu" not in ds
    assert "nu is left out" in ds.attrs["warnings"]


def test_a_decomposed_case_is_refused(tmp_path):
    case(tmp_path, time="0")
    (tmp_path / "processor0" / "300").mkdir(parents=True)
    assert_refused(DataFileError, lambda: read_openfoam(tmp_path), "reconstructPar", "300")
    assert read_openfoam(tmp_path, 0).sizes["cell"] == CELLS


def spoiled_field(name: str, values: np.ndarray, **options):
    return lambda folder: put(folder / "100", name, values, **options)


REFUSED = {
    "no time": (lambda folder: (folder / "100").rename(folder / "results"), DataFileError, ["no time folder"]),
    "no U": (lambda folder: (folder / "100" / "U").rename(folder / "100" / "u"), SchemaError, ["no U", "'u'"]),
    "U elsewhere": (
        lambda folder: (folder / "200" / "uniform").mkdir(parents=True),
        SchemaError,
        ["200 has no U", "Choose a time that has: 100"],
    ),
    "mesh file": (lambda folder: (folder / "constant/polyMesh/faces").unlink(), DataFileError, ["faces", "no file"]),
    "cells": (spoiled_field("k", np.ones(CELLS - 1)), DataFileError, ["k holds 59 cells", "60"]),
    "pascal": (spoiled_field("p", np.ones(CELLS), dimensions="[1 -1 -2 0 0 0 0]"), UnitsError, ["p has", "density"]),
    "omega": (spoiled_field("omega", np.ones(CELLS), dimensions="[0 2 -3 0 0 0 0]"), UnitsError, ["omega", "[0 0 -1"]),
    "nan": (spoiled_field("k", np.full(CELLS, np.nan)), NonFiniteError, ["k has 60 of 60"]),
    "class": (spoiled_field("k", np.ones((CELLS, 3))), DataFileError, ["volVectorField", "volScalarField"]),
    "nu": (lambda folder: cases.write_nu(folder, "nu fast;"), DataFileError, ["'fast'", "positive"]),
    "negative nu": (lambda folder: cases.write_nu(folder, "nu -1e-5;"), DataFileError, ["-1e-5", "positive"]),
    "mu": (lambda folder: cases.write_nu(folder, "nu [1 -1 -1 0 0 0 0] 1e-5;"), UnitsError, ["density"]),
}


@pytest.mark.parametrize(("spoil", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_a_case_that_cannot_be_right_is_refused(spoil, error: type[GeodlError], words, tmp_path):
    case(tmp_path)
    spoil(tmp_path)
    assert_refused(error, lambda: read_openfoam(tmp_path), *words)


def test_a_folder_or_time_that_is_not_there_is_refused(tmp_path):
    assert_refused(DataFileError, lambda: read_openfoam(tmp_path / "gone"), "gone", "name the case")
    case(tmp_path)
    assert_refused(DataFileError, lambda: read_openfoam(tmp_path, 500), "500", "100")
    assert_refused(DataFileError, lambda: read_openfoam(tmp_path, "../etc"), "../etc", "100")


def test_uniform_fields_without_a_mesh_have_no_size(tmp_path):
    body = b"dimensions [0 1 -1 0 0 0 0]; internalField uniform (1 0 0); boundaryField { a { type noSlip; } }"
    cases.put(tmp_path / "0" / "U", "volVectorField", body)
    assert_refused(DataFileError, lambda: read_openfoam(tmp_path), "uniform", "how many cells")


def test_the_command_line_turns_a_case_into_a_file_that_a_closure_reads(tmp_path):
    """And what it predicts goes back into the case, as fields for a solver."""
    folder = case(tmp_path / "hill")
    invoke = CliRunner().invoke(app, ["data", "turbulence", str(folder), "--out", str(tmp_path / "hill.nc")])
    assert invoke.exit_code == 0, invoke.output
    rans = geodl.open_data(tmp_path / "hill.nc")
    made = geodl.family("turbulence", members=2, width=8, depth=1)
    parts = geodl.split(made.example(0), "flow")
    config = geodl.FitConfig.parse({**made.settings, "epochs": 1})
    predicted = geodl.fit(made, parts.train, parts.valid, config=config, show=False)(rans)
    written = write_openfoam(folder, predicted)
    names = {"anisotropy", "kCorrected", "nutImplicit", "stressRemainder", "inDomain"}
    assert {path.name for path in written} == names
