"""Amounts as users have them: converted where units say so, ordered by name, refused where something cannot be."""

import math

import numpy as np
import pytest
import xarray as xr

from geodl.chemistry.example import example, one_step
from geodl.chemistry.given import completed
from geodl.errors import DomainError, MechanismError, SchemaError, UnitsError
from geodl.testing import assert_refused

MECHANISM = one_step()
AVOGADRO = 6.02214076e26  # 1/kmol


@pytest.fixture
def states() -> xr.Dataset:
    return example(0)[["temperature", "pressure", "mass_fraction", "dt"]].isel(sample=slice(30)).copy(deep=True)


def moles(ds: xr.Dataset) -> xr.DataArray:
    """kmol of each species in one kg."""
    return (ds["mass_fraction"] / MECHANISM.weights).drop_attrs()


def amounts(ds: xr.Dataset, name: str, values: xr.DataArray, units: str | None) -> xr.Dataset:
    """Something else in the place of the mass fractions."""
    attrs = {} if units is None else {"units": units}
    return ds.drop_vars("mass_fraction").assign({name: values.assign_attrs(attrs)})


def test_mole_fractions_are_weighed(states):
    fractions = moles(states) / moles(states).sum("species")
    for units, factor in (("1", 1), ("%", 100), ("mol mol-1", 1), ("ppm", 1e6)):
        found = completed(amounts(states, "mole_fraction", fractions * factor, units), MECHANISM)
        np.testing.assert_allclose(found["mass_fraction"], states["mass_fraction"], rtol=1e-13)
        assert found["mass_fraction"].attrs["units"] == "1"


@pytest.mark.parametrize(
    ("units", "factor"),
    [("kmol m-3", 1.0), ("mol m-3", 1e3), ("mol cm-3", 1e-3), ("molecule cm-3", AVOGADRO * 1e-6),
     ("molec cm-3", AVOGADRO * 1e-6)],
)  # fmt: skip
def test_concentrations_are_weighed(states, units, factor):
    density = xr.DataArray(np.linspace(0.1, 5, 30), dims="sample")  # kg/m3
    found = completed(amounts(states, "concentration", moles(states) * density * factor, units), MECHANISM)
    np.testing.assert_allclose(found["mass_fraction"], states["mass_fraction"], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "units", "words"),
    [
        ("mole_fraction", None, ("mole_fraction", "no units")),
        ("concentration", None, ("concentration", "no units")),
        ("mole_fraction", "mol m-3", ("mole_fraction", "mol m-3")),
        ("concentration", "1", ("concentration", "'1'")),
        ("concentration", "kg m-3", ("concentration", "kg m-3")),
        ("concentration", "bananas", ("concentration", "bananas")),
    ],
)
def test_amounts_are_converted_only_where_their_units_say_so(states, name, units, words):
    fractions = moles(states) / moles(states).sum("species")
    assert_refused(UnitsError, lambda: completed(amounts(states, name, fractions, units), MECHANISM), *words)


def test_fractions_in_percent_and_on_their_side_are_welcome(states):
    percent = (100 * states["mass_fraction"]).assign_attrs(units="%")
    completed(states.assign(mass_fraction=percent), MECHANISM)
    completed(states.transpose(), MECHANISM)


@pytest.mark.parametrize("factor", [0.99, 1.001, 100.0, 0.0], ids=str)
def test_fractions_that_do_not_add_up_are_refused_with_their_cell(states, factor):
    states["mass_fraction"][7] *= factor
    assert_refused(DomainError, lambda: completed(states, MECHANISM), "(7,)", f"{factor:g}", "mole_fraction")


def test_mole_fractions_that_do_not_add_up_are_refused(states):
    """A list that was cut would be stretched to one without a word."""
    fractions = moles(states) / moles(states).sum("species")
    cut = fractions.where(fractions["species"] != "N2", 0.0)
    cut = amounts(states, "mole_fraction", cut, "1")
    assert_refused(DomainError, lambda: completed(cut, MECHANISM), "'mole_fraction' adds up to 0.")


def test_a_sum_within_the_tolerance_passes(states):
    states["mass_fraction"][7] *= 1 + 9e-5
    completed(states, MECHANISM)


def test_a_cell_with_nan_passes_for_the_guard_to_flag(states):
    states["mass_fraction"][7, 1] = math.nan
    assert completed(states, MECHANISM)["mass_fraction"].isnull().sum() == 1
    fractions = moles(states) / moles(states).sum("species")
    found = completed(amounts(states, "mole_fraction", fractions, "1"), MECHANISM)["mass_fraction"]
    assert found.isnull().any("species").values.nonzero()[0].tolist() == [7]


def test_species_in_another_order_are_mapped_by_name(states):
    turned = states.isel(species=[3, 0, 2, 1])
    xr.testing.assert_identical(completed(turned, MECHANISM), completed(states, MECHANISM))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda ds: ds.isel(species=[0, 1, 2]), ("missing", "'N2'")),
        (lambda ds: ds.isel(species=[0, 1, 2, 3, 3]), ("twice", "'N2'")),
        (lambda ds: ds.assign_coords(species=["H2", "O2", "H2O", "AR"]), ("not in the mechanism", "'AR'", "'N2'")),
    ],
    ids=["short", "long", "renamed"],
)
def test_species_that_do_not_fit_are_named(states, change, words):
    assert_refused(MechanismError, lambda: completed(change(states), MECHANISM), *words[:2])


def test_amounts_without_names_must_be_as_many_as_the_species(states):
    short = amounts(states, "mole_fraction", moles(states), "1").drop_vars("species").isel(species=slice(3))
    assert_refused(SchemaError, lambda: completed(short, MECHANISM), "mole_fraction", "expected 4", "H2O")


def test_data_of_another_mechanism_are_refused(states):
    completed(states.assign_attrs(mechanism_fingerprint=MECHANISM.fingerprint), MECHANISM)
    foreign = states.assign_attrs(mechanism_fingerprint="e" * 64)
    assert_refused(MechanismError, lambda: completed(foreign, MECHANISM), "eeeeeeeeeeee", MECHANISM.fingerprint[:12])


def test_nothing_is_made_of_nothing(states):
    """A missing composition is the schema's to refuse."""
    assert "mass_fraction" not in completed(states.drop_vars("mass_fraction"), MECHANISM)
