"""Costs of air are measured on states that boxes come through, and leave out what solvers do not spend."""

import numpy as np
import pytest
import xarray as xr

from geodl.chemistry.atmosphere.air_example import made_up
from geodl.chemistry.atmosphere.air_speed import interleaved, visited
from geodl.chemistry.atmosphere.box import DAY, Boxes, daylight
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes
from geodl.chemistry.atmosphere.reference import AirState
from geodl.chemistry.cases import turns
from geodl.chemistry.state import OK


class Still:
    """Does nothing; counts its calls, and a second for each where it has a clock."""

    mechanism = made_up()

    def __init__(self):
        self.calls = 0

    def advance(self, temperature, pressure, concentration, dt, *, photolysis=0.0, emission=None):
        self.calls += 1
        return AirState(concentration, np.full(len(concentration), OK, np.int8))


class Clocked(Still):
    @property
    def seconds(self):
        return float(self.calls)


@pytest.fixture
def boxes() -> Boxes:
    return draw_boxes(Plan(seed=1), made_up(), range(3))


@pytest.fixture
def run(boxes) -> xr.Dataset:
    """Two days, in which a concentration says when and where it was."""
    time = 3600.0 * np.arange(49)
    values = np.broadcast_to(time[:, None, None] + np.arange(3)[:, None], (49, 3, 4))
    return xr.Dataset({"concentration": (("time", "box", "species"), values)}, {"time": time})


def test_cells_are_states_of_the_roll_out_in_the_order_of_their_time_of_day(run, boxes):
    cells = visited(run, boxes, 50)
    time, box = np.divmod(cells.concentration[:, 0], 3600)
    box = box.astype(int)
    assert len(cells) == 50
    assert (np.diff(time * 3600 % DAY) >= 0).all()
    np.testing.assert_array_equal(cells.temperature, boxes.temperature[box])
    np.testing.assert_array_equal(cells.emission, boxes.emission[box])
    np.testing.assert_allclose(cells.photolysis, boxes.sunlight[box] * daylight(3600 * time + 150))


def test_a_solver_counts_its_own_seconds(run, boxes, monkeypatch):
    monkeypatch.setattr(turns, "TURN", 0.0)
    clocked, still = Clocked(), Still()
    taken = interleaved({"clocked": clocked, "still": still}, visited(run, boxes, 10), repeats=3)
    assert taken["clocked"] == pytest.approx(1e5)  # us: a second for ten cells
    assert taken["still"] >= 0
    assert clocked.calls == still.calls == 4  # the first is not counted
