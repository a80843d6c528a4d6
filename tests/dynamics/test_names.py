"""What `from geodl.dynamics import …` finds."""

from pathlib import Path

import pytest

import geodl.dynamics


@pytest.mark.parametrize("name", geodl.dynamics.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert getattr(geodl.dynamics, name).__doc__


def test_no_public_name_is_that_of_a_module():
    """Which would take its place as soon as anything imported the module."""
    modules = {path.stem for path in Path(geodl.dynamics.__file__).parent.iterdir()}
    assert not modules & set(geodl.dynamics.__all__)


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(AttributeError, match="odeint"):
        geodl.dynamics.odeInt  # noqa: B018
