"""Units go there and come back."""

import pytest

from geodl.errors import OptionError
from geodl.flow.lattice.scales import Scales
from geodl.testing import assert_refused

SCALES = Scales(spacing=0.01, velocity=0.2, lattice_speed=0.05, density=1000.0)
QUANTITIES = ["length", "time", "velocity", "viscosity", "density", "pressure", "force", "acceleration"]


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_units_go_there_and_back(quantity):
    assert SCALES.to_lattice(SCALES.to_physical(0.3, quantity), quantity) == pytest.approx(0.3, rel=1e-15)


def test_the_inflow_has_its_two_speeds():
    assert SCALES.to_lattice(0.2, "velocity") == pytest.approx(0.05)
    assert SCALES.time_step == pytest.approx(0.0025)


def test_dimensionless_numbers_do_not_depend_on_the_units():
    viscosity, length, drag = 1e-4, 0.1, 3.0
    physical = 0.2 * length / viscosity
    lattice = 0.05 * SCALES.to_lattice(length, "length") / SCALES.to_lattice(viscosity, "viscosity")
    assert lattice == pytest.approx(physical)
    coefficient = 2 * SCALES.to_lattice(drag, "force") / (0.05**2 * SCALES.to_lattice(length, "length"))
    assert coefficient == pytest.approx(2 * drag / (1000 * 0.2**2 * length))


def test_an_unknown_quantity_is_refused():
    assert_refused(OptionError, lambda: SCALES.to_lattice(1.0, "viscocity"), "'viscocity'", "Did you mean 'viscosity'?")
