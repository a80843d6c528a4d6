"""Where along a trajectory states are taken, how they are moved off it, and the parts that data are kept in."""

import functools

import numpy as np
import pytest
import xarray as xr

from geodl.chemistry.data.perturb import perturb
from geodl.chemistry.data.plan import Plan
from geodl.chemistry.data.trajectories import Trajectory
from geodl.chemistry.example import example, one_step
from geodl.core.parts import make_parts
from geodl.errors import OutputError, ResumeError
from geodl.testing import assert_refused


def sigmoid() -> Trajectory:
    """One species becomes the other, late and fast."""
    time = np.concatenate([[0], np.logspace(-8, -2, 300)])
    burnt = 1 / (1 + np.exp((1e-3 - time) / 2e-5))
    burnt[0] = 0
    fractions = np.stack([1 - burnt, burnt], 1)
    return Trajectory("ignition", 1000.0, 1.0, time, 1000 + 1000 * burnt, np.full(301, 1e5), fractions)


def test_the_arc_length_gives_slow_and_fast_parts_their_share():
    path = sigmoid()
    way = path.arc_length(1e-8)
    assert way[0] == 0
    assert way[-1] == pytest.approx(1, rel=1e-12)
    assert (np.diff(way) >= 0).all()
    temperature, *_ = path.at(np.linspace(0, 1, 1000), 1e-8)
    shares = [((low <= temperature) & (temperature < high)).mean() for low, high in ((0, 1001), (1001, 1999))]
    assert min(*shares, 1 - sum(shares)) > 0.05


def test_states_between_states_are_on_the_straight_line():
    path = sigmoid()
    temperature, pressure, fractions = path.at(np.random.default_rng(0).uniform(size=200), 1e-8)
    np.testing.assert_allclose(temperature, 1000 + 1000 * fractions[:, 1], rtol=1e-12)
    np.testing.assert_allclose(fractions.sum(1), 1, rtol=1e-14)
    assert (pressure == 1e5).all()
    start, end = path.at(np.array([0.0, 1.0]), 1e-8)[0]
    assert start == path.temperature[0]
    assert end == pytest.approx(path.temperature[-1], rel=1e-12)


def test_a_trajectory_on_which_nothing_happens_is_sampled_too():
    still = Trajectory("ignition", 300.0, 1.0, np.linspace(0, 1, 5), np.full(5, 300.0), np.ones(5), np.ones((5, 1)))
    assert np.isfinite(still.arc_length(1e-8)).all()


def test_a_moved_state_keeps_elements_and_zeros():
    rng, elements = np.random.default_rng(0), one_step().element_matrix
    fractions = rng.dirichlet(np.ones(4), 100)
    fractions[:50, 0] = 0
    fractions /= fractions.sum(1, keepdims=True)
    temperature, moved = perturb(rng, np.full(100, 1000.0), fractions, elements)
    np.testing.assert_allclose(moved @ elements.T, fractions @ elements.T, atol=1e-14)
    assert (moved[:50, 0] == 0).all()
    assert 10 < np.std(temperature) < 40
    shift = np.abs(moved - fractions)[50:].max(1)
    assert (shift > 0).all()
    assert np.quantile(shift, 0.9) > 5 * np.quantile(shift, 0.1)


def test_flames_come_first_and_alone():
    plan = Plan(flames=2, trajectories=5, batch=2)
    assert plan.parts() == [range(0, 1), range(1, 2), range(2, 4), range(4, 6), range(6, 7)]


def test_spans_are_drawn_within_their_ends():
    plan, rng = Plan(temperature="900:1600", pressure="1e4:1e6", phi=2), np.random.default_rng(0)
    temperature, pressure = plan.draw(rng, "temperature", 4000), plan.draw(rng, "pressure", 4000)
    assert 900 <= temperature.min() < 910 < 1580 < temperature.max() <= 1600
    assert np.median(1 / temperature) == pytest.approx(1 / 1152, rel=0.02)
    assert np.median(pressure) == pytest.approx(1e5, rel=0.15)
    assert float(plan.draw(rng, "phi")) == pytest.approx(2, rel=1e-15)


def squares(offset: int, numbers: range) -> xr.Dataset:
    return xr.Dataset({"square": ("sample", np.array(numbers) ** 2 + offset)})


def test_parts_come_in_order_and_only_once(tmp_path):
    parts = [range(0, 2), range(2, 5)]
    run = functools.partial(make_parts, identity="squares", folder=tmp_path / "kept", workers=1, about="squares")
    first = run(functools.partial(squares, 0), parts)
    assert [part["square"].values.tolist() for part in first] == [[0, 1], [4, 9, 16]]
    (tmp_path / "kept" / "from-000002.nc").write_bytes(b"half a file")
    second = run(functools.partial(squares, 100), parts)
    assert [part["square"].values.tolist() for part in second] == [[0, 1], [104, 109, 116]]
    assert_refused(
        ResumeError,
        lambda: make_parts(
            functools.partial(squares, 0), parts, identity="cubes", folder=tmp_path / "kept", workers=1, about=""
        ),
        "squares", "cubes",
    )  # fmt: skip


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    make = functools.partial(squares, 0)
    nowhere = tmp_path / "no" / "where"
    assert_refused(
        OutputError,
        lambda: make_parts(make, [range(1)], identity="", folder=nowhere, workers=1, about=""),
        str(nowhere),
    )


def test_the_example_keeps_elements_and_enthalpy_and_burns():
    ds, mechanism = example(0), one_step()
    elements = mechanism.element_matrix.T
    before, after = ds["mass_fraction"].values, ds["mass_fraction_end"].values
    np.testing.assert_allclose(after @ elements, before @ elements, atol=1e-15)
    nasa = np.array([species.low for species in mechanism.nasa])

    def enthalpy(end: str) -> np.ndarray:
        amounts = ds[f"mass_fraction{end}"].values / mechanism.weights
        return np.asarray(amounts @ nasa[:, 0] * ds[f"temperature{end}"].values + amounts @ nasa[:, 5])

    np.testing.assert_allclose(enthalpy("_end"), enthalpy(""), rtol=1e-12)
    heated = ds["temperature_end"] - ds["temperature"]
    assert float(heated.min()) > -1e-9
    assert float(heated.max()) > 100
    assert len(set(ds["trajectory"].values.tolist())) >= 12
    xr.testing.assert_identical(example(3), example(3))
    assert not bool((example(3)["temperature"] == ds["temperature"]).any())
