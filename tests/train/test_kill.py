"""A training that is killed at any moment and resumed ends with the bytes of one that never was."""

import json

import pytest

from tests import child

KILLS, RUNS = 6, 2


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_killed_at_random_moments_and_resumed_the_bundle_is_the_same(optimizer, tmp_path):
    out = child.python("-m", "tests.train.killed", str(tmp_path), optimizer, str(KILLS), str(RUNS), "0")
    results = json.loads(out)
    assert [run["same"] for run in results] == [True] * RUNS
    assert sum(run["kills"] for run in results) == KILLS * RUNS
    assert len({step for run in results for step in run["resumed"]}) >= 4, "the kills hit too few different steps"
    assert max(step for run in results for step in run["resumed"]) > 0
