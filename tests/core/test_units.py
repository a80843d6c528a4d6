"""Units are converted exactly, or refused; never guessed."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geodl.core import units
from geodl.errors import UnitsError
from geodl.testing import assert_refused

EXACT = [
    ("m s-1", "km h-1", 3.6, 0.0),
    ("W m-2", "kW m-2", 1e-3, 0.0),
    ("kg m-2 s-1", "g m-2 s-1", 1e3, 0.0),
    ("m2 s-2", "J kg-1", 1.0, 0.0),
    ("hPa", "Pa", 100.0, 0.0),
    ("degC", "K", 1.0, 273.15),
    ("degree_Celsius", "K", 1.0, 273.15),
    ("K", "degC", 1.0, -273.15),
    ("degF", "K", 5 / 9, 459.67 * 5 / 9),
    ("degC km-1", "K m-1", 1e-3, 0.0),
    ("%", "1", 0.01, 0.0),
    ("g kg-1", "1", 1e-3, 0.0),
    ("", "1", 1.0, 0.0),
    ("degrees_north", "degree", 1.0, 0.0),
    ("degrees_east", "radian", math.pi / 180, 0.0),
]


@pytest.mark.parametrize(("given_units", "wanted", "scale", "offset"), EXACT)
def test_units_convert_by_the_textbook_factor(given_units, wanted, scale, offset):
    assert units.affine(given_units, wanted) == pytest.approx((scale, offset), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    ["furlongs per moon", "m 2", "-", "days since 1970-01-01", "import os", "m s-", "(", "K?", "W m-2 # per day"],
)
def test_what_is_not_a_unit_is_refused_by_name(text):
    assert_refused(UnitsError, lambda: units.affine(text, "m"), repr(text), "CF")


@pytest.mark.parametrize(("given_units", "wanted"), [("m s-1", "m"), ("mb", "Pa"), ("K", "1"), ("kg", "mol")])
def test_different_quantities_are_never_converted(given_units, wanted):
    assert_refused(UnitsError, lambda: units.affine(given_units, wanted), given_units, wanted)


@pytest.mark.parametrize(("given_units", "wanted"), [("dB", "1"), ("1", "dB"), ("dBm", "W")])
def test_a_logarithmic_unit_is_refused_since_no_scale_and_offset_can_convert_it(given_units, wanted):
    assert_refused(UnitsError, lambda: units.affine(given_units, wanted), given_units, wanted)


@pytest.mark.parametrize("text", ["dB", "anything at all"])
def test_equal_strings_need_no_conversion(text):
    assert units.affine(text, text) == (1.0, 0.0)


LENGTHS = ["m", "km", "cm", "ft", "nautical_mile"]
TEMPERATURES = ["K", "degC", "degF", "degR"]
SPEEDS = ["m s-1", "km h-1", "knot", "cm/s", "mile hour^-1"]


@given(st.sampled_from([LENGTHS, TEMPERATURES, SPEEDS]), st.data(), st.floats(-1e6, 1e6))
def test_there_and_back_gives_the_value_again(kind, data, value):
    one, other = data.draw(st.sampled_from(kind)), data.draw(st.sampled_from(kind))
    assume(one != other)
    (scale, offset), (back, shift) = units.affine(one, other), units.affine(other, one)
    assert (value * scale + offset) * back + shift == pytest.approx(value, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("text", ["9**9**9", "10^3 m", "m**1000", "(m)^999999"])
def test_towers_of_powers_are_refused_at_once(text):
    with pytest.raises(UnitsError, match="power of a number"):
        units.parse(text)
