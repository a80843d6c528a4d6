"""The states and ignitions that come with the library are what their card says."""

import json
import runpy

import numpy as np
import pytest

import geodl
from geodl.chemistry import CanteraChemistry, Mechanism, ignition_delay, read_mechanism
from geodl.core.files import data_folder

FOLDER = data_folder() / "chemistry-h2"
MADE = runpy.run_path(str(FOLDER / "make.py"))
STATES, IGNITIONS = (geodl.open_sample(f"chemistry-h2/{name}") for name in ("train", "ignition"))
MECHANISM = Mechanism.from_record(json.loads(STATES.attrs["mechanism_record"]))
SINGLE = 1e-6  # relative, what single precision leaves of sums


def test_the_card_names_every_file_and_together_they_are_small():
    card = (FOLDER / "card.md").read_text()
    assert all(f"`{path.name}`" in card for path in FOLDER.glob("*.nc"))
    assert sum(path.stat().st_size for path in FOLDER.glob("*.nc")) <= 2.5e6


def test_the_record_in_the_file_is_the_mechanism_that_cantera_ships():
    assert read_mechanism("h2o2.yaml") == MECHANISM
    assert {ds.attrs["mechanism_fingerprint"] for ds in (STATES, IGNITIONS)} == {MECHANISM.fingerprint}
    assert tuple(STATES["species"].values) == tuple(IGNITIONS["species"].values) == MECHANISM.species


def test_a_step_keeps_the_elements_and_nothing_is_negative():
    before, after = (STATES[name].values.astype(float) for name in ("mass_fraction", "mass_fraction_end"))
    rows = MECHANISM.element_matrix.T
    np.testing.assert_allclose(after @ rows, before @ rows, rtol=SINGLE)
    assert min(before.min(), after.min(), float(IGNITIONS["mass_fraction"].min())) >= 0
    np.testing.assert_allclose(IGNITIONS["mass_fraction"].astype(float).sum("species"), 1, rtol=SINGLE)


@pytest.mark.parametrize(("name", "low", "high"), [
    ("dt", 1e-7, 1e-5), ("pressure", 101325, 202650), ("equivalence_ratio", 0.5, 2.0),
])  # fmt: skip
def test_the_states_are_in_their_ranges(name, low, high):
    assert low * (1 - SINGLE) <= float(STATES[name].min()) < float(STATES[name].max()) <= high * (1 + SINGLE)


def test_all_ignitions_but_one_ignite_within_the_time():
    delay = ignition_delay(IGNITIONS["time"].values, IGNITIONS["temperature"].values.T)
    assert np.isnan(delay).sum() == 1
    assert np.nanmax(delay) < 0.5 * float(IGNITIONS["time"][-1])


def test_the_script_beside_the_data_makes_their_values():
    """One trajectory, and one ignition, of the same seeds, whatever their number. States lie between steps that the
    solver chose, and another processor makes it choose others."""
    states = MADE["labelled"](**{**MADE["TRAIN"], "trajectories": 1})
    sample = STATES.isel(sample=slice(50))
    for name in ("dt", "pressure", "temperature"):
        rtol = 1e-2 if name == "temperature" else SINGLE
        np.testing.assert_allclose(states[name], sample[name], rtol=rtol, err_msg=name)
    ignition, sample = MADE["ignitions"](cases=1), IGNITIONS.isel(case=slice(1))
    for name in sample.data_vars:
        np.testing.assert_allclose(ignition[name], sample[name], rtol=1e-4, atol=1e-9, err_msg=str(name))


def test_the_labels_are_what_the_solver_makes_of_the_states():
    some = STATES.isel(sample=slice(0, None, 400))
    given = (some[name].values.astype(float) for name in ("temperature", "pressure", "mass_fraction", "dt"))
    after = CanteraChemistry("h2o2.yaml", rtol=1e-9, atol=1e-15).advance(*given)
    np.testing.assert_allclose(after.temperature, some["temperature_end"], rtol=1e-4)
    np.testing.assert_allclose(after.mass_fraction, some["mass_fraction_end"], atol=1e-5)
