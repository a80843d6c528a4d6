"""Boxes with day and night: closed forms with a chemistry of one reaction, and a week of the real one."""

import dataclasses

import numpy as np
import pytest

from geodl.chemistry.atmosphere.box import DAY, Boxes, air, daylight, roll_out
from geodl.chemistry.atmosphere.error_versus_cost import daily_bias, error_versus_cost
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes
from geodl.chemistry.atmosphere.reference import AirState
from geodl.chemistry.state import CLIPPED, OK
from geodl.errors import OptionError
from geodl.testing import assert_refused

RATE = 1e-4  # 1/s, of X -> Y in full light

MECHANISM = LumpedMechanism(
    name="one photolysis",
    fingerprint="0",
    species=("X", "Y", "M"),
    families={"X": {"X": 1, "Y": 1}},
    given=("M",),
    concentration={"X": 1e-6},
    emission={"X": 1e-10},
    photolysis={"X": RATE},
)


class Photolysis:
    """X -> Y in light, exactly, but for a share; counts its calls."""

    mechanism = MECHANISM

    def __init__(self, share=1.0):
        self.share, self.calls = share, 0

    def advance(self, temperature, pressure, concentration, dt, *, photolysis=0.0, emission=None):
        self.calls += 1
        rate = np.maximum(self.share * RATE * photolysis, 1e-30)
        left = np.exp(-rate * dt)
        after = concentration.copy()
        after[:, 0] = after[:, 0] * left + emission[:, 0] * (1 - left) / rate
        after[:, 1] += concentration[:, 0] + emission[:, 0] * dt - after[:, 0]
        status = np.where(photolysis > 0.99, CLIPPED, OK).astype(np.int8)
        return AirState(after, status)


@pytest.fixture
def boxes() -> Boxes:
    return draw_boxes(Plan(seed=1, emission=1.0, dilution=1.0), MECHANISM, range(5))


def closed(boxes):
    return dataclasses.replace(boxes, dilution=np.zeros(len(boxes)), emission=np.zeros_like(boxes.emission))


def test_the_sun_shines_from_six_to_eighteen():
    np.testing.assert_allclose(
        daylight(np.array([0, 6, 9, 12, 18, 24, 36]) * 3600.0), [0, 0, 0.5**0.5, 1, 0, 0, 1], atol=1e-12
    )


def test_air_is_an_ideal_gas_that_vapour_dilutes():
    dry = air(np.array([288.15]), np.array([101325.0]), 0.0)
    assert dry["M"][0] == pytest.approx(42.29, abs=0.01)
    assert dry["O2"][0] / dry["M"][0] == pytest.approx(0.2095)
    wet = air(np.array([293.15]), np.array([101325.0]), 1.0)
    assert wet["H2O"][0] * 8.314462618 * 293.15 == pytest.approx(2339, rel=0.003)  # Pa, saturation at 20 degC
    assert wet["O2"][0] == pytest.approx(0.2095 * (wet["M"][0] - wet["H2O"][0]))


def test_light_of_a_day_adds_up(boxes):
    run = roll_out(Photolysis(), closed(boxes), days=2, every=288, show=False)
    exposure = 24 * 3600 / np.pi  # s, the integral of daylight over a day
    expected = boxes.concentration[:, 0] * np.exp(-2 * RATE * boxes.sunlight * exposure)
    np.testing.assert_allclose(run["concentration"].sel(species="X")[-1], expected, rtol=2e-4)  # steps of 300 s
    np.testing.assert_allclose(run["time"], [0, DAY, 2 * DAY])


def test_a_closed_box_keeps_its_families(boxes):
    run = roll_out(Photolysis(), closed(boxes), days=3, show=False)["concentration"].values
    np.testing.assert_allclose(run[..., :2].sum(-1), np.broadcast_to(run[0, :, :2].sum(-1), run.shape[:2]), rtol=1e-13)


def test_emission_and_dilution_end_in_balance(boxes):
    """X + Y is emitted at E and mixed away at k: a balance of E/k above the background, but for the step in time."""
    run = roll_out(Photolysis(), boxes, days=30, every=288, show=False)["concentration"].values
    kept = np.exp(-boxes.dilution * 300)
    above = 300 * boxes.emission[:, 0] / (1 - kept)
    np.testing.assert_allclose(run[-1, :, :2].sum(-1), boxes.background[:, :2].sum(-1) + above, rtol=1e-9)
    np.testing.assert_allclose(run[-1], run[-2], rtol=1e-9)  # one day is like the next
    np.testing.assert_array_equal(run[:, :, 2], run[:1, :, 2].repeat(len(run), 0))  # air stays


def test_the_worst_status_since_the_last_record_is_kept(boxes):
    sunny = dataclasses.replace(boxes, sunlight=np.array([1.0, 1.0, 0.5, 0.5, 0.5]))
    status = roll_out(Photolysis(), sunny, days=1, every=72, show=False)["status"].values
    np.testing.assert_array_equal(status, CLIPPED * np.outer([0, 0, 1, 1, 0], [1, 1, 0, 0, 0]))


def test_steps_that_do_not_fill_the_days_are_refused(boxes):
    assert_refused(OptionError, lambda: roll_out(Photolysis(), boxes, days=1, dt=7000.0), "86400", "whole steps")


def test_a_box_depends_on_the_seed_and_its_number_alone():
    plan = Plan(seed=4)
    many, few = draw_boxes(plan, MECHANISM, range(9)), draw_boxes(plan, MECHANISM, range(7, 9))
    np.testing.assert_array_equal(many.part(slice(7, 9)).concentration, few.concentration)
    assert not np.isin(draw_boxes(Plan(seed=5), MECHANISM, range(9)).temperature, many.temperature).any()
    assert (np.diff(many.temperature) != 0).all()


def test_the_bias_of_a_day_is_that_of_its_sums():
    truth = np.ones((48, 2, 1))
    predicted = truth.copy()
    predicted[24:, 0] = 1.5
    np.testing.assert_allclose(daily_bias(predicted, truth), [[0.0], [0.25]])


def test_errors_and_costs_of_a_chemistry_that_is_one_percent_too_slow(boxes):
    slow = Photolysis(0.99)
    ds = error_versus_cost(
        closed(boxes), {"slow": slow}, reference=Photolysis(), days=2, species=["X", "Y"], show=False
    )
    assert slow.calls == 2 * 288
    assert ds["chemistry"].values.tolist() == ["the reference", "slow"]
    np.testing.assert_array_equal(ds["largest"][0], 0)
    exposure = 2 * 24 * 3600 / np.pi * RATE * boxes.sunlight.max()
    assert float(ds["largest"].sel(species="X")[1]) == pytest.approx(np.expm1(0.01 * exposure), rel=2e-3)
    assert (ds["daily_bias"].sel(chemistry="slow", species="X") > 0).all()
    assert (ds["cost"] > 0).all()
