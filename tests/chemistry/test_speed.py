"""Timing: everyone in turn, per cell, and what is compared."""

import itertools

import numpy as np
import pytest

from geodl.chemistry.cases import turns
from geodl.chemistry.cases.reactor import Cells
from geodl.chemistry.cases.speed import SETUPS, TOLERANCES, interleaved, solvers, visited
from geodl.chemistry.example import example
from tests.chemistry.toys import PRESSURE, Toy, mixture


class Named(Toy):
    """Writes down when it is called."""

    def __init__(self, name, diary):
        super().__init__(lambda c, dt: c)
        self.name, self.diary = name, diary

    def advance(self, *given):
        self.diary.append(self.name)
        return super().advance(*given)


def test_all_take_turns_and_the_first_turn_warms_up(monkeypatch):
    monkeypatch.setattr(turns, "TURN", 0.0)
    diary = []
    cells = Cells(np.full(3, 1000.0), np.full(3, PRESSURE), mixture(np.full(3, 0.5)))
    taken = interleaved({name: (Named(name, diary), cells) for name in ("a", "b")}, repeats=2)
    assert diary == ["a", "b"] * 3
    assert all(seconds > 0 for seconds in taken.values())


def test_a_turn_is_filled_with_calls_and_one_at_least_is_made():
    now = itertools.count(step=turns.TURN / 4)  # goes on by a quarter of a turn whenever it is read
    calls = []
    seconds = turns.per_call(lambda: calls.append(None), lambda: float(next(now)))
    assert len(calls) == 4
    assert seconds == pytest.approx(5 * turns.TURN / 4 / 4)
    turns.per_call(lambda: calls.append(None), lambda: 0.0 if len(calls) == 4 else 60.0)
    assert len(calls) == 5


def test_states_are_those_of_ignitions_that_nobody_moved():
    ds = example(0, trajectories=4)
    ds["perturbed"] = ("sample", np.arange(ds.sizes["sample"]) % 2 == 0)
    ds["kind"] = ("sample", np.where(np.arange(ds.sizes["sample"]) < 50, "flame", "ignition"))
    cells = visited(ds, 500)
    assert cells.mass_fraction.shape == (500, 4)
    allowed = ds["temperature"].values[51::2]
    assert np.isin(cells.temperature, allowed).all()
    np.testing.assert_array_equal(cells.temperature, visited(ds, 500).temperature)


def test_the_solver_is_given_every_chance():
    pytest.importorskip("cantera")
    found = solvers("h2o2.yaml")
    assert [(words, list(by_setup)) for words, by_setup in found.items()] == [(key, list(SETUPS)) for key in TOLERANCES]
    assert {(each.rtol, each.atol) for by_setup in found.values() for each in by_setup.values()} == set(
        TOLERANCES.values()
    )
