"""A surrogate answers in the user's coordinates, with a bound and a flag on every number, or says why not."""

import copy
import dataclasses
import re

import numpy as np
import pytest
import torch
import xarray as xr

from geodl.core import blocks, store
from geodl.core import surrogate as module
from geodl.core.pack import pack
from geodl.core.surrogate import device_of, load, predict
from geodl.errors import BundleError, DeviceError, DomainError, UnknownNameError
from geodl.testing import assert_contract, assert_refused
from geodl.train.fit import threads
from geodl.train.state import save_state
from tests import toy

ROUNDING = {"rtol": 2e-5, "atol": 2e-5}  # float32, and units converted in float64 before


def at(ds: xr.Dataset, name: str, value: float, **where: int) -> xr.Dataset:
    """The same data but for one value."""
    ds[name][where] = value
    return ds


@pytest.mark.usefixtures("toy_is_known")
def test_the_toy_keeps_the_contract(family, tmp_path):
    assert_contract(family, tmp_path)


def test_coordinates_and_attributes_come_back_with_a_trace_of_the_model(surrogate, test_part):
    found = surrogate(test_part.assign_attrs(history="made by hand"))
    for name in ("case", "time"):
        xr.testing.assert_identical(found[name], test_part[name])
    assert found["flux"].dims == ("case", "time", "component")
    assert found["component"].values.tolist() == ["east", "north", "up"]
    assert found.attrs["title"] == "ideal gas"
    assert found.attrs["geodl_model_sha256"] == surrogate.sha256
    assert found.attrs["history"].splitlines()[0] == "made by hand"
    assert "family toy" in found.attrs["history"].splitlines()[1]


def test_other_units_and_another_order_give_the_same_answer(surrogate, test_part):
    other = test_part.isel(component=[2, 0, 1]).transpose("component", "time", "case")
    other["temperature"] = (other["temperature"] - 273.15).assign_attrs(units="degC")
    other["pressure"] = (other["pressure"] / 100).assign_attrs(units="hPa")
    other["wind"] = (other["wind"] * 3.6).assign_attrs(units="km h-1")
    straight, found = surrogate(test_part), surrogate(other)
    for name in ("density", "flux", "density_low", "flux_high"):
        np.testing.assert_allclose(found[name].transpose(*straight[name].dims), straight[name], **ROUNDING)


def test_a_missing_value_is_flagged_and_gives_nan_in_its_own_sample_only(surrogate, test_part):
    whole = surrogate(test_part.copy(deep=True))
    found = surrogate(at(test_part, "temperature", np.nan, case=1, time=2))
    touched = xr.zeros_like(whole["in_domain"])
    touched[1, 2] = True
    assert bool((found["in_domain"] == (whole["in_domain"] & ~touched)).all())
    for name in ("density", "flux", "density_low", "flux_high"):
        assert bool(np.isnan(found[name].where(touched, drop=True)).all())
        xr.testing.assert_equal(found[name].where(~touched), whole[name].where(~touched))


@pytest.mark.parametrize(("name", "value"), [("temperature", -1.0), ("pressure", 0.0), ("pressure", -5e4)])
def test_beyond_the_bounds_of_physics_nothing_is_trusted(surrogate, test_part, name, value):
    blind = copy.deepcopy(surrogate.guard)
    blind.threshold.fill_(1e9)  # physics must hold where the guard would let through
    found = dataclasses.replace(surrogate, guard=blind)(at(test_part, name, value, case=0, time=0))
    assert not bool(found["in_domain"][0, 0])
    assert bool(found["in_domain"][1:].all())


def test_a_refusal_names_the_worst_variable_and_its_limits_in_physical_units(surrogate, parts, test_part):
    spoiled = at(test_part, "pressure", 9e5, case=0, time=3)
    with pytest.raises(DomainError, match="1 of 64 samples") as caught:
        surrogate(spoiled, outside="raise")
    message = str(caught.value)
    low, high = map(
        float, re.search(r"'pressure' is 900000 Pa, accepted alone from (\S+) to (\S+) Pa", message).groups()
    )
    # Calibration may widen the limits, by a few percent of the logarithmic range that the training data span.
    trained = np.log(parts.train["pressure"])
    slack = 0.05 * float(trained.max() - trained.min())
    assert np.log([low, high]) == pytest.approx([float(trained.min()), float(trained.max())], abs=slack)
    assert "Sample 3" in message
    assert "outside='flag'" in message


def test_what_the_surrogate_trusts_is_not_refused(surrogate, test_part):
    trusted = test_part.isel(case=[int(np.argmax(surrogate(test_part)["in_domain"].all("time").values))])
    xr.testing.assert_identical(surrogate(trusted, outside="raise"), surrogate(trusted))


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_way_to_treat_the_outside_is_refused(surrogate, test_part):
    assert_refused(UnknownNameError, lambda: surrogate(test_part, outside="rise"), "'rise'", "Did you mean 'raise'?")


def test_interval_bounds_stay_within_physics(surrogate, test_part):
    thin = test_part.assign(pressure=(test_part["pressure"] * 0 + 100.0).assign_attrs(units="Pa"))
    found = surrogate(thin)
    assert bool((found["density_low"] >= 0).all())
    assert bool((found["density_low"] == 0).any())


def test_away_from_the_bounds_an_interval_reaches_half_its_width_to_both_sides(surrogate, test_part):
    found = surrogate(test_part)
    for half, name in zip(surrogate.intervals.halves(), ("density", "flux"), strict=True):
        free = (found[name] - half.numpy() > 0) | (name == "flux")
        for bound in (found[f"{name}_high"] - found[name], found[name] - found[f"{name}_low"]):
            wrong = abs(bound - half.numpy()) > 1e-5 * (1 + abs(found[name]))
            assert not bool((wrong & free).any())


def test_blocks_give_the_same_prediction_as_one_call(surrogate, parts, monkeypatch):
    inputs = pack(parts.test, toy.INPUTS)
    whole = predict(surrogate.core, inputs)
    monkeypatch.setattr(blocks, "BATCH", 7)
    for one, other in zip(whole, predict(surrogate.core, inputs), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)


def test_the_bits_do_not_depend_on_the_number_of_threads(surrogate, parts, monkeypatch):
    inputs = pack(parts.test, toy.INPUTS)
    monkeypatch.setattr(blocks, "BATCH", 7)
    with threads(1):
        alone = predict(surrogate.core, inputs)
    with threads(3):
        together = predict(surrogate.core, inputs)
        assert torch.get_num_threads() == 3
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


def test_rivals_see_the_world_through_the_scalings_of_the_surrogate(surrogate):
    assert list(surrogate.rivals) == ["mean", "linear", "quadratic"]
    assert all(rival.scalings is surrogate.core.scalings for rival in surrogate.rivals.values())


def test_a_device_that_is_not_there_is_refused(surrogate):
    absent = "cuda" if not torch.cuda.is_available() else f"cuda:{torch.cuda.device_count()}"
    assert_refused(DeviceError, lambda: device_of(absent), absent, "cpu")
    assert_refused(DeviceError, lambda: surrogate.to("gpu"), "'gpu'", "cpu")


def test_a_copy_on_another_device_leaves_the_first_alone(surrogate):
    moved = surrogate.to("cpu")
    with torch.no_grad():
        next(moved.core.parameters()).zero_()
    assert moved.sha256 != surrogate.sha256


def test_an_absent_bundle_is_named(tmp_path):
    assert_refused(UnknownNameError, lambda: load(tmp_path / "lorenz.safetensors"), "lorenz.safetensors")


@pytest.mark.usefixtures("toy_is_known")
def test_a_bundle_of_another_schema_is_refused(surrogate, tmp_path, monkeypatch):
    surrogate.save(tmp_path / "toy.safetensors")
    load(tmp_path / "toy.safetensors")
    other = toy.family()
    changed = dataclasses.replace(other, schema=dataclasses.replace(other.schema, axes=()))
    monkeypatch.setattr(module, "family", lambda name, **options: changed)
    assert_refused(BundleError, lambda: load(tmp_path / "toy.safetensors"), "schema", "toy.safetensors")


@pytest.mark.usefixtures("toy_is_known")
def test_weights_that_do_not_fit_are_refused(surrogate, tmp_path, monkeypatch):
    surrogate.save(tmp_path / "toy.safetensors")
    monkeypatch.setattr(module, "family", lambda name, **options: toy.family(width=9))
    assert_refused(BundleError, lambda: load(tmp_path / "toy.safetensors"), "weights do not fit")


def test_a_checkpoint_is_not_taken_for_a_bundle(tmp_path):
    save_state(tmp_path / "checkpoint.safetensors", {"weights": {"w": torch.zeros(2)}})
    assert_refused(BundleError, lambda: load(tmp_path / "checkpoint.safetensors"), "checkpoint.safetensors", "family")


@pytest.mark.parametrize("key", ["options", "schema", "dtype", "interval_level", "rivals", "record"])
@pytest.mark.usefixtures("toy_is_known")
def test_a_signed_bundle_that_lacks_a_part_is_refused(surrogate, key):
    tensors, content = store.from_bytes(surrogate.to_bytes())
    del content[key]
    for head in ("sha256", "format", "needs_geodl"):
        del content[head]
    with pytest.raises(BundleError, match=key):
        module.from_bytes(store.to_bytes(tensors, content))


@pytest.mark.usefixtures("toy_is_known")
def test_another_wording_of_the_schema_does_not_shut_out_old_bundles(surrogate):
    tensors, content = store.from_bytes(surrogate.to_bytes())
    content["schema"]["inputs"][0]["about"] = "other words"
    for head in ("sha256", "format", "needs_geodl"):
        del content[head]
    assert module.from_bytes(store.to_bytes(tensors, content)).family.name == surrogate.family.name
