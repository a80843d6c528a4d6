"""What `from geodl.flow import …` finds."""

from pathlib import Path

import pytest

import geodl.flow


@pytest.mark.parametrize("name", geodl.flow.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert getattr(geodl.flow, name).__doc__


def test_no_public_name_is_that_of_a_module():
    """Which would take its place as soon as anything imported the module."""
    modules = {path.stem for path in Path(geodl.flow.__file__).parent.iterdir()}
    assert not modules & set(geodl.flow.__all__)


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(AttributeError, match="LatticeBoltzmann"):
        geodl.flow.latticeBoltzmann  # noqa: B018
