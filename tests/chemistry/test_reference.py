"""Cantera as the reference: laws that its answers keep, and cells that it cannot answer."""

import math
import sys

import numpy as np
import pytest
import torch

from geodl.chemistry.reference import CanteraChemistry
from geodl.chemistry.state import FAILED, OK
from geodl.errors import MechanismError, MissingPackageError, OptionError, ShapeError
from geodl.testing import assert_refused

pytest.importorskip("cantera")
TIGHT = {"rtol": 1e-9, "atol": 1e-15, "mole": False}


def fresh(chemistry: CanteraChemistry, phi: float = 1.0) -> np.ndarray:
    """Mass fractions [1, species] of hydrogen in air."""
    chemistry.gas.set_equivalence_ratio(phi, "H2", "O2:1, N2:3.76")
    return chemistry.gas.Y[None]


@pytest.fixture(scope="module")
def chemistry() -> CanteraChemistry:
    return CanteraChemistry("h2o2.yaml", **TIGHT)


@pytest.fixture(scope="module")
def burning(chemistry) -> tuple[np.ndarray, np.ndarray]:
    """Temperatures and mass fractions of gas that burns at one bar."""
    start = np.linspace(1100, 2000, 8)
    state = chemistry.advance(start, 1e5, np.repeat(fresh(chemistry), 8, 0), 1e-5)
    return state.temperature, state.mass_fraction


@pytest.mark.parametrize("constant", ["pressure", "volume"])
@pytest.mark.parametrize("mole", [True, False], ids=["mole", "mass"])
def test_elements_and_energy_are_kept(burning, constant, mole):
    chemistry = CanteraChemistry("h2o2.yaml", **{**TIGHT, "constant": constant, "mole": mole})
    gas, (temperature, fractions) = chemistry.gas, burning
    after = chemistry.advance(temperature, 1e5, fractions, 1e-5)
    assert (after.status == OK).all()
    assert np.abs(after.temperature - temperature).max() > 10
    elements = chemistry.mechanism.element_matrix.T
    np.testing.assert_allclose(after.mass_fraction @ elements, fractions @ elements, atol=1e-12)
    for i in range(len(temperature)):
        gas.TPY = temperature[i], 1e5, fractions[i]
        if constant == "pressure":
            enthalpy = gas.enthalpy_mass
            gas.TPY = after.temperature[i], 1e5, after.mass_fraction[i]
            assert gas.enthalpy_mass == pytest.approx(enthalpy, abs=1e-3 * gas.cp_mass)
        else:
            energy, density = gas.int_energy_mass, gas.density
            gas.TDY = after.temperature[i], density, after.mass_fraction[i]
            assert gas.int_energy_mass == pytest.approx(energy, abs=1e-3 * gas.cv_mass)


def test_two_steps_are_one_step_of_twice_the_length(chemistry, burning):
    half = chemistry.advance(burning[0], 1e5, burning[1], 2e-6)
    twice = chemistry.advance(half.temperature, 1e5, half.mass_fraction, 2e-6)
    once = chemistry.advance(burning[0], 1e5, burning[1], 4e-6)
    np.testing.assert_allclose(twice.temperature, once.temperature, rtol=1e-7)
    np.testing.assert_allclose(twice.mass_fraction, once.mass_fraction, atol=1e-9)


def test_burnt_gas_stays_at_equilibrium(chemistry):
    gas = chemistry.gas
    gas.TPY = 1000, 1e5, fresh(chemistry)[0]
    gas.equilibrate("HP", rtol=1e-12)
    temperature, fractions = gas.T, gas.Y[None]
    after = chemistry.advance(temperature, 1e5, fractions, 1e-3)
    assert after.temperature[0] == pytest.approx(temperature, abs=0.01)
    np.testing.assert_allclose(after.mass_fraction, fractions, atol=1e-7)


def test_a_step_of_no_time_changes_nothing(chemistry, burning):
    after = chemistry.advance(burning[0], 1e5, burning[1], 0.0)
    np.testing.assert_allclose(after.temperature, burning[0], rtol=1e-14)
    np.testing.assert_allclose(after.mass_fraction, burning[1], rtol=1e-13)


@pytest.mark.parametrize("mole", [True, False], ids=["mole", "mass"])
def test_a_cell_does_not_depend_on_those_before_it(mole):
    chemistry = CanteraChemistry("h2o2.yaml", mole=mole)
    fractions = np.repeat(fresh(chemistry), 3, 0)
    temperature = np.array([1500.0, 2500.0, 1200.0])
    there = chemistry.advance(temperature, 1e5, fractions, 1e-5)
    back = chemistry.advance(temperature[::-1].copy(), 1e5, fractions, 1e-5)
    np.testing.assert_array_equal(there.mass_fraction, back.mass_fraction[::-1])


def test_a_bad_cell_is_flagged_and_the_others_are_answered(chemistry):
    temperature = np.array([1500, math.nan, 1500, -5, 1e8, 1500])
    pressure = np.array([1e5, 1e5, -1e5, 1e5, 1e5, 1e5])
    fractions = np.repeat(fresh(chemistry), 6, 0)
    after = chemistry.advance(temperature, pressure, fractions, 1e-5)
    assert after.status.tolist() == [OK, FAILED, FAILED, FAILED, FAILED, OK]
    np.testing.assert_array_equal(after.temperature[1:5], temperature[1:5])
    np.testing.assert_array_equal(after.mass_fraction[1:5], fractions[1:5])
    np.testing.assert_array_equal(after.mass_fraction[0], after.mass_fraction[5])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_tensors_give_tensors(chemistry, burning, dtype):
    fractions = torch.tensor(burning[1], dtype=dtype)
    after = chemistry.advance(torch.tensor(burning[0]), 1e5, fractions, 1e-6)
    assert after.temperature.dtype == after.mass_fraction.dtype == dtype
    assert after.status.dtype == torch.int8
    assert after.source(fractions, 1e-6).shape == fractions.shape


def test_preconditioned_steps_end_where_dense_ones_do(chemistry, burning):
    krylov = CanteraChemistry("h2o2.yaml", rtol=1e-9, atol=1e-15, preconditioned=True)
    there, here = (solver.advance(burning[0], 1e5, burning[1], 1e-6) for solver in (krylov, chemistry))
    np.testing.assert_allclose(there.temperature, here.temperature, rtol=1e-6)


def test_what_cannot_be_solved_is_refused():
    assert_refused(OptionError, lambda: CanteraChemistry("h2o2.yaml", rtol=0), "rtol 0")
    assert_refused(OptionError, lambda: CanteraChemistry("h2o2.yaml", constant="energy"), "energy", "volume")
    assert_refused(OptionError, lambda: CanteraChemistry("h2o2.yaml", mole=False, preconditioned=True), "mole=True")
    assert_refused(MechanismError, lambda: CanteraChemistry("h2o3.yaml"), "h2o2.yaml")
    assert_refused(ShapeError, lambda: CanteraChemistry("h2o2.yaml").advance(1e3, 1e5, np.ones((1, 9)) / 9, 1.0), "10")


def test_a_missing_cantera_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "cantera", None)
    assert_refused(MissingPackageError, lambda: CanteraChemistry("h2o2.yaml"), "geodl[chemistry]")
