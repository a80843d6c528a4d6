"""Training data of atmospheric kinetics: layout, seeds, parts that are kept. A stub stands for the solver but once."""

import json

import numpy as np
import pytest
import xarray as xr

from geodl.chemistry.atmosphere import batch
from geodl.chemistry.atmosphere.error_versus_cost import error_versus_cost, most_exact, opponents
from geodl.chemistry.atmosphere.generate import generate
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism, read_lumped
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes
from geodl.chemistry.atmosphere.reference import AirState, MicmChemistry
from geodl.chemistry.state import FAILED
from geodl.core.files import open_data, write_data
from geodl.errors import MechanismError, OptionError, ResumeError, UnknownNameError
from geodl.testing import assert_refused

pytest.importorskip("musica")

MECHANISM = read_lumped("carbon_bond_5")
SMALL = {"boxes": 6, "batch": 2, "days": 1.0, "records": 7, "workers": 1}


class Halving:
    """Halves all that is not given; fails at once what is above a temperature."""

    def __init__(self, hot=np.inf):
        self.mechanism, self.hot = MECHANISM, hot

    def advance(self, temperature, pressure, concentration, dt, *, photolysis=0.0, emission=None):
        given = [self.mechanism.index(name) for name in self.mechanism.given]
        after = concentration / 2
        after[:, given] = concentration[:, given]
        return AirState(after, np.where(temperature > self.hot, FAILED, 0).astype(np.int8))


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_chemistries", lambda plan: (Halving(), Halving()))


@pytest.mark.usefixtures("stubbed")
def test_the_file_has_what_the_family_needs(tmp_path):
    ds = generate(seed=1, **SMALL)
    write_data(ds, tmp_path / "air.nc")
    again = open_data(tmp_path / "air.nc").load()
    xr.testing.assert_identical(again, ds)
    assert dict(again.sizes) == {"sample": 42, "species": 67}
    units = {name: again[name].attrs["units"] for name in again.data_vars}
    assert units == {
        "temperature": "K",
        "pressure": "Pa",
        "photolysis": "1",
        "dt": "s",
        "concentration": "mol m-3",
        "emission": "mol m-3 s-1",
        "concentration_end": "mol m-3",
    }
    mechanism = LumpedMechanism.from_record(json.loads(again.attrs["mechanism_record"]))
    assert mechanism == MECHANISM
    assert again["species"].values.tolist() == list(mechanism.species)
    assert all(array.dtype == np.float64 for array in again.data_vars.values())


@pytest.mark.usefixtures("stubbed")
def test_a_sample_depends_on_the_seed_and_its_box_alone():
    ds = generate(seed=1, **SMALL)
    xr.testing.assert_equal(generate(seed=1, **{**SMALL, "boxes": 4}), ds.isel(sample=slice(28)))
    xr.testing.assert_equal(generate(seed=1, **{**SMALL, "batch": 4}), ds)
    assert not bool((generate(seed=2, **SMALL)["temperature"] == ds["temperature"]).any())


@pytest.mark.usefixtures("stubbed")
def test_samples_on_the_path_of_their_box_are_states_of_it():
    ds = generate(seed=1, **SMALL)
    boxes = draw_boxes(Plan(seed=1), MECHANISM, range(6))
    ozone = ds["concentration"].sel(species="O3")
    kept = np.exp(-boxes.dilution * 300)[ds["box"]]
    start = boxes.concentration[ds["box"], ds["species"].values.tolist().index("O3")]
    steps = ds["time"] / 300
    path = start * ((kept / 2) ** steps + (1 - kept) * (1 - (kept / 2) ** steps) / (1 - kept / 2))
    on = ~ds["perturbed"].values
    np.testing.assert_allclose(ozone[on], path[on], rtol=1e-9)
    assert 0.2 < on.mean() < 0.8
    assert not np.isclose(ozone[~on], path[~on], rtol=1e-6, atol=0).any()


@pytest.mark.usefixtures("stubbed")
def test_time_steps_are_those_of_the_path_or_of_the_span():
    ds = generate(seed=1, **{**SMALL, "records": 200, "boxes": 2})
    off = ds["dt"] != 300
    assert 0.15 < float(off.mean()) < 0.35
    assert 10 <= float(ds["dt"].min()) < 30
    assert 600 < float(ds["dt"].max()) <= 1800
    assert set(generate(seed=1, **SMALL, off_step=0.0)["dt"].values.tolist()) == {300.0}


@pytest.mark.usefixtures("stubbed")
def test_boxes_are_looked_at_most_while_they_are_young():
    ds = generate(seed=1, **{**SMALL, "records": 200, "boxes": 2, "early": 1.0})
    first = float((ds["time"] == 0).mean())
    assert first == pytest.approx(np.log(2) / np.log(289), abs=0.06)
    assert float(ds["time"].median()) == pytest.approx(np.sqrt(289) * 300, rel=0.6)
    again = ds.isel(sample=(ds["time"] == 0).values)
    assert float((~again["perturbed"]).sum()) <= 2  # one for each box
    late = generate(seed=1, **{**SMALL, "early": 0.0})
    assert late["time"].values.tolist() == sorted(late["time"].values[:7].tolist()) * 6


@pytest.mark.usefixtures("stubbed")
def test_a_finished_folder_can_be_asked_for_more(tmp_path, monkeypatch):
    ds = generate(seed=1, folder=tmp_path, **SMALL)
    monkeypatch.setattr(batch, "_chemistries", None)  # nothing is left to make
    xr.testing.assert_identical(generate(seed=1, folder=tmp_path, **SMALL), ds)
    assert_refused(ResumeError, lambda: generate(seed=2, folder=tmp_path, **SMALL), "another folder")


def test_what_the_solver_gives_up_is_missing_and_counted(monkeypatch):
    boxes = draw_boxes(Plan(seed=1), MECHANISM, range(6))
    hot = float(np.sort(boxes.temperature)[-2])
    monkeypatch.setattr(batch, "_chemistries", lambda plan: (Halving(), Halving(hot)))
    with pytest.warns(UserWarning, match="7 of 42 samples failed"):
        ds = generate(seed=1, **SMALL)
    assert ds.sizes["sample"] == 35
    assert ds.attrs["failed_samples"] == 7
    assert float(ds["temperature"].max()) <= hot
    monkeypatch.setattr(batch, "_chemistries", lambda plan: (Halving(), Halving(0.0)))
    assert_refused(MechanismError, lambda: generate(seed=1, **SMALL), "none of the 42")


def test_what_is_wrong_is_refused_before_the_work():
    assert_refused(UnknownNameError, lambda: generate(boxs=3), "boxes")
    assert_refused(OptionError, lambda: generate(concentration="0:3"), "concentration", "0:3")
    assert_refused(OptionError, lambda: generate(temperature="305:220"), "temperature")
    assert_refused(OptionError, lambda: generate(records=0), "records")
    assert_refused(MechanismError, lambda: generate(mechanism="carbon_bond"), "carbon_bond_5")
    assert_refused(OptionError, lambda: generate(step=7000.0, days=1.0, records=1, boxes=1, workers=1), "whole steps")


def test_labels_of_the_solver_conserve_and_are_exact():
    ds = generate(seed=1, boxes=3, days=0.75, records=6, rtol=1e-5, atol=1e-16, workers=1)
    mechanism = LumpedMechanism.from_record(json.loads(ds.attrs["mechanism_record"]))
    start = ds["concentration"] + ds["dt"] * ds["emission"]
    families = mechanism.family_matrix.T
    np.testing.assert_allclose(ds["concentration_end"].values @ families, start.values @ families, rtol=1e-12)
    again = most_exact().advance(
        ds["temperature"].values[:1], ds["pressure"].values[:1], ds["concentration"].values[:1],
        float(ds["dt"][0]), photolysis=ds["photolysis"].values[:1], emission=ds["emission"].values[:1],
    )  # fmt: skip
    np.testing.assert_allclose(ds["concentration_end"][:1], again.concentration, rtol=1e-4, atol=1e-17)


def test_tighter_solvers_err_less():
    boxes = draw_boxes(Plan(seed=2), MECHANISM, range(2))
    names = ("Rosenbrock 1e-05 / 1e-16", "Rosenbrock 1e-03 / 1e-14", "backward Euler")
    known = opponents()
    reference = MicmChemistry(solver="rosenbrock_dae6", rtol=1e-6, atol=1e-18)
    ds = error_versus_cost(boxes, {name: known[name] for name in names}, reference=reference, days=0.5, show=False)
    ozone = ds.sel(chemistry=list(names), species="O3")
    assert (ozone["median"].diff("chemistry") > 0).all()
    assert (ozone["largest"].diff("chemistry") > 0).all()
    assert float(ozone["median"][0]) < 1e-6
    assert float(ozone["median"][-1]) > 1e-4
    assert all(known[name].seconds > 0 and known[name].steps > 0 for name in names)
