"""Generation of labelled states: seeds per trajectory, batches that are kept, steps that fail."""

import json

import numpy as np
import pytest
import xarray as xr

from geodl.chemistry.data import batch
from geodl.chemistry.data.generate import generate
from geodl.chemistry.data.plan import FLAME_SAMPLES, Plan
from geodl.chemistry.data.trajectories import Trajectory
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.reference import CanteraChemistry
from geodl.chemistry.state import State
from geodl.core.files import open_data, write_data
from geodl.errors import MechanismError, OptionError, ResumeError, UnknownNameError
from geodl.testing import assert_refused

pytest.importorskip("cantera")
SMALL = {"trajectories": 4, "flames": 0, "samples": 25, "batch": 2, "workers": 1, "extinction": 0.5}


@pytest.fixture(scope="module")
def made() -> xr.Dataset:
    return generate(seed=1, **{**SMALL, "trajectories": 6})


def test_the_file_has_what_the_family_needs(made, tmp_path):
    write_data(made, tmp_path / "chemistry.nc")
    again = open_data(tmp_path / "chemistry.nc")
    xr.testing.assert_identical(again, made)
    assert dict(again.sizes) == {"sample": 150, "species": 10}
    units = {str(name): array.attrs["units"] for name, array in again.data_vars.items()}
    assert units == {
        "temperature": "K",
        "pressure": "Pa",
        "mass_fraction": "1",
        "dt": "s",
        "temperature_end": "K",
        "pressure_end": "Pa",
        "mass_fraction_end": "1",
    }
    mechanism = Mechanism.from_record(json.loads(again.attrs["mechanism_record"]))
    assert mechanism.fingerprint == again.attrs["mechanism_fingerprint"]
    assert list(mechanism.species) == again["species"].values.tolist()
    assert set(again["kind"].values.tolist()) == {"ignition", "extinction"}
    assert 0.3 < float(again["perturbed"].mean()) < 0.7


def test_every_step_keeps_elements_and_positivity(made):
    elements = Mechanism.from_record(json.loads(made.attrs["mechanism_record"])).element_matrix.T
    before, after = made["mass_fraction"].values, made["mass_fraction_end"].values
    np.testing.assert_allclose(after @ elements, before @ elements, atol=1e-12)
    assert before.min() >= 0
    assert after.min() >= 0
    np.testing.assert_allclose(before.sum(1), 1, rtol=1e-14)


def test_labels_are_those_of_a_tighter_solver(made):
    some = made.isel(sample=slice(None, None, 10))
    solver = CanteraChemistry("h2o2.yaml", rtol=1e-10, atol=1e-18, mole=False)
    after = solver.advance(*(some[name].values for name in ("temperature", "pressure", "mass_fraction", "dt")))
    np.testing.assert_allclose(some["temperature_end"], after.temperature, rtol=1e-6)
    np.testing.assert_allclose(some["mass_fraction_end"], after.mass_fraction, rtol=1e-3, atol=1e-9)


def test_every_reactor_starts_without_radicals(made):
    first = made.isel(sample=slice(None, None, 25)).where(lambda ds: ds["kind"] == "ignition", drop=True)
    assert bool((first["mass_fraction"].sel(species=["H", "O", "OH", "HO2"]) == 0).all())
    np.testing.assert_array_equal(first["temperature"], first["initial_temperature"])
    assert not bool(first["perturbed"].any())


def test_a_trajectory_depends_on_the_seed_and_its_number_alone(made):
    xr.testing.assert_equal(generate(seed=1, **SMALL), made.isel(sample=slice(100)))
    xr.testing.assert_equal(generate(seed=1, **{**SMALL, "batch": 3}), made.isel(sample=slice(100)))
    other = generate(seed=2, **{**SMALL, "trajectories": 1})
    assert not np.isin(other["temperature"], made["temperature"]).any()


def test_it_goes_on_where_it_stopped(made, tmp_path, monkeypatch):
    generate(seed=1, folder=tmp_path, **SMALL)
    counted = []
    monkeypatch.setattr(
        "geodl.chemistry.data.generate.make_batch",
        lambda plan, numbers: counted.append(numbers) or batch.make_batch(plan, numbers),
    )
    longer = generate(seed=1, folder=tmp_path, **{**SMALL, "trajectories": 6})
    assert counted == [range(4, 6)]
    xr.testing.assert_equal(longer, made)
    assert_refused(
        ResumeError, lambda: generate(seed=1, folder=tmp_path, **{**SMALL, "fuel": "H2:1, AR:1"}), "AR", "folder"
    )


def test_failed_steps_are_dropped_counted_and_named(monkeypatch):
    whole, advance = generate(seed=1, **SMALL), CanteraChemistry.advance

    def failing(*arguments: object) -> State:
        state = advance(*arguments)
        state.status[3:5] = 4
        return state

    monkeypatch.setattr(CanteraChemistry, "advance", failing)
    with pytest.warns(UserWarning, match="8 states failed and are missing: trajectory 0, .*: 2 of 25 steps"):
        ds = generate(seed=1, **SMALL)
    assert ds.attrs["failed_samples"] == 8
    kept = [i for i in range(100) if i % 25 not in (3, 4)]
    xr.testing.assert_equal(ds, whole.isel(sample=kept))


def test_failed_trajectories_are_dropped_counted_and_named(monkeypatch):
    react = batch.trajectory

    def failing(plan: Plan, number: int, chemistry: CanteraChemistry) -> Trajectory:
        chemistry.gas.TP = (-1 if number == 2 else 300), 1e5
        return react(plan, number, chemistry)

    monkeypatch.setattr(batch, "trajectory", failing)
    with pytest.warns(UserWarning, match="25 states failed and are missing: trajectory 2: .*temperature"):
        ds = generate(seed=1, **SMALL)
    assert sorted(set(ds["trajectory"].values.tolist())) == [0, 1, 3]
    monkeypatch.setattr(batch, "trajectory", lambda plan, _, chemistry: failing(plan, 2, chemistry))
    assert_refused(MechanismError, lambda: generate(seed=1, **SMALL), "none of the 4", "temperature")


def test_at_constant_volume_the_density_is_kept():
    ds = generate(seed=1, constant="volume", **SMALL)
    weights = Mechanism.from_record(json.loads(ds.attrs["mechanism_record"])).weights

    def density(end: str) -> xr.DataArray:
        return ds[f"pressure{end}"] / ds[f"temperature{end}"] / (ds[f"mass_fraction{end}"] / weights).sum("species")

    xr.testing.assert_allclose(density(""), density("_end"), rtol=1e-12)
    assert float(ds["pressure"].max() / ds["pressure_end"].min()) > 2


def test_a_flame_gives_states_from_cold_to_burnt():
    ds = generate(seed=1, **{**SMALL, "trajectories": 1, "flames": 1, "pressure": 1e5, "phi": 1.0, "perturbed": 0.0})
    flame = ds.isel(sample=ds["kind"].values == "flame")
    assert flame.sizes["sample"] == FLAME_SAMPLES * 25
    assert float(flame["temperature"].min()) < 600
    assert float(flame["temperature"].max()) > 2200
    assert set(flame["trajectory"].values.tolist()) == {0}


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"fuel": "CH4"}, MechanismError, ("CH4", "H2")),
        ({"oxidizer": "O2:one"}, OptionError, ("oxidizer", "O2:one")),
        ({"mechanism": "h2o3.yaml"}, MechanismError, ("h2o2.yaml",)),
        ({"dt": "1e-5:1e-8"}, OptionError, ("dt", "1e-5:1e-8")),
        ({"phi": "lean"}, OptionError, ("phi", "lean")),
        ({"constant": "energy"}, OptionError, ("constant", "energy")),
        ({"trajectory": 3}, UnknownNameError, ("trajectories",)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_nonsense_is_refused_before_the_work_begins(settings, error, words):
    assert_refused(error, lambda: generate(**settings), *words)


@pytest.mark.slow
def test_two_processes_make_what_one_makes(made):
    xr.testing.assert_identical(generate(seed=1, **{**SMALL, "trajectories": 6, "workers": 2}), made)
