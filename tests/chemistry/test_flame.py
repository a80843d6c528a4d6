"""Flames travel at the speed of closed forms, at the order of their scheme, and at that of Cantera's own flame."""

import numpy as np
import pytest

from geodl.chemistry.cases.flame import FlameProfile, PremixedFlame
from geodl.chemistry.mechanism.mechanism import GAS_CONSTANT
from geodl.errors import MechanismError, OptionError, ShapeError, StabilityError
from geodl.testing import assert_refused, observed_order
from tests.chemistry.toys import COLD, HOT, PRESSURE, WEIGHT, Toy, bistable, mixture

# A reaction-diffusion front c = 1 / (1 + exp(-m / width)) of dc/dt = D c'' + rate c (1 - c) (c - threshold).
DIFFUSIVITY, RATE, THRESHOLD = 3e-5, 1e5, 0.1  # kg2 m-4 s-1, 1/s
WIDTH = np.sqrt(2 * DIFFUSIVITY / RATE)  # kg m-2
BURNING = np.sqrt(DIFFUSIVITY * RATE / 2) * (1 - 2 * THRESHOLD)  # kg m-2 s-1
DENSITY = PRESSURE * WEIGHT / (GAS_CONSTANT * COLD)
PASSAGE = 4 * WIDTH / BURNING  # s, through the thermal thickness of 4 widths


def conductivity(temperature):
    """Proportional to T, so that rho^2 D is constant."""
    return DIFFUSIVITY / DENSITY * temperature / COLD


def profile(width=WIDTH):
    mass = np.linspace(-16, 16, 641) * width
    burnt = 1 / (1 + np.exp(-mass / width))
    burnt[0], burnt[-1] = 0, 1
    return FlameProfile(mass, COLD + (HOT - COLD) * burnt, mixture(burnt), PRESSURE)


def flame(per_thickness=12, *, thicknesses=12, flow=None, **options):
    cells = round(per_thickness * thicknesses)
    chemistry = Toy(flow or bistable(RATE, THRESHOLD))
    options = {"conductivity": conductivity, "quiet": -1.0, **options}
    return PremixedFlame(chemistry, profile(), "F", cells=cells, per_thickness=per_thickness, **options)


def speed(dt, per_thickness):
    """Relative error of the burning rate after it has settled."""
    found = flame(per_thickness, thicknesses=8).run(dt, tolerance=1e-3, show=False)
    assert found.steady
    return found.consumption * DENSITY / BURNING - 1


def test_a_front_travels_at_the_speed_of_its_closed_form():
    found = flame(20, thicknesses=8).run(PASSAGE / 100, tolerance=1e-3, show=False)
    assert found.consumption * DENSITY == pytest.approx(BURNING, rel=2e-3)
    assert found.front == pytest.approx(found.consumption, rel=5e-4)
    assert found.burnt_temperature == pytest.approx(HOT, abs=1e-3)
    assert found.status["failed"] == 0


def test_the_speed_is_second_order_in_the_cells():
    counts = [4, 8, 16]
    errors = [abs(speed(PASSAGE / 100, n)) for n in counts]
    assert observed_order(errors, [1 / n for n in counts]) == pytest.approx([2, 2], abs=0.1)


def after(dt, time, **options):
    moving = flame(6, thicknesses=10, **options)
    for _ in range(round(time / dt)):
        moving.step(dt)
    assert moving.time == pytest.approx(time)
    return moving


def test_splitting_is_second_order_in_time():
    """With a diffusivity that follows the temperature, against a much finer step; the frame has not moved."""
    options = {"conductivity": lambda t: np.full_like(t, 3 * DIFFUSIVITY / DENSITY)}
    end, counts = PASSAGE / 16, [2, 4, 8]
    exact = after(end / 128, end, **options)
    found = [after(end / n, end, **options) for n in counts]
    assert {f.shifted for f in (exact, *found)} == {0}
    errors = [float(np.abs(f.mass_fraction - exact.mass_fraction).max()) for f in found]
    assert observed_order(errors, [1 / n for n in counts]) == pytest.approx([2, 2], abs=0.15)


def test_transport_alone_conserves_and_keeps_signs():
    still = flame(flow=lambda c, dt: c)
    generator = np.random.default_rng(0)
    still.mass_fraction = mixture((generator.random(len(still.temperature)) > 0.5) * 1.0)
    still.temperature = still._temperature(still.enthalpy, still.mass_fraction)
    sums = still.mass_fraction.sum(0), still.enthalpy.sum()
    still._transport(PASSAGE / 5)  # far beyond what an explicit step would stand
    np.testing.assert_allclose(still.mass_fraction.sum(0), sums[0], rtol=1e-13)
    np.testing.assert_allclose(still.enthalpy.sum(), sums[1], rtol=1e-12)
    np.testing.assert_allclose(still.mass_fraction.sum(1), 1, rtol=1e-13)
    assert still.mass_fraction.min() >= 0
    assert still.mass_fraction.max() <= 1 + 1e-14


def test_enthalpy_stays_that_of_the_fresh_gas():
    burning = flame()
    for _ in range(50):
        burning.step(PASSAGE / 50)
    np.testing.assert_allclose(burning.temperature, COLD + (HOT - COLD) * burning.mass_fraction[:, 1], rtol=1e-12)
    assert burning.shifted >= 10  # whole cells, 12 in a passage


def test_moving_the_frame_changes_nothing():
    burning, still = flame(12, thicknesses=12), flame(12, thicknesses=12)
    still._follow = lambda: None
    for _ in range(100):
        burning.step(PASSAGE / 50)
        still.step(PASSAGE / 50)
    cells = burning.shifted
    assert cells >= 20
    far = 30  # cells from the fresh end, which is elsewhere
    np.testing.assert_allclose(burning.mass_fraction[cells + far :], still.mass_fraction[far:-cells], atol=1e-6)


def test_all_cells_that_may_react_are_one_call():
    burning = flame(quiet=50.0)
    burning.step(PASSAGE / 50)
    assert burning.chemistry.calls == 1
    assert burning.chemistry.largest < len(burning.temperature)
    assert burning.counts.tolist() == [burning.chemistry.largest, 0, 0, 0, 0]


def test_a_flame_without_reactions_stands():
    found = flame(flow=lambda c, dt: c).run(PASSAGE / 50, steps=50, show=False)
    assert found.consumption == pytest.approx(0, abs=1e-10)
    assert not found.steady


def test_a_flame_that_goes_out_says_so():
    dying = flame(flow=lambda c, dt: np.zeros_like(c))
    assert_refused(StabilityError, lambda: dying.run(PASSAGE / 50, show=False), "went out", "time step")


def test_mass_fractions_that_are_no_gas_are_reported():
    burning = flame(flow=lambda c, dt: c + 5.0)
    burning.chemistry.advance = lambda t, p, y, dt: type(
        "S", (), {"mass_fraction": 9 * y, "status": np.zeros(len(y), int)}
    )
    assert_refused(StabilityError, lambda: burning.step(PASSAGE / 50), "no temperature", "add up to")


def test_a_profile_of_the_cells_starts_another_flame():
    burning = flame()
    burning.step(PASSAGE / 50)
    again = PremixedFlame(Toy(None), burning.profile, "F", per_thickness=12.0, cells=len(burning.temperature))
    np.testing.assert_allclose(again.cell_mass, burning.cell_mass, rtol=0.02)
    np.testing.assert_allclose(again._front_cell(), burning._front_cell(), atol=1.0)


def test_a_chemistry_at_constant_volume_is_refused():
    chemistry = Toy(None)
    chemistry.constant = "volume"
    assert_refused(OptionError, lambda: PremixedFlame(chemistry, profile(), "F"), "pressure", "volume")


def test_bad_flames_are_refused():
    assert_refused(MechanismError, lambda: PremixedFlame(Toy(None), profile(), "H2"), "H2")
    assert_refused(OptionError, lambda: PremixedFlame(Toy(None), profile(), "P"), "uses up no P")
    assert_refused(OptionError, lambda: flame(1, thicknesses=3), "3 cells")
    assert_refused(OptionError, lambda: flame().run(0.0), "0.0 s")
    good = profile()
    assert_refused(ShapeError, lambda: FlameProfile(good.mass[1:], good.temperature, good.mass_fraction, 1e5), "[640]")
    assert_refused(
        OptionError, lambda: FlameProfile(good.mass, good.temperature[::-1], good.mass_fraction[::-1], 1e5), "fresh gas"
    )
