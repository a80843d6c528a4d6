"""Samples settle, diverge or run out of time one by one."""

import pytest
import torch

from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.lattice import steady
from geodl.flow.lattice_boltzmann import LatticeBoltzmann

GRID = Grid.parse("48x24")
BODIES = [Circle((2.5, 2.0), 0.5), Circle((2.5, 2.0), 0.4), Circle((2.4, 2.1), 0.5)]
REYNOLDS = torch.tensor([6.0, 12.0, 20.0])


def solver(samples=(0, 1, 2), **options):
    bodies, reynolds = [BODIES[n] for n in samples], REYNOLDS[list(samples)]
    return LatticeBoltzmann(bodies, GRID, reynolds=reynolds, dtype=torch.float64, **options)


def test_a_sample_does_not_depend_on_its_mates():
    together = solver().run(show=False)
    for n in range(3):
        alone = solver([n]).run(show=False)
        for name in ("u", "v", "p", "drag", "lift", "times"):
            torch.testing.assert_close(getattr(together, name)[n], getattr(alone, name)[0], rtol=1e-12, atol=1e-12)
    assert together.converged.all()
    assert len(together.times.unique()) > 1


def test_going_on_after_the_steady_state_changes_little():
    flow = solver([1])
    found = flow.run(1e-5, show=False)
    flow.advance(2000)
    assert float(flow.forces()[0] / found.drag) == pytest.approx(1, abs=1e-4)


def test_a_tighter_tolerance_goes_on_from_the_looser_one():
    flow = solver([1])
    loose, tight = flow.run(1e-3, show=False), flow.run(1e-5, show=False)
    assert tight.converged.all()
    assert tight.times > loose.times


def test_a_diverged_sample_is_marked_and_the_others_go_on():
    flow = solver()
    flow.state.populations[1, 3, 12, 30] = torch.inf
    found = flow.run(show=False)
    assert found.converged.tolist() == [True, False, True]
    assert found.diverged.tolist() == [False, True, False]
    alone = solver([2]).run(show=False)
    torch.testing.assert_close(found.drag[2:], alone.drag, rtol=1e-12, atol=0)


def test_time_that_runs_out_leaves_an_unsteady_flow():
    found = solver([0, 2]).run(1e-12, limit=3.0, show=False)
    assert not found.converged.any()
    assert not found.diverged.any()
    assert ((found.times >= 3) & (found.times < 3 + steady.LOOK_EVERY * 0.08 / 4)).all()


class CountingEngine:
    """Keeps populations as they are, which is steady at once."""

    batches: tuple[int, ...] = ()

    def __init__(self, problem):
        type(self).batches += (len(problem.solid),)

    def advance(self, populations, steps):
        return populations


@pytest.mark.parametrize(("engine", "batches"), [("torch", (3, 2, 1)), ("compiled", (3, 1))])
def test_those_that_are_done_leave_unless_that_costs_a_compilation(monkeypatch, engine, batches):
    made = type("Counting", (CountingEngine,), {})
    monkeypatch.setattr(steady, "engine_for", lambda problem, name: made(problem))
    bodies = [Circle((2.5, 2.0), radius) for radius in (0.2, 0.4, 0.59)]  # they look every 128, 256 and 384 steps
    grid = Grid.parse("192x96")
    flow = LatticeBoltzmann(bodies, grid, reynolds=10.0, engine="torch")
    flow.settings.__dict__["engine"] = engine
    assert flow.run(show=False).converged.all()
    assert made.batches == batches
