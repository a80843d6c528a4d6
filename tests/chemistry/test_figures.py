"""Figures show roll-outs, delays, speeds and errors, with units on their axes."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

import geodl
from geodl.chemistry.cases.delays import Reference, judged
from geodl.chemistry.cases.ignition import resolved_delay
from geodl.chemistry.cases.reactor import Cells, roll_out
from geodl.chemistry.figures import (
    delay_figure,
    drift_figure,
    figures,
    flame_figure,
    fresh_gas,
    ignition_figure,
)
from geodl.train.config import FitConfig
from tests.chemistry.toys import PRESSURE, Toy, logistic, mixture


@pytest.fixture(scope="module")
def surrogate():
    """As good as untrained."""
    family = geodl.family("chemistry", hidden=(8,))
    parts = geodl.split(family.example(0), family.group)
    return geodl.fit(family, parts.train, parts.valid, config=FitConfig(epochs=1), show=False)


@pytest.fixture(scope="module")
def test_data() -> xr.Dataset:
    return geodl.family("chemistry").example(1, trajectories=6)


@pytest.fixture(scope="module")
def drawn(surrogate, test_data) -> dict[str, Figure]:
    return figures(surrogate, test_data)


def toy_roll_out(rate: float):
    """Cells of a logistic toy that ignite one after the other."""
    burnt = np.array([1e-2, 1e-3, 1e-4, 1e-5])
    start = Cells(300 + 1800 * burnt, PRESSURE * np.arange(1, 5), mixture(burnt))
    return start, roll_out(Toy(logistic(rate)), start, 0.1, 150)


@pytest.fixture(scope="module")
def delays() -> xr.Dataset:
    start, truth = toy_roll_out(1.0)
    delay = resolved_delay(Toy(logistic(1.0)), truth)
    return judged(toy_roll_out(1.1)[1], Reference(0.1, start, truth, delay), Toy(logistic(1.1)))


def test_every_axis_says_what_it_shows_and_in_which_units(drawn, delays):
    assert list(drawn) == ["Ignition", "Errors by species", "Drift of the elements"]  # nobody can solve the made-up one
    speeds = xr.Dataset({"flame_speed": ("equivalence_ratio", [1.0, 2.0])}, {"equivalence_ratio": [0.8, 1.0]})
    for figure in [*drawn.values(), delay_figure(delays), flame_figure(speeds, 1.01 * speeds)]:
        figure.canvas.draw()
        for axis in figure.axes:
            assert axis.get_ylabel().endswith("]")
            assert axis.get_xlabel().endswith("]") or axis.get_xlabel() in ("", "species")


def test_roll_outs_begin_where_trajectories_do(surrogate, test_data):
    cells, dt = fresh_gas(surrogate, test_data)
    np.testing.assert_allclose(np.sort(cells.temperature), np.unique(test_data["initial_temperature"]), rtol=1e-9)
    assert test_data["dt"].min() < dt < test_data["dt"].max()


def test_states_without_a_history_will_do(surrogate, test_data):
    cells, _ = fresh_gas(surrogate, test_data.drop_vars(["kind", "initial_temperature"]))
    assert np.isin(cells.temperature, test_data["temperature"]).all()


def test_the_reference_lies_below_each_curve():
    start, truth = toy_roll_out(1.0)
    lines = ignition_figure(toy_roll_out(1.1)[1], truth).axes[0].lines
    assert len(lines) == 2 * len(start.temperature)
    np.testing.assert_allclose(lines[0].get_ydata(), truth.temperature[1:, 0])


def test_a_rate_that_is_a_tenth_too_high_shows_as_delays_a_tenth_too_short(delays):
    left, right = delay_figure(delays).axes[:2]
    shown = right.collections[0].get_offsets()[:, 1]
    np.testing.assert_allclose(shown, 100 * (1 / 1.1 - 1), atol=1.0)  # logistic delays scale with 1 / rate
    np.testing.assert_allclose(left.lines[0].get_ydata(), delays["reference_delay"])


def test_what_loses_nothing_is_drawn_at_rounding():
    found = toy_roll_out(1.0)[1]
    lines = drift_figure(found, Toy.mechanism).axes[0].lines
    assert all(np.max(line.get_ydata()) < 1e-13 for line in lines)


def test_no_change_has_the_error_one_in_every_species(drawn):
    by_label = {line.get_label(): line for line in drawn["Errors by species"].axes[0].lines}
    np.testing.assert_allclose(by_label["unchanged"].get_ydata(), 1.0, rtol=1e-6)
    assert "surrogate" in by_label
