"""Whether the study leaves out what it says, and whether its scores are what they are called."""

import numpy as np
import pytest

import geodl.turbulence.cases.transfer as study
from geodl.errors import SchemaError, UnknownNameError
from geodl.testing import assert_refused
from geodl.train.metrics import auroc
from geodl.turbulence.cases.transfer import (
    Judged,
    doubts_claimed,
    errors_claimed,
    flows,
    only,
    transfer_case,
    without,
)
from geodl.turbulence.example import example

KINDS = np.array(["duct", "step", "hill"])


def kinds(seed: int, count: int = 6):
    """Made-up flows of three kinds in turn."""
    ds = example(seed, flows=count)
    number = np.unique(ds["flow"].values, return_inverse=True)[1]
    return ds.assign_coords(family=("cell", KINDS[number % 3]))


def test_pairs_in_the_right_order_by_hand():
    event = np.array([True, False, True, False])
    assert auroc(np.array([3.0, 1.0, 2.0, 0.0]), event) == 1
    assert auroc(np.array([0.0, 1.0, 2.0, 3.0]), event) == 0.25  # of four pairs only 2 > 1
    assert auroc(np.array([1.0, 1.0, 1.0, 1.0]), event) == 0.5


def test_auroc_sees_ranks_alone_and_turns_over_with_the_event():
    random = np.random.default_rng(0)
    doubt, event = random.normal(size=400), random.random(400) < 0.3
    assert auroc(np.exp(doubt), event) == auroc(doubt, event)
    assert auroc(doubt, ~event) == pytest.approx(1 - auroc(doubt, event))
    assert auroc(doubt, event) == pytest.approx(np.mean(doubt[event][:, None] > doubt[~event]))


def test_infinite_doubt_ranks_first_and_without_pairs_there_is_no_number():
    assert auroc(np.array([np.inf, 1.0]), np.array([True, False])) == 1
    assert np.isnan(auroc(np.ones(3), np.ones(3, dtype=bool)))


def test_what_is_left_out_and_what_is_kept_make_the_whole():
    ds = kinds(0)
    kept, out = without(ds, "step"), only(ds, "step")
    assert kept.sizes["cell"] + out.sizes["cell"] == ds.sizes["cell"]
    assert set(out["family"].values) == {"step"}
    assert set(kept["family"].values) == {"duct", "hill"}
    assert [set(flow["flow"].values).pop() for flow in flows(out)] == ["made-up-1", "made-up-4"]


def cells(known: bool, errors: list[float], doubt: list[float]) -> Judged:
    size = np.array(errors)
    flags = np.array(doubt) < 1
    return Judged("a flow", known, size, np.full_like(size, 2.0), flags, {"expected_error": np.array(doubt)})


def test_errors_and_doubts_by_hand():
    found = [cells(False, [1.0, 3.0], [0.5, 3.0]), cells(True, [0.1, 0.2], [0.1, 2.0])]
    f, mean, worst = (claim.measured for claim in errors_claimed("step", found))
    assert f == pytest.approx(np.sqrt(5))
    assert mean == 2
    assert worst == pytest.approx(np.sqrt(5) / 2)
    about = {claim.claim.removeprefix("without step: "): claim for claim in doubts_claimed("step", found, 2.0)}
    all_kinds = about["AUROC of expected_error, large error, all kinds"]
    assert all_kinds.measured == 1
    assert all_kinds.passed
    assert about["AUROC of expected_error, kind"].measured == 0.75
    assert about["share of large errors, step"].measured == 0.5
    assert about["share not in_domain, other kinds"].measured == 0.5


def test_no_cell_of_the_kind_left_out_is_learned_from(monkeypatch):
    seen, fit = [], study.fit

    def recorded(made, train, valid, **more):
        seen.extend([train, valid])
        return fit(made, train, valid, **more)

    monkeypatch.setattr(study, "fit", recorded)
    claims = transfer_case("hill", kinds(0), kinds(1, 3), seed=0, quick=True)
    assert [set(ds["family"].values) for ds in seen] == [{"duct", "step"}] * 2
    assert "3 flows pooled" in claims[0].claim  # two for training and one for validation
    assert all(np.isfinite(claim.measured) for claim in claims)
    assert all(0 <= claim.measured <= 1 for claim in claims[3:])
    assert sum(claim.claim.endswith("kind") for claim in claims) >= 4  # one for each measure of distrust


def test_the_same_seed_gives_the_same_numbers():
    one, two = (transfer_case("step", kinds(0), kinds(1, 3), seed=3, quick=True) for _ in range(2))
    assert one == two


def test_a_kind_that_is_not_there_or_that_is_all_there_is_is_refused():
    ds = kinds(0)
    assert_refused(UnknownNameError, lambda: transfer_case("jet", ds, ds, seed=0, quick=True), "jet", "duct")
    assert_refused(UnknownNameError, lambda: transfer_case("duct", only(ds, "duct"), ds, seed=0, quick=True), "duct")
    assert_refused(SchemaError, lambda: without(ds.drop_vars("family"), "duct"), "family", "assign_coords")
