"""A surrogate that torch has compiled: the answers of Python, for any number of samples."""

import pytest

import geodl
from tests.exports.folders import compilers
from tests.exports.graphs import assert_answers_of_python


@pytest.mark.slow
@pytest.mark.parametrize("compiler", compilers("g++"))
def test_a_package_gives_the_answers_of_python_for_any_number_of_samples(surrogate, tmp_path, compiler):
    handle = geodl.Handle(geodl.export(surrogate, tmp_path / "toy", format="pt2"))
    assert_answers_of_python(surrogate, handle)
