"""A surrogate of air in the place of a solver, and the door through which data come to it."""

import dataclasses

import numpy as np
import pytest
import torch

from geodl.chemistry.atmosphere.air_emulator import EmulatedAir
from geodl.chemistry.atmosphere.air_example import air_example, made_up
from geodl.chemistry.atmosphere.box import AirChemistry, roll_out
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes
from geodl.chemistry.state import OK, OUT_OF_DOMAIN
from geodl.core.contract import family
from geodl.core.surrogate import Core
from geodl.errors import BundleError, MechanismError, OptionError, ShapeError, UnitsError
from geodl.testing import assert_contract, assert_refused
from geodl.train.config import FitConfig
from geodl.train.fit import fit
from geodl.train.split import split

FAMILY = family("chemistry", mechanism=made_up().to_record(), hidden=(16, 16))


@pytest.fixture(scope="module")
def surrogate():
    parts = split(air_example(0, boxes=48), "box")
    config = FitConfig.parse({**FAMILY.settings, "epochs": 60, "batch_size": 256})
    return fit(FAMILY, parts.train, parts.valid, config=config, show=False)


@pytest.fixture(scope="module")
def air(surrogate):
    return EmulatedAir(surrogate)


def cells(number=6, seed=9):
    ds = air_example(seed, boxes=1, samples=number)
    kept = {name: ds[name].values for name in ("photolysis", "emission")}
    return (ds["temperature"].values, ds["pressure"].values, ds["concentration"].values), kept


def test_the_family_keeps_its_promises(tmp_path):
    assert_contract(FAMILY, tmp_path)


def test_it_learns_made_up_air(surrogate):
    test = air_example(7, boxes=8)
    found = surrogate(test.drop_vars("concentration_end"))
    error = np.abs(found["concentration"] / test["concentration_end"] - 1).median("sample")
    assert float(error.max()) < 0.02
    assert float(found["in_domain"].mean()) > 0.9


def test_it_stands_in_the_place_of_a_solver(air):
    assert isinstance(air, AirChemistry)
    plan = Plan(seed=1, emission=1.0, dilution=1.0)
    boxes = draw_boxes(plan, air.mechanism, range(4))
    run = roll_out(air, boxes, days=0.25, show=False)
    assert bool(np.isfinite(run["concentration"]).all())
    assert bool((run["concentration"] >= 0).all())


def test_families_last_for_hundreds_of_steps(air):
    given, kept = cells()
    matrix = air.mechanism.family_matrix
    before, now = given[2] @ matrix.T, given[2]
    for _ in range(200):
        now = air.advance(*given[:2], now, 300.0, photolysis=kept["photolysis"]).concentration
    np.testing.assert_allclose(now @ matrix.T, before, rtol=1e-13)


def test_tensors_and_arrays_are_answered_alike(air):
    given, kept = cells()
    arrays = air.advance(*given, 300.0, **kept)
    tensors = air.advance(*map(torch.from_numpy, given), 300.0, **{k: torch.from_numpy(v) for k, v in kept.items()})
    np.testing.assert_array_equal(tensors.concentration.numpy(), arrays.concentration)
    assert arrays.status.dtype == np.int8


def test_cells_that_are_none_are_flagged_alone(air):
    given, kept = cells()
    given[2][2, 0] = np.nan
    state = air.advance(*given, 300.0, **kept)
    assert state.status[2] == OUT_OF_DOMAIN
    assert np.isnan(state.concentration[2, 0])
    assert np.isfinite(np.delete(state.concentration, 2, 0)).all()
    assert (np.delete(state.status, 2) == OK).mean() > 0.5


def test_a_little_below_zero_is_zero_and_more_is_flagged_and_left_as_it_is(air):
    given, kept = cells()
    column, trace = air.network.active[0], float(air.network.trace[0])
    given[2][:, column] = 0.0
    empty = air.advance(*given, 300.0, **kept)
    given[2][1, column], given[2][2, column] = -trace, -1e5 * trace
    state = air.advance(*given, 300.0, **kept)
    np.testing.assert_array_equal(np.delete(state.concentration, 2, 0), np.delete(empty.concentration, 2, 0))
    np.testing.assert_array_equal(state.concentration[2], given[2][2])
    assert state.status[2] == OUT_OF_DOMAIN


def test_conditions_that_were_not_trained_on_are_flagged(air):
    given, kept = cells()
    assert (air.advance(given[0] + 100, *given[1:], 300.0, **kept).status == OUT_OF_DOMAIN).all()
    assert (air.advance(*given, 1e5, **kept).status == OUT_OF_DOMAIN).all()


def test_another_mechanism_is_refused(surrogate):
    other = dataclasses.replace(made_up(), fingerprint="another")
    assert_refused(MechanismError, lambda: EmulatedAir(surrogate, mechanism=other), "another", "made-up")
    EmulatedAir(surrogate, mechanism=other, allow_mechanism_mismatch=True)
    foreign = air_example(3).assign_attrs(mechanism_fingerprint="another")
    assert_refused(MechanismError, lambda: surrogate(foreign), "another")


def test_a_surrogate_of_something_else_is_refused(surrogate):
    core = Core(FAMILY.schema, torch.nn.Linear(1, 1))
    assert_refused(BundleError, lambda: EmulatedAir(dataclasses.replace(surrogate, core=core)), "chemistry-cb5")


def test_wrong_shapes_and_time_steps_are_refused(air):
    given, kept = cells()
    assert_refused(ShapeError, lambda: air.advance(*given[:2], given[2][:, :2], 300.0, **kept), "[6, 2]", "4")
    assert_refused(ShapeError, lambda: air.advance(given[0][:3], *given[1:], 300.0, **kept), "temperature")
    assert_refused(ShapeError, lambda: air.advance(*given, 300.0, emission=kept["emission"][:2]), "emission")
    assert_refused(OptionError, lambda: air.advance(*given, -1.0, **kept), "-1.0")


def test_species_are_taken_by_name_whatever_their_order(surrogate):
    ds = air_example(3)
    shuffled = ds.isel(species=[2, 0, 3, 1])
    np.testing.assert_allclose(surrogate(shuffled)["concentration"], surrogate(ds)["concentration"])
    assert_refused(MechanismError, lambda: surrogate(ds.isel(species=[0, 1, 2])), "NO2")
    renamed = ds.assign_coords(species=["CO", "M", "NO", "NO3"])
    assert_refused(MechanismError, lambda: surrogate(renamed), "NO3")


def test_molecules_and_mole_fractions_are_converted_where_declared(surrogate):
    ds = air_example(3)
    expected = surrogate(ds)["concentration"]
    molecules = (ds["concentration"] * 6.02214076e17).assign_attrs(units="molecules cm-3")
    np.testing.assert_allclose(surrogate(ds.assign(concentration=molecules))["concentration"], expected, rtol=1e-5)
    moles = ds["pressure"] / (8.314462618 * ds["temperature"])
    shares = (ds["concentration"] / moles).assign_attrs(units="1")
    given = ds.drop_vars("concentration").assign(mole_fraction=shares)
    np.testing.assert_allclose(surrogate(given)["concentration"], expected, rtol=1e-5)
    given["mole_fraction"] = shares.drop_attrs()
    assert_refused(UnitsError, lambda: surrogate(given), "mole_fraction", "units")


def test_no_emission_given_is_none(surrogate):
    ds = air_example(3)
    none = ds.assign(emission=(0 * ds["emission"]).assign_attrs(units="mol m-3 s-1"))
    np.testing.assert_array_equal(
        surrogate(ds.drop_vars("emission"))["concentration"], surrogate(none)["concentration"]
    )
