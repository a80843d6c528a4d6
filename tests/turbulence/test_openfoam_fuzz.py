"""A file that is cut or changed anywhere gives the same numbers or a refusal: no other error, and no endless wait."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geodl.errors import GeodlError
from geodl.turbulence.openfoam.case import read_openfoam
from tests.turbulence import cases
from tests.turbulence.cases import Style

JUNK = b"(){}[];$#/*\"'<> \n\x00\xffax-.9"
STYLES = {"text": Style(), "bytes": Style(binary=True)}
TRIES = {"100/U": 25, "constant/polyMesh/faces": 8, "constant/polyMesh/owner": 8, "constant/polyMesh/boundary": 8}


def cut(raw: bytes, rng: np.random.Generator) -> bytes:
    return raw[: rng.integers(len(raw))]


def drop(raw: bytes, rng: np.random.Generator) -> bytes:
    begin = rng.integers(len(raw))
    return raw[:begin] + raw[begin + rng.integers(1, 40) :]


def put_in(raw: bytes, rng: np.random.Generator) -> bytes:
    place, junk = rng.integers(len(raw)), JUNK[rng.integers(len(JUNK)) :][:1]
    return raw[:place] + junk + raw[place + rng.integers(2) :]


def doubled(raw: bytes, rng: np.random.Generator) -> bytes:
    begin, end = np.sort(rng.integers(len(raw), size=2))
    return raw[:end] + raw[begin:end] + raw[end:]


@pytest.fixture(scope="module", params=STYLES.values(), ids=STYLES)
def case(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("case")
    mesh = cases.block((cases.graded(3), cases.graded(2), cases.graded(2)))
    joined = {"x0": "type cyclic; neighbourPatch x1;", "x1": "type cyclic; neighbourPatch x0;", "y0": "type wall;"}
    cases.write_mesh(folder, mesh, joined, request.param)
    centre, face = cases.centres(mesh)
    boundary = {**cases.sides(mesh, np.sin(face)), "x0": "type cyclic;", "x1": "type cyclic;", "y0": "type noSlip;"}
    cases.write_field(folder / "100" / "U", np.sin(centre), boundary, style=request.param)
    cases.write_nu(folder)
    return folder


@pytest.mark.parametrize("name", TRIES)
@pytest.mark.parametrize("change", [cut, drop, put_in, doubled], ids=lambda change: change.__name__)
def test_a_changed_file_is_read_or_refused(name: str, change: Callable[..., bytes], case: Path):
    whole, path, rng = read_openfoam(case), case / name, np.random.default_rng(7)
    raw, refused = path.read_bytes(), 0
    try:
        for _ in range(TRIES[name]):
            path.write_bytes(change(raw, rng))
            try:
                ds = read_openfoam(case)
            except GeodlError:
                refused += 1
                continue
            assert all(np.isfinite(array).all() for array in ds.data_vars.values())
            if change is cut:  # a changed digit is another number, but what is cut is never half a file
                np.testing.assert_array_equal(ds.velocity, whole.velocity)
                np.testing.assert_array_equal(ds.velocity_gradient, whole.velocity_gradient)
    finally:
        path.write_bytes(raw)
    assert refused
