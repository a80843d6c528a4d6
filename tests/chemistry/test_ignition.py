"""Ignition delays are those of closed forms; mixtures and reference trajectories are Cantera's."""

import numpy as np
import pytest

from geodl.chemistry.cases.ignition import (
    ATMOSPHERE,
    IgnitionCase,
    ignition_cases,
    ignition_delay,
    ignition_errors,
    ignition_start,
    reference_trajectory,
    resolved_delay,
)
from geodl.chemistry.cases.mixture import AIR, mole_fractions, premixed
from geodl.chemistry.cases.reactor import Cells, roll_out
from geodl.chemistry.mechanism.read import read_mechanism
from geodl.errors import MechanismError, OptionError, ShapeError
from geodl.testing import assert_refused, observed_order
from tests.chemistry.toys import COLD, HOT, PRESSURE, Toy, logistic, mixture


def test_the_delay_lies_between_two_steps_on_a_straight_line():
    time = np.array([0.0, 1.0, 2.0, 4.0])
    temperature = np.array([[1000.0, 900.0], [1100.0, 900.0], [1300.0, 1300.0], [1700.0, 1400.0]])
    np.testing.assert_allclose(ignition_delay(time, temperature), [2.5, 2.0], rtol=1e-14)
    own = np.stack([time, 10 * time], -1)
    np.testing.assert_allclose(ignition_delay(own, temperature, rise=50.0), [0.5, 11.25], rtol=1e-14)


def test_a_mixture_that_never_ignites_has_no_delay():
    temperature = np.array([[900.0, 1000.0], [1299.0, 1400.0]])
    np.testing.assert_array_equal(ignition_delay(np.array([0.0, 1.0]), temperature), [np.nan, 1.0])


def test_the_delay_of_a_logistic_explosion_converges_with_the_time_step():
    rate, burnt = 1e5, np.array([1e-3, 1e-2])
    start = Cells(COLD + (HOT - COLD) * burnt, np.full(2, PRESSURE), mixture(burnt))
    there = burnt + 400 / (HOT - COLD)
    exact = np.log(there / (1 - there) * (1 - burnt) / burnt) / rate
    steps, errors = [4e-6, 1e-6, 2.5e-7], []
    for dt in steps:
        found = roll_out(Toy(logistic(rate)), start, dt, round(1e-4 / dt), show=False)
        errors.append(float(np.abs(ignition_delay(found.time, found.temperature) / exact - 1).max()))
    assert errors[-1] < 1e-4
    assert observed_order(errors[::2], steps[::2])[0] == pytest.approx(2, abs=0.6)  # where in a step it falls varies


def test_the_step_of_ignition_is_resolved_however_long_it_is():
    rate, burnt = 1e5, np.array([1e-3, 1e-2, 1e-40])
    chemistry, start = Toy(logistic(rate)), Cells(COLD + (HOT - COLD) * burnt, np.full(3, PRESSURE), mixture(burnt))
    there = burnt[:2] + 400 / (HOT - COLD)
    exact = np.log(there / (1 - there) * (1 - burnt[:2]) / burnt[:2]) / rate
    found = roll_out(chemistry, start, 4e-5, 3, show=False)  # four times the time in which it burns
    resolved, straight = resolved_delay(chemistry, found), ignition_delay(found.time, found.temperature)
    np.testing.assert_allclose(resolved[:2], exact, rtol=1e-2)
    assert (np.abs(straight[:2] / exact - 1) > 0.03).all()
    assert np.isnan(resolved[2])


def test_cases_fill_their_ranges_and_do_not_depend_on_when_they_are_drawn():
    cases = ignition_cases(3, 50)
    assert cases == ignition_cases(3, 50)
    assert cases != ignition_cases(4, 50)
    inverse = np.sort([1 / case.temperature for case in cases])
    edges = np.linspace(1 / 1600, 1 / 900, 51)
    assert ((edges[:-1] <= inverse) & (inverse <= edges[1:])).all()  # one case in each of fifty strata
    assert all(0.4 <= c.equivalence_ratio <= 2.5 and 0.5 <= c.pressure / ATMOSPHERE <= 20 for c in cases)


def test_mixtures_are_those_of_cantera():
    cantera = pytest.importorskip("cantera")
    gas, mechanism, ratios = cantera.Solution("gri30.yaml"), read_mechanism("gri30.yaml"), np.array([0.4, 1.0, 2.5])
    for fuel in ("H2", "CH4:3, H2:1", "CH3OH"):
        expected = []
        for ratio in ratios:
            gas.set_equivalence_ratio(ratio, fuel.replace(" ", ""), AIR.replace(" ", ""))
            expected.append(gas.Y)
        found = premixed(mechanism, fuel, AIR, ratios)
        np.testing.assert_allclose(found, np.array(expected), rtol=1e-12, atol=1e-15)


def test_one_ratio_gives_one_mixture():
    pytest.importorskip("cantera")
    mechanism = read_mechanism("h2o2.yaml")
    np.testing.assert_array_equal(premixed(mechanism, "H2", AIR, 0.5), premixed(mechanism, "H2", AIR, [0.5])[0])


def test_the_reference_is_what_small_steps_lead_to():
    pytest.importorskip("cantera")
    from geodl.chemistry.reference import CanteraChemistry

    chemistry = CanteraChemistry("h2o2.yaml", rtol=1e-9, atol=1e-15)
    cases = [IgnitionCase(1200.0, ATMOSPHERE, 1.0), IgnitionCase(900.0, ATMOSPHERE, 1.0)]
    start = ignition_start(chemistry.mechanism, cases, "H2")
    stepped = roll_out(chemistry, start, 1e-6, 80, show=False)
    direct = reference_trajectory("h2o2.yaml", start, stepped.time, show=False)
    np.testing.assert_allclose(stepped.temperature, direct.temperature, rtol=5e-5)
    np.testing.assert_allclose(stepped.mass_fraction, direct.mass_fraction, rtol=1e-3, atol=2e-5)
    delays = ignition_delay(direct.time, direct.temperature)
    np.testing.assert_allclose(delays, ignition_delay(stepped.time, stepped.temperature), rtol=1e-4)
    assert 2e-5 < delays[0] < 8e-5
    assert np.isnan(delays[1])


def test_errors_are_those_of_delay_rise_and_end():
    rate, burnt = 1e5, np.array([1e-3, 1e-2, 0.0])
    start = Cells(COLD + (HOT - COLD) * burnt, np.full(3, PRESSURE), mixture(burnt))
    exact, slow = (roll_out(Toy(logistic(r)), start, 5e-7, 400, show=False) for r in (rate, 0.9 * rate))
    found = ignition_errors(slow, exact)
    np.testing.assert_allclose(found.delay_error[:2], 1 / 0.9 - 1, rtol=1e-2)
    assert np.isnan(found.delay_error[2])
    np.testing.assert_allclose(found.rise, [HOT - COLD, (HOT - COLD) * 0.99, 0], rtol=2e-3)
    np.testing.assert_allclose(found.end_temperature_error, 0, atol=5e-2)
    never = roll_out(Toy(logistic(0.0)), start, 5e-7, 400, show=False)
    assert ignition_errors(never, exact).delay_error.values[0] == np.inf
    short = roll_out(Toy(logistic(rate)), start, 5e-7, 10, show=False)
    assert_refused(ShapeError, lambda: ignition_errors(short, exact), "[11, 3]", "[401, 3]")


@pytest.mark.parametrize(("constant", "tolerance"), [("volume", 1e-4), ("pressure", 0.01)])
def test_any_chemistry_serves_reactors_of_constant_volume(constant, tolerance):
    pytest.importorskip("cantera")
    from geodl.chemistry.reference import CanteraChemistry

    chemistry = CanteraChemistry("h2o2.yaml", rtol=1e-9, atol=1e-15, constant=constant)
    start = ignition_start(chemistry.mechanism, [IgnitionCase(1200.0, ATMOSPHERE, 1.0)], "H2")
    stepped = roll_out(chemistry, start, 1e-6, 100, constant="volume", show=False)
    direct = reference_trajectory("h2o2.yaml", start, stepped.time, constant="volume", show=False)
    found = ignition_errors(stepped, direct)
    np.testing.assert_allclose(found.delay_error, 0, atol=tolerance)
    np.testing.assert_allclose(stepped.pressure[-1], direct.pressure[-1], rtol=tolerance)


def test_a_constant_volume_explodes_to_a_higher_pressure():
    pytest.importorskip("cantera")
    start = ignition_start(read_mechanism("h2o2.yaml"), [IgnitionCase(1200.0, ATMOSPHERE, 1.0)], "H2")
    found = reference_trajectory("h2o2.yaml", start, np.array([0.0, 1e-3]), constant="volume", show=False)
    assert found.pressure[-1, 0] > 2 * ATMOSPHERE
    assert found.temperature[-1, 0] > 2900


def test_bad_cases_are_refused():
    pytest.importorskip("cantera")
    mechanism = read_mechanism("h2o2.yaml")
    assert_refused(OptionError, lambda: ignition_cases(0, 5, temperature=(1600.0, 900.0)), "temperature", "1600")
    assert_refused(ShapeError, lambda: ignition_delay(np.ones(3), np.ones((2, 4))), "[3]", "[2, 4]")
    assert_refused(MechanismError, lambda: premixed(mechanism, "CH4", AIR, 1.0), "CH4")
    assert_refused(OptionError, lambda: premixed(mechanism, "N2", AIR, 1.0), "N2", "oxygen")
    assert_refused(OptionError, lambda: premixed(mechanism, "H2", AIR, -1.0), "-1.0")
    assert_refused(OptionError, lambda: mole_fractions(mechanism, "O2:one"), "'one'", "O2:1, N2:3.76")
    start = ignition_start(mechanism, [IgnitionCase(1000.0, ATMOSPHERE, 1.0)], "H2")
    assert_refused(OptionError, lambda: reference_trajectory("h2o2.yaml", start, np.array([1.0, 0.5])), "increase")
    assert_refused(ShapeError, lambda: reference_trajectory("h2o2.yaml", start, np.ones((2, 3))), "[2, 3]")
