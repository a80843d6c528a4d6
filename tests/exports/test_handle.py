"""An exported surrogate called from Python."""

import numpy as np
import pytest

import geodl
from geodl.errors import CompilerError, ExportError, ShapeError
from geodl.testing import assert_refused
from tests import child
from tests.chemistry.surrogates import states, trained
from tests.exports.folders import needs_compiler

pytestmark = needs_compiler


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return geodl.export(trained(), tmp_path_factory.mktemp("handle") / "burning")


@pytest.fixture(scope="module")
def handle(folder):
    return geodl.Handle(folder)


def test_one_number_stands_for_all_cells(handle):
    t, _, y, _ = states()
    one = handle(t, 101325.0, y, 1e-6)
    every = handle(t, np.full_like(t, 101325.0), y, np.full_like(t, 1e-6))
    for a, b in zip(one, every, strict=True):
        np.testing.assert_array_equal(a, b)


def test_float_gives_float_and_what_is_not_contiguous_is_taken(handle):
    t, p, y, dt = (x.astype(np.float32) for x in states())
    plain, turned = handle(t, p, y, dt), handle(t[::-1][::-1], p, np.asfortranarray(y), dt)
    assert plain[0].dtype == plain[1].dtype == np.float32
    np.testing.assert_array_equal(plain[1], turned[1])


def test_a_bound_call_reads_and_writes_arrays_where_they_are(handle):
    t, p, y, dt = states()
    call, (after, *_) = handle.bind(t, p, y, dt)
    call()
    np.testing.assert_array_equal(after, handle(t, p, y, dt)[0])
    t += 10
    call()
    np.testing.assert_array_equal(after, handle(t, p, y, dt)[0])


def test_no_cells_give_no_cells(handle):
    t, p, y, dt = (x[:0] for x in states())
    assert [x.shape for x in handle(t, p, y, dt)] == [(0,), y.shape, (0,)]


def test_wrong_arguments_are_refused(handle):
    t, p, y, dt = states()
    assert_refused(ShapeError, lambda: handle(t, p), "2 arrays", "temperature, pressure, mass_fraction, dt")
    assert_refused(ShapeError, lambda: handle(t, p[:3], y, dt), "[3, ")
    assert_refused(ShapeError, lambda: handle(t, p, y[:, :2], dt), "'mass_fraction'", "species")
    assert_refused(ExportError, lambda: handle(t, p, y, dt, longst=1.0), "'longest'")


def test_a_changed_file_is_refused(folder, tmp_path):
    copy = geodl.export(trained(), tmp_path / "burning")
    source = copy / "burning.c"
    source.write_text(source.read_text().replace("0x1.", "0x2.", 1))
    assert_refused(ExportError, lambda: geodl.Handle(copy), "burning.c", "not as they were written")


def test_a_folder_of_something_else_is_refused(tmp_path):
    assert_refused(ExportError, lambda: geodl.Handle(tmp_path), "no folder that geodl.export wrote")


def test_without_a_compiler_it_says_so(folder, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    assert_refused(CompilerError, lambda: geodl.Handle(folder), "no-such-compiler")


def test_a_handle_needs_no_torch(folder):
    code = f"import sys, geodl; geodl.Handle({str(folder)!r}); print('torch' in sys.modules)"
    assert child.python("-c", code).strip() == "False"
