"""Every coupling of examples/solver runs by its one command, and finds what Python finds."""

import sys
from pathlib import Path

import pytest

from tests.exports.folders import compilers, needs_compiler, run

pytestmark = needs_compiler
SOLVERS = Path(__file__).parents[2] / "examples" / "solver"
SMALL = "--cells", "60", "--steps", "30"


def coupled(name: str, *options: str) -> str:
    return run(sys.executable, SOLVERS / name / "run.py", *options, cwd=SOLVERS)


@pytest.mark.parametrize("name", ["c", "python", pytest.param("fortran", marks=compilers("gfortran")[0].marks)])
def test_a_reacting_solver_finds_what_python_and_cantera_find(name):
    pytest.importorskip("cantera")
    words = coupled(name, *SMALL)
    assert "largest difference to Python in K" in words
    assert "mean difference to Cantera in K" in words


@pytest.mark.parametrize("name", ["openfoam", pytest.param("cpp", marks=compilers("g++")[0].marks)])
def test_a_closure_in_a_solver_finds_what_python_finds(name):
    assert "largest difference of b to Python" in coupled(name)


def test_a_difference_that_is_too_large_ends_a_coupling():
    code = "import coupling; coupling.require('difference', 2.0, 1.0)"
    with pytest.raises(AssertionError, match="this is too much"):
        run(sys.executable, "-c", code, cwd=SOLVERS)
