"""Fortran and C++ get the answers that Python gets, and their errors."""

import numpy as np
import pytest

import geodl
from tests.chemistry.surrogates import states, trained
from tests.exports.folders import compilers, needs_compiler, run

pytestmark = needs_compiler
CELLS = 40
FORTRAN = """
program loop
  use, intrinsic :: iso_c_binding
  use burning_module
  implicit none
  integer, parameter :: cells = {cells}
  real(c_double) :: t(cells), p(cells), y(species, cells), dt(cells), t_after(cells), y_after(species, cells)
  integer(c_signed_char) :: status(cells)
  integer :: error
  character(3) :: names(species) = [character(3) :: {names}]
  open (10, file="in", access="stream")
  read (10) t, p, y, dt
  error = check("{fingerprint}", names)
  if (error /= 0) stop 1
  error = check("another", names)
  print *, message(error)
  error = advance(t, p, y(:2, :), dt, 2.5d-6, t_after, y_after, status)
  print *, message(error)
  error = advance(t, p, y, dt, 2.5d-6, t_after, y_after, status)
  if (error /= 0) stop 2
  print *, status_message(3)
  open (11, file="out", access="stream")
  write (11) t_after, y_after, status
end program
"""
CPP = """
#include <cstdio>
#include "burning.hpp"
int main()
{{
    const int n = {cells}, s = BURNING_SPECIES;
    std::vector<double> t(n), p(n), y(n * s), dt(n);
    std::vector<signed char> status(n);
    std::FILE *in = std::fopen("in", "rb");
    for (auto *x : {{&t, &p, &y, &dt}})
        if (std::fread(x->data(), sizeof(double), x->size(), in) != x->size()) return 1;
    burning::check("{fingerprint}", {{{names}}});
    try {{ burning::check("another", {{{names}}}); }}
    catch (const std::invalid_argument &error) {{ std::puts(error.what()); }}
    burning::advance(n, t.data(), p.data(), y.data(), dt.data(), 2.5e-6, t.data(), y.data(), status.data());
    std::FILE *out = std::fopen("out", "wb");
    for (auto *x : {{&t, &y}}) std::fwrite(x->data(), sizeof(double), x->size(), out);
    std::fwrite(status.data(), 1, status.size(), out);
    return std::fclose(out);
}}
"""


@pytest.fixture
def folder(tmp_path):
    """An exported emulator, with cells in a file beside it."""
    made = geodl.export(trained(), tmp_path / "burning")
    (made / "in").write_bytes(b"".join(x[:CELLS].astype(float).tobytes() for x in states()))
    run("make", cwd=made)
    return made


def filled(program: str) -> str:
    mechanism = trained().family.options["mechanism"]
    names = ", ".join(f'"{name}"' for name in mechanism["species"])
    return program.format(cells=CELLS, names=names, fingerprint=mechanism["fingerprint"])


def assert_same(folder) -> None:
    """What a program wrote is what Python gets."""
    answers = geodl.Handle(folder)(*(x[:CELLS] for x in states()), longest=2.5e-6)
    raw = (folder / "out").read_bytes()
    for answer in answers:
        np.testing.assert_array_equal(np.frombuffer(raw[: answer.nbytes], answer.dtype).reshape(answer.shape), answer)
        raw = raw[answer.nbytes :]
    assert raw == b""


@pytest.mark.parametrize("compiler", compilers("gfortran"))
def test_fortran_takes_its_arrays_as_they_are(folder, compiler):
    (folder / "loop.f90").write_text(filled(FORTRAN))
    run(compiler, "-O1", "burning.f90", "loop.f90", "libburning.a", "-o", "loop", cwd=folder)
    said = run("./loop", cwd=folder)
    assert "the fingerprint is another one" in said
    assert "an axis has another length" in said
    assert "clipped" in said
    assert_same(folder)


@pytest.mark.parametrize("compiler", compilers("g++", "clang++"))
def test_cpp_throws_what_c_returns(folder, compiler):
    (folder / "loop.cpp").write_text(filled(CPP))
    run(compiler, "-std=c++11", "-O1", "loop.cpp", "libburning.a", "-o", "loop", cwd=folder)
    assert "burning: the fingerprint is another one" in run("./loop", cwd=folder)
    assert_same(folder)
