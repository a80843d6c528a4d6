"""What the reproduction counts: ranks, costs at equal error, and bodies that are turned."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from geodl.core.schema import Axis, Schema
from geodl.flow import Grid
from geodl.flow.cases.coarse import CoarseSolution, coarse_solutions, seconds_at
from geodl.flow.cases.turned import PAIRS, TURN, signs_right, solved, turned_bodies
from geodl.flow.data.generate import generate
from geodl.flow.data.plan import Plan
from geodl.flow.geometry.checks import require_inside
from geodl.train.metrics import auroc

GRID = Grid.parse("128x64")


def test_the_auroc_is_the_share_of_pairs_in_order():
    low, high = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0])

    def told_apart(positive, negative):
        both = np.concatenate([positive, negative])
        return auroc(both, np.arange(len(both)) < len(positive))

    assert told_apart(high, low) == 1.0
    assert told_apart(low, high) == 0.0
    assert told_apart(low, low) == 0.5
    assert told_apart(np.array([2.5]), low) == pytest.approx(2 / 3)


@pytest.fixture
def coarse() -> list[CoarseSolution]:
    """Four times the time for half of the error."""
    return [CoarseSolution(f"{n}x{n}", 1 / n, 0.0, 1e-3 * n**2) for n in (10, 40, 20)]


def test_seconds_follow_the_power_law_between_grids(coarse):
    for error in (1 / 10, 1 / 13, 1 / 20, 1 / 33, 1 / 40):
        assert seconds_at(error, coarse) == pytest.approx(1e-3 / error**2)


def test_beyond_the_grids_seconds_are_those_of_the_nearest(coarse):
    assert seconds_at(0.5, coarse) == pytest.approx(0.1)
    assert seconds_at(1e-4, coarse) == pytest.approx(1.6)
    assert seconds_at(0.3, coarse[:1]) == pytest.approx(0.1)


def test_coarser_flows_are_further_from_the_truth():
    plan = {"n": 2, "kinds": "circle,ellipse", "re": "10:20", "size": "64x32"}
    truth = generate(3, **plan, workers=1, batch=2)
    found = coarse_solutions(truth, Plan(seed=3, **plan), ("32x16", "64x32"))
    assert [one.size for one in found] == ["32x16", "64x32"]
    assert found[0].velocity_error > 1.5 * found[1].velocity_error
    assert found[1].velocity_error < 0.05
    assert all(one.seconds > 0 for one in found)


def test_pairs_are_one_body_at_two_angles_that_the_solver_takes():
    pairs = turned_bodies()
    assert len(pairs) == PAIRS
    for less, more in pairs:
        back = more.rotated(-2 * TURN)
        np.testing.assert_allclose(back.bounds(), less.bounds(), atol=1e-9)
        for body in (less, more):
            require_inside(body, GRID)
    again = turned_bodies()
    assert [a.bounds() for a, _ in pairs] == [a.bounds() for a, _ in again]


def test_the_steeper_ellipse_has_the_larger_drag():
    reynolds, drag = solved(turned_bodies()[:1], Grid.parse("64x32"))
    assert reynolds.shape == drag.shape == (1, 2)
    assert float(reynolds[0, 1]) > float(reynolds[0, 0])
    assert float(drag[0, 1]) > float(drag[0, 0]) > 0


class WakeCore:
    """A wake as high as the body, all along behind it: a drag that grows with the height."""

    def at(self):
        return torch.float64, torch.device("cpu")

    def __call__(self, sdf, reynolds):
        solid = sdf <= 0
        behind = (solid.cumsum(2) > 0).double() * solid.any(2, keepdim=True)
        return 1 - 0.3 * behind, torch.zeros_like(sdf), torch.zeros_like(sdf)


@pytest.mark.usefixtures("unchecked")
def test_signs_are_counted_from_the_predicted_fields():
    pairs = turned_bodies()
    axes = tuple(Axis(name, tuple(centres.tolist()), "m") for name, centres in (("y", GRID.y), ("x", GRID.x)))
    family = SimpleNamespace(options={"size": "128x64"}, schema=Schema((), (), axes))
    surrogate = SimpleNamespace(core=WakeCore(), family=family)
    heights = torch.tensor([[body.frontal_height for body in pair] for pair in pairs])
    reynolds = torch.full((PAIRS, 2), 1e6)
    assert signs_right(surrogate, (reynolds, heights), pairs) == PAIRS
    assert signs_right(surrogate, (reynolds, -heights), pairs) == 0
    half = torch.where(torch.arange(PAIRS)[:, None] < PAIRS // 2, heights, -heights)
    assert signs_right(surrogate, (reynolds, half), pairs) == PAIRS // 2
    assert math.isclose(TURN, math.radians(8))
