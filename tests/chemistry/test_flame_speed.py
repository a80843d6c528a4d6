"""The speed of a hydrogen flame, by the same code for any chemistry, is that of Cantera's own flame."""

import numpy as np
import pytest

from geodl.chemistry.cases.flame_speed import Conductivity, FreshGas, flame_speeds, flame_start
from geodl.errors import StabilityError
from geodl.testing import assert_refused

pytest.importorskip("cantera")
GAS = FreshGas("h2o2.yaml")
COARSE = {"dt": 2e-6, "cells": 80, "per_thickness": 11.0, "tolerance": 0.01}


def test_conductivity_is_linear_between_its_points_and_constant_beyond():
    table = Conductivity(np.array([300.0, 400.0]), np.array([1.0, 3.0]))
    np.testing.assert_allclose(table(np.array([200.0, 350.0, 500.0])), [1.0, 2.0, 3.0])


def test_a_flame_starts_from_the_fresh_gas():
    start = flame_start(GAS, 1.0)
    assert start is flame_start(GAS, 1.0)
    assert start.profile.temperature[0] == pytest.approx(298, abs=1e-6)
    assert np.count_nonzero(start.profile.mass_fraction[0]) == 3  # H2, O2, N2
    assert 2e-5 < start.conductivity(np.array([298.0]))[0] < 6e-5
    assert start.passage == pytest.approx(5.8e-5, rel=0.05)


def test_a_mixture_without_a_flame_is_refused(monkeypatch):
    import cantera

    def fail(*_, **__):
        raise cantera.CanteraError("no convergence")

    monkeypatch.setattr(cantera.FreeFlame, "solve", fail)
    assert_refused(StabilityError, lambda: flame_start(GAS, 0.05), "no flame", "h2o2.yaml", "0.05")


def test_hydrogen_burns_as_fast_as_in_the_flame_of_cantera():
    from geodl.chemistry.reference import CanteraChemistry

    found = flame_speeds(CanteraChemistry("h2o2.yaml"), [1.0], GAS, **COARSE, show=False)
    assert bool(found.steady.all())
    np.testing.assert_allclose(found.flame_speed, found.cantera_speed, rtol=0.03)
    np.testing.assert_allclose(found.flame_speed, found.front_speed, rtol=0.005)
    assert found.flame_speed.attrs["units"] == "m s-1"
    assert int(found.cells.sel(status="failed").sum()) == 0
    assert int(found.cells.sum()) > 1000
