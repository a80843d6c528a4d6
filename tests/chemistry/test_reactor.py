"""Reactors follow closed forms, ask for all cells at once, and keep what they are told to keep constant."""

import numpy as np
import pytest
import torch

from geodl.chemistry.cases.reactor import Cells, Reactors, roll_out
from geodl.chemistry.thermo import Thermo
from geodl.errors import OptionError, ShapeError
from geodl.testing import assert_refused
from tests.chemistry.toys import COLD, HOT, MECHANISM, PRESSURE, Toy, decay, logistic, mixture

RATE = 1e4  # 1/s


def start(burnt=(0.0, 0.2, 0.5)):
    return Cells(COLD + (HOT - COLD) * np.asarray(burnt), np.full(len(burnt), PRESSURE), mixture(burnt))


@pytest.mark.parametrize(("constant", "gain"), [("pressure", 1.0), ("volume", 3.5 / 2.5)])  # c_p / c_v
def test_a_reactor_heats_up_as_its_fuel_decays(constant, gain):
    found = roll_out(Toy(decay(RATE)), start(), 1e-5, 20, constant=constant, show=False)
    fuel = np.array([1.0, 0.8, 0.5]) * np.exp(-RATE * found.time)
    expected = found.temperature[0] + gain * (HOT - COLD) * (found.mass_fraction[0, :, 0] - fuel)
    np.testing.assert_allclose(found.mass_fraction[..., 0], fuel, rtol=1e-12)
    np.testing.assert_allclose(found.temperature, expected, rtol=1e-12)


def test_constant_pressure_and_constant_volume_keep_what_they_name():
    thermo = Thermo(MECHANISM)
    for constant, kept in (("pressure", thermo.enthalpy), ("volume", thermo.internal_energy)):
        found = roll_out(Toy(logistic(RATE)), start(), 1e-5, 20, constant=constant, show=False)
        values = [
            kept(*map(torch.from_numpy, pair)) for pair in zip(found.temperature, found.mass_fraction, strict=True)
        ]
        np.testing.assert_allclose(values[-1], values[0], rtol=1e-12)
        ratio = found.pressure / found.temperature  # the weights are equal: the density at constant volume
        held = found.pressure if constant == "pressure" else ratio
        np.testing.assert_allclose(held, np.broadcast_to(held[0], held.shape), rtol=1e-12)


def test_every_step_is_one_call_for_all_cells():
    chemistry = Toy(decay(RATE))
    roll_out(chemistry, start(), 1e-5, 6, every=3, show=False)
    assert (chemistry.calls, chemistry.largest) == (6, 3)


def test_each_cell_may_have_its_own_time_step():
    steps = np.array([1e-6, 1e-5, 3e-5])
    together = roll_out(Toy(decay(RATE)), start(), steps, 4, every=2, show=False)
    assert together.time.shape == (3, 3)
    for cell, dt in enumerate(steps):
        alone = roll_out(Toy(decay(RATE)), start(), float(dt), 4, every=2, show=False)
        np.testing.assert_array_equal(together.temperature[:, cell], alone.temperature[:, cell])
        np.testing.assert_array_equal(together.time[:, cell], alone.time[:, cell])


def test_the_worst_status_since_the_last_kept_time_is_kept():
    chemistry = Toy(decay(RATE))
    advance = chemistry.advance

    def sometimes(*arguments):
        state = advance(*arguments)
        state.status[0] = 2 if chemistry.calls == 3 else 0
        return state

    chemistry.advance = sometimes
    found = roll_out(chemistry, start(), 1e-5, 6, every=2, show=False)
    np.testing.assert_array_equal(found.status[:, 0], [0, 0, 2, 0])
    np.testing.assert_array_equal(found.status[:, 1:], 0)


def test_a_chemistry_at_constant_volume_does_not_run_at_constant_pressure():
    chemistry = Toy(decay(RATE))
    chemistry.constant = "volume"
    assert_refused(OptionError, lambda: Reactors(chemistry, start()), "keeps the volume", "constant='pressure'")


def test_bad_reactors_are_refused():
    chemistry = Toy(decay(RATE))
    assert_refused(OptionError, lambda: Reactors(chemistry, start(), constant="density"), "density", "volume")
    assert_refused(OptionError, lambda: roll_out(chemistry, start(), 1e-5, 7, every=2), "7 steps", "every 2")
    assert_refused(
        ShapeError, lambda: Cells(np.ones(2), np.ones(3), mixture([0.0, 0.0])), "pressure [3]", "[cell, species]"
    )
