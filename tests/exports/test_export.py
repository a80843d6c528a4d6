"""A folder of code: what is in it, that compilers take it without a word, and what is refused."""

import functools
import hashlib
import json

import pytest

import geodl
from geodl.errors import ExportError, OutputError, UnknownNameError
from geodl.testing import assert_refused
from tests.chemistry.surrogates import trained
from tests.dynamics.test_in_c import trained as forecast
from tests.exports.folders import STRICT, compilers, needs_compiler, run
from tests.turbulence.test_family import trained as closure


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return geodl.export(trained(), tmp_path_factory.mktemp("export") / "burning")


def test_a_folder_holds_code_wrappers_words_and_sums(folder):
    names = {path.name for path in folder.iterdir()}
    ours = {"burning.c", "burning.h", "burning.hpp", "burning.f90"}
    assert names == ours | {"check.c", "Makefile", "CMakeLists.txt", "schema.json", "README.md", "SHA256SUMS"}
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_same_surrogate_gives_the_same_bytes(folder, tmp_path):
    again = geodl.export(trained(), tmp_path / "burning")
    assert (again / "SHA256SUMS").read_bytes() == (folder / "SHA256SUMS").read_bytes()


def test_a_folder_says_what_it_was_made_of(folder):
    described = json.loads((folder / "schema.json").read_text())
    assert described["bundle_sha256"] == trained().sha256
    assert described["fingerprint"] == trained().family.options["mechanism"]["fingerprint"]
    assert described["fingerprint"] in (folder / "burning.c").read_text()
    assert {a["name"]: a["units"] for a in described["arguments"]}["pressure"] == "Pa"


KINDS = {
    "burning": trained,
    "closure": functools.partial(closure, "float32", features="all"),
    "forecast": functools.partial(forecast, "tanh", "float32"),
}


@pytest.fixture(scope="module", params=KINDS)
def source(request, tmp_path_factory):
    """The C of a folder of every kind."""
    name = request.param
    return geodl.export(KINDS[name](), tmp_path_factory.mktemp("kinds") / name) / f"{name}.c"


@pytest.mark.parametrize("standard", ["c99", "c11"])
@pytest.mark.parametrize("compiler", compilers("gcc", "clang"))
def test_compilers_of_c_take_it_without_a_warning(source, tmp_path, compiler, standard):
    run(compiler, f"-std={standard}", "-O2", *STRICT, "-c", source, "-o", tmp_path / "a.o", cwd=tmp_path)


@pytest.mark.parametrize("compiler", compilers("g++", "clang++"))
def test_compilers_of_cpp_take_the_header_without_a_warning(source, tmp_path, compiler):
    name = source.stem
    (tmp_path / "a.cpp").write_text(f'#include "{name}.hpp"\nint main() {{ {name}::check("", {{}}); }}\n')
    run(compiler, "-std=c++11", *STRICT, "-I", source.parent, "-c", "a.cpp", cwd=tmp_path)


@pytest.mark.parametrize("compiler", compilers("gfortran"))
def test_compilers_of_fortran_take_the_module_without_a_warning(source, tmp_path, compiler):
    run(compiler, "-std=f2008", *STRICT, "-c", source.with_suffix(".f90"), cwd=tmp_path)


@needs_compiler
def test_recorded_cells_come_out_again(folder):
    assert "all recorded cells again" in run("make", "check", cwd=folder)
    run("make", "clean", cwd=folder)


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    assert_refused(OutputError, lambda: geodl.export(trained(), tmp_path), "not empty")
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_what_cannot_be_exported_is_refused(surrogate, tmp_path, unchecked):
    assert_refused(ExportError, lambda: geodl.export(surrogate, tmp_path / "toy"), "'toy'", "in C. Try format='onnx'")
    assert_refused(UnknownNameError, lambda: geodl.export(trained(), tmp_path / "a", format="cc"), "'c'")
    assert_refused(ExportError, lambda: geodl.export(trained(), tmp_path / "2h"), "2h", "name=")
    assert list(tmp_path.iterdir()) == []
