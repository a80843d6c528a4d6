"""Every family keeps the promises that the library makes for all of them."""

import pytest

import geodl
from geodl.testing import assert_contract

SMALL = {"flow": {"members": 2, "widths": (4, 8)}}  # of what takes longer with the family's own options


@pytest.mark.parametrize("name", geodl.families())
def test_a_family_keeps_the_contract(name, tmp_path):
    assert_contract(geodl.family(name, **SMALL.get(name, {})), tmp_path)
