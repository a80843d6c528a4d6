"""Parts never share a group, so that a score on one says something about the others."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from geodl.errors import SplitError
from geodl.testing import assert_refused
from geodl.train.split import split


def grouped(labels: list) -> xr.Dataset:
    return xr.Dataset({"v": ("row", np.arange(len(labels)))}, {"group": ("row", labels)})


labels_of_rows = st.one_of(
    st.lists(st.integers(-5, 20), min_size=3, max_size=60),
    st.lists(st.sampled_from("abcdefgh"), min_size=3, max_size=60),
).filter(lambda labels: len(set(labels)) >= 3)


@given(labels_of_rows, st.floats(0.05, 0.3), st.floats(0.05, 0.3), st.integers(0, 10**6), st.booleans())
def test_every_row_is_in_one_part_with_all_of_its_group(labels, valid, test, seed, shuffle):
    fractions = (1 - valid - test, valid, test)
    made = split(grouped(labels), "group", fractions=fractions, seed=seed, shuffle=shuffle)
    parts = (made.train, made.valid, made.test)
    assert sorted(np.concatenate([part["v"] for part in parts])) == list(range(len(labels)))
    for part, names, share in zip(parts, made.groups, fractions, strict=True):
        assert set(part["group"].values.tolist()) == set(names)
        assert list(part["v"]) == sorted(part["v"])  # rows keep their order
        assert len(names) >= 1
        assert abs(len(names) - share * len(set(labels))) <= 2  # rounding, and at least one each
    assert len(set().union(*made.groups)) == sum(map(len, made.groups)) == len(set(labels))


def test_the_seed_alone_decides():
    ds = grouped(list(range(50)))
    assert split(ds, "group", seed=3).groups == split(ds, "group", seed=3).groups
    assert split(ds, "group", seed=3).groups != split(ds, "group", seed=4).groups


def test_a_series_is_cut_in_order_without_shuffling():
    ds = xr.Dataset({"v": ("time", np.arange(100.0))}, {"time": np.arange(100) * 0.1})
    made = split(ds, "time", shuffle=False, fractions=(0.6, 0.3, 0.1))
    assert [part["v"].values.tolist() for part in (made.train, made.valid, made.test)] == [
        list(range(60)), list(range(60, 90)), list(range(90, 100)),
    ]  # fmt: skip


def test_a_dimension_without_a_coordinate_splits_by_position():
    made = split(xr.Dataset({"v": (("case", "x"), np.zeros((10, 2)))}), "case")
    assert [len(names) for names in made.groups] == [6, 2, 2]
    assert made.train["v"].shape == (6, 2)


@pytest.mark.parametrize("by", ["grup", "Group"])
def test_an_unknown_dimension_is_named_with_the_nearest_one(by):
    assert_refused(SplitError, lambda: split(grouped(list("abc")), by), f"'{by}'", "Did you mean 'group'?")


FRACTIONS = [(0.5, 0.5), (0.7, 0.3, 0.0), (0.7, 0.2, 0.2), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5)]


@pytest.mark.parametrize("fractions", FRACTIONS, ids=str)
def test_fractions_must_be_three_positive_shares_of_one(fractions):
    ds = grouped(list("abcdef"))
    assert_refused(SplitError, lambda: split(ds, "group", fractions=fractions), str(fractions), "sum to one")


def test_fewer_groups_than_parts_and_groups_of_several_dimensions_are_refused():
    assert_refused(SplitError, lambda: split(grouped(["a", "b", "a"]), "group"), "2 groups", "at least 3")
    ds = xr.Dataset({"v": (("x", "y"), np.zeros((3, 3)))})
    assert_refused(SplitError, lambda: split(ds, "v"), "'v' has 2 dimensions")


def test_no_part_is_ever_empty_without_a_word():
    ds = grouped(list("abcd"))
    assert_refused(SplitError, lambda: split(ds, "group", fractions=(0.1, 0.45, 0.45)), "4 groups", "train")
