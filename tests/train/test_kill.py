"""A training that is killed at any moment and resumed ends with the bytes of one that never was."""

import json

import pytest

from tests import child
from tests.train.killed import enough

KILLS = 12  # at least, per optimiser


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_killed_at_random_moments_and_resumed_the_bundle_is_the_same(optimizer, tmp_path):
    runs = json.loads(child.python("-m", "tests.train.killed", str(tmp_path), optimizer, str(KILLS)))
    assert all(run["same"] for run in runs), runs
    steps = [step for run in runs for step in run["killed"]]
    assert enough(steps, KILLS), f"too few kills, or at too few different steps: {steps}"
