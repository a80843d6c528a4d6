"""Families are found by their folders, and claims are judged as they say."""

from typing import get_args

import pytest

import geodl
from geodl.core import contract
from geodl.core.contract import Claim
from geodl.core.mlp import Activation, mlp
from geodl.errors import OptionError, UnknownNameError
from geodl.testing import assert_refused, observed_order


def test_a_family_is_a_folder_with_a_family_file(tmp_path, monkeypatch):
    for name in ("waves", "ice", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "core").mkdir()
    (tmp_path / "waves" / "family.py").touch()
    (tmp_path / "ice" / "family.py").touch()
    monkeypatch.setattr(contract, "__file__", str(tmp_path / "core" / "contract.py"))
    assert contract.families() == ("ice", "waves")


@pytest.mark.parametrize("name", ["dynamic", "os", "..", "core.store", ""])
def test_only_families_are_ever_imported(name):
    assert_refused(UnknownNameError, lambda: geodl.family(name), repr(name), "dynamics")


def test_options_of_a_family_are_checked():
    assert_refused(UnknownNameError, lambda: geodl.family("dynamics", lead=3), "'lead'", "Did you mean 'leads'?")
    assert_refused(OptionError, lambda: geodl.family("dynamics", leads="three"), "'leads'", "'three'")


@pytest.mark.parametrize(
    ("measured", "bar", "passed"),
    [(1.0, ("<=", 1.0), True), (1.1, ("<=", 1.0), False), (1.1, (">=", 1.0), True), (0.9, (">=", 1.0), False),
     (float("nan"), ("<=", 1.0), False), (float("nan"), (">=", 1.0), False), (5.0, None, None)],
)  # fmt: skip
def test_a_claim_passes_as_its_bar_says_and_never_without_a_number(measured, bar, passed):
    claim = Claim("error", measured, "K", bar)
    assert claim.passed is passed
    assert claim.row()["bar"] == (None if bar is None else f"{bar[0]} 1")


def test_an_unknown_public_name_is_refused_with_the_known_ones():
    with pytest.raises(AttributeError, match=r"'fitt'.*open_data"):
        _ = geodl.fitt
    assert set(geodl.__all__) <= set(dir(geodl))
    assert len(geodl.__all__) <= 20


def test_every_public_name_can_be_had():
    for name in geodl.__all__:
        assert getattr(geodl, name).__module__.startswith("geodl.")


def test_every_activation_that_options_may_name_exists():
    for name in get_args(Activation):
        assert len(mlp([1, 2, 1], name)) == 3


def test_an_unknown_activation_is_named_with_the_nearest_one():
    assert_refused(UnknownNameError, lambda: mlp([1, 1], "tahn"), "'tahn'", "Did you mean 'tanh'?")


def test_the_observed_order_of_a_power_law_is_its_power():
    steps = [0.4, 0.2, 0.1]
    assert observed_order([3 * h**2.5 for h in steps], steps) == pytest.approx([2.5, 2.5], rel=1e-12)
