"""A fit is repeatable to the byte, learns, and takes from each part of the data only what it may."""

import dataclasses

import numpy as np
import pytest
import torch

from geodl.core.scaling import scaling
from geodl.errors import DeviceError, DomainError, NonFiniteError, ResumeError, SchemaError, SplitError
from geodl.testing import assert_refused
from geodl.train.config import FitConfig
from geodl.train.evaluate import evaluate
from geodl.train.fit import fit
from tests import toy

SHORT = FitConfig(epochs=3, batch_size=64)


def fitted(parts, *, family=None, seed=0, config=SHORT, **keywords):
    return fit(family or toy.family(), parts.train, parts.valid, config=config, seed=seed, show=False, **keywords)


def test_a_seed_gives_the_same_bytes_and_another_seed_others(parts):
    first = fitted(parts, seed=1).to_bytes()
    torch.rand(3)
    assert fitted(parts, seed=1).to_bytes() == first
    assert fitted(parts, seed=2).to_bytes() != first


def test_a_fit_leaves_the_random_numbers_of_others_alone(parts):
    before = torch.get_rng_state()
    fitted(parts)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_surrogate_learns(surrogate, parts):
    """Half the error of the mean; how much better is a matter of the family, not of the loop."""
    scores = evaluate(surrogate, parts.test)
    for name in ("rmse_density", "rmse_flux"):
        assert bool((scores[name].sel(model="surrogate") < 0.5 * scores[name].sel(model="mean")).all())


def test_intervals_cover_fresh_data_as_promised(surrogate):
    """Nominal 90 %, calibrated on 64 samples: the coverage of so few lies within 10 points."""
    scores = evaluate(surrogate, toy.dataset(cases=60, seed=5))
    for name in ("coverage_density", "coverage_flux"):
        np.testing.assert_allclose(scores[name], 0.9, atol=0.1)


def test_validation_data_never_move_a_weight(parts):
    late = FitConfig(epochs=3, batch_size=64, validate_every=3)
    other = parts.valid.assign(flux=-3 * parts.valid["flux"])
    other["flux"].attrs = parts.valid["flux"].attrs
    one = fitted(parts, config=late)
    two = fitted(dataclasses.replace(parts, valid=other), config=late)
    for name, tensor in one.core.state_dict().items():
        assert torch.equal(two.core.state_dict()[name], tensor), name
    assert not torch.equal(one.intervals.halves()[1], two.intervals.halves()[1])


def test_scalings_come_from_the_training_part(parts):
    made, part = fitted(parts), parts.train
    fresh = scaling(toy.INPUTS[0])
    fresh.fit(torch.tensor(part["temperature"].values))
    assert made.core.scalings[0].mean == fresh.mean
    assert float(made.core.scalings[0].std) == pytest.approx(float(part["temperature"].std()), rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_precision_asked_for_is_used_throughout(dtype, parts):
    made = fitted(parts, config=FitConfig(epochs=1, dtype=dtype))
    assert {str(t.dtype) for t in made.core.state_dict().values()} == {f"torch.{dtype}"}
    assert str(made(parts.test)["density"].dtype) == dtype


def test_the_record_tells_what_was_done(parts):
    made = fitted(parts, seed=4)
    assert (made.record.seed, made.record.licence) == (4, "CC0-1.0")
    assert made.record.settings == SHORT.jsonable()
    assert made.record.data["train"]["samples"] == parts.train.sizes["case"] * parts.train.sizes["time"]
    assert made.record.data["train"]["sha256"] != made.record.data["valid"]["sha256"]
    assert [entry["epoch"] for entry in made.record.history] == [1, 2, 3]
    assert all("seconds" not in entry for entry in made.record.history)


def test_without_settings_those_of_the_family_are_used(surrogate, family):
    assert family.settings.items() <= surrogate.record.settings.items()


def test_a_folder_of_another_run_is_refused(parts, tmp_path):
    fitted(parts, folder=tmp_path)
    again = fitted(parts, folder=tmp_path)
    assert again.to_bytes() == fitted(parts).to_bytes()
    assert_refused(ResumeError, lambda: fitted(parts, folder=tmp_path, seed=5), "seed = 0")
    other = dataclasses.replace(parts, train=parts.valid)
    assert_refused(ResumeError, lambda: fitted(other, folder=tmp_path), "data")
    assert_refused(ResumeError, lambda: fitted(parts, folder=tmp_path, family=toy.family(width=9)), "options")


def test_data_that_do_not_fit_are_refused_before_training(parts):
    hole = parts.train.copy(deep=True)
    hole["wind"][0, 0, 0] = np.nan
    assert_refused(NonFiniteError, lambda: fitted(dataclasses.replace(parts, train=hole)), "'wind'", "1 of")
    bare = parts.valid.drop_vars("flux")
    assert_refused(SchemaError, lambda: fitted(dataclasses.replace(parts, valid=bare)), "'flux'", "missing")
    vacuum = parts.train.copy(deep=True)
    vacuum["pressure"][:] = 0.0
    assert_refused(DomainError, lambda: fitted(dataclasses.replace(parts, train=vacuum)), "'pressure'", "log")


def test_too_few_validation_samples_are_refused(parts):
    few = dataclasses.replace(parts, valid=parts.valid.isel(case=[0], time=slice(0, 5)))
    assert_refused(SplitError, lambda: fitted(few), "5 validation samples", "at least 10")


def test_a_device_that_is_not_there_is_refused_before_training(parts):
    assert_refused(DeviceError, lambda: fitted(parts, config=FitConfig(device="abacus")), "'abacus'", "cpu")


def test_the_threads_asked_for_last_as_long_as_the_training(parts):
    before, seen = torch.get_num_threads(), set()

    def loss(*sides):
        seen.add(torch.get_num_threads())
        return toy.family().loss(*sides)

    fitted(parts, family=dataclasses.replace(toy.family(), loss=loss), config=FitConfig(epochs=1, threads=2))
    assert seen == {2}
    assert torch.get_num_threads() == before
