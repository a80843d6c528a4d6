"""What `from geodl.dynamics import …`, and of the other families, finds."""

import importlib
from pathlib import Path

import pytest

WRONG = {"dynamics": ("odeInt", "odeint"), "turbulence": ("tensorBasis", "tensor_basis")}
WRONG |= {"flow": ("latticeBoltzmann", "LatticeBoltzmann"), "chemistry": ("canteraChemistry", "CanteraChemistry")}
PACKAGES = {name: importlib.import_module(f"geodl.{name}") for name in WRONG}
NAMES = [(family, name) for family, package in PACKAGES.items() for name in package.__all__]


@pytest.mark.parametrize(("family", "name"), NAMES)
def test_every_public_name_is_there_and_documented(family, name):
    assert getattr(PACKAGES[family], name).__doc__
    assert name in dir(PACKAGES[family])


@pytest.mark.parametrize("family", PACKAGES)
def test_no_public_name_is_that_of_a_module(family):
    """Which would take its place as soon as anything imported the module."""
    modules = {path.stem for path in Path(PACKAGES[family].__file__).parent.iterdir()}
    assert not modules & set(PACKAGES[family].__all__)


@pytest.mark.parametrize("family", PACKAGES)
def test_a_wrong_name_lists_the_right_ones(family):
    wrong, right = WRONG[family]
    with pytest.raises(AttributeError, match=right):
        getattr(PACKAGES[family], wrong)
