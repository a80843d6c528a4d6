"""Generation: seeds per sample, batches that are kept, samples that fail. A stub stands for the solver but once."""

import itertools
import json

import numpy as np
import pytest
import xarray as xr

from geodl.core.files import open_data, write_data
from geodl.errors import GeometryError, OptionError, ResumeError, StabilityError, UnknownNameError
from geodl.flow.data import batch
from geodl.flow.data.generate import generate
from geodl.flow.data.plan import Plan, draw
from geodl.flow.data.random_shapes import KINDS, random_shape
from geodl.flow.geometry.signed_distance import signed_distance
from geodl.testing import assert_refused

SMALL = {"n": 6, "size": "64x32", "batch": 2, "workers": 1, "kinds": "circle,ellipse,polygon"}


def stub(samples, grid, *, device="cpu"):
    """Flows that are numbers of their sample."""
    del device
    sdf = np.stack([sample.distance(grid).numpy() for sample in samples])
    reynolds = np.array([sample.reynolds for sample in samples])
    field = np.where(sdf > 0, reynolds[:, None, None], 0)
    return {
        "u": field, "v": -field, "p": field / 2, "drag": 1 + 10 / reynolds, "lift": reynolds * 0,
        "converged": reynolds < 1e9,
    }  # fmt: skip


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "solve", stub)


@pytest.mark.usefixtures("stubbed")
def test_the_file_has_what_the_family_needs(tmp_path):
    ds = generate(seed=1, **SMALL)
    write_data(ds, tmp_path / "flow.nc")
    again = open_data(tmp_path / "flow.nc")
    xr.testing.assert_identical(again.load(), ds)
    assert dict(again.sizes) == {"sample": 6, "y": 32, "x": 64}
    units = {
        name: again[name].attrs["units"]
        for name in ("sdf", "mask", "u", "p", "reynolds", "frontal_height", "drag", "x")
    }
    assert units == {
        "sdf": "m",
        "mask": "1",
        "u": "1",
        "p": "1",
        "reynolds": "1",
        "frontal_height": "m",
        "drag": "1",
        "x": "m",
    }
    np.testing.assert_array_equal(again["mask"], again["sdf"] < 0)
    assert again["shape"].values.tolist() == ["circle", "ellipse", "polygon"] * 2
    assert again["converged"].dtype == bool


@pytest.mark.usefixtures("stubbed")
def test_a_sample_depends_on_the_seed_and_its_number_alone():
    ds = generate(seed=1, **SMALL)
    xr.testing.assert_equal(generate(seed=1, **{**SMALL, "n": 3}), ds.isel(sample=slice(3)))
    xr.testing.assert_equal(generate(seed=1, **{**SMALL, "batch": 5}), ds)
    other = generate(seed=2, **SMALL)
    assert not bool((other["reynolds"] == ds["reynolds"]).any())
    assert len(set(ds["seed"].values.tolist())) == 6


def test_the_seed_in_the_file_draws_the_sample_again():
    plan = Plan(seed=5, n=14, size="64x32")
    for number, kind in enumerate(KINDS):
        sample = draw(plan, number)
        rng = np.random.default_rng(sample.seed)
        assert sample.reynolds == 5 * 8 ** rng.uniform()
        assert sample.body == random_shape(rng, kind)


def test_reynolds_numbers_are_even_on_a_logarithmic_scale():
    plan = Plan(seed=0, re="5:40", kinds="circle")
    drawn = np.log([draw(plan, k).reynolds for k in range(500)])
    np.testing.assert_allclose(np.quantile(drawn, [0.0, 0.5, 1.0]), np.log([5, 200**0.5, 40]), atol=0.12)
    assert draw(Plan(re=20, kinds="circle"), 3).reynolds == 20


@pytest.mark.usefixtures("stubbed")
def test_a_killed_run_goes_on_and_ends_with_the_same_bits(tmp_path, monkeypatch):
    calls = itertools.count()

    def killed(samples, grid, *, device="cpu"):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return stub(samples, grid, device=device)

    monkeypatch.setattr(batch, "solve", killed)
    with pytest.raises(KeyboardInterrupt):
        generate(seed=1, folder=tmp_path / "parts", **SMALL)
    assert len(list((tmp_path / "parts").glob("*.nc"))) == 2
    (tmp_path / "parts" / "from-000002.nc").write_bytes(b"half of a file")
    resumed = generate(seed=1, folder=tmp_path / "parts", **SMALL)
    assert next(calls) == 5  # the first batch is not made again, the broken second is
    xr.testing.assert_identical(resumed, generate(seed=1, **SMALL))


@pytest.mark.usefixtures("stubbed")
def test_a_finished_folder_can_be_asked_for_more(tmp_path, monkeypatch):
    generate(seed=1, folder=tmp_path, **{**SMALL, "n": 5})
    made = []
    monkeypatch.setattr(
        batch, "solve", lambda samples, *a, **k: made.extend(s.number for s in samples) or stub(samples, *a)
    )
    more = generate(seed=1, folder=tmp_path, **{**SMALL, "n": 8})
    assert made == [4, 5, 6, 7]  # the incomplete last batch, and one more
    assert more["sample"].values.tolist() == list(range(8))


@pytest.mark.usefixtures("stubbed")
def test_a_folder_of_another_plan_is_refused(tmp_path):
    generate(seed=1, folder=tmp_path, **SMALL)
    assert_refused(ResumeError, lambda: generate(seed=2, folder=tmp_path, **SMALL), "another folder", '"seed": 1')


def test_samples_that_fail_are_counted_and_named_and_the_others_are_kept(monkeypatch):
    def failing(samples, grid, *, device="cpu"):
        if any(sample.number == 3 for sample in samples):
            raise GeometryError("too thin")
        flows = stub(samples, grid, device=device)
        flows["u"][[sample.number == 1 for sample in samples]] = np.nan
        return flows

    monkeypatch.setattr(batch, "solve", failing)
    with pytest.warns(UserWarning, match="2 of 6 flows failed"):
        ds = generate(seed=1, **SMALL)
    assert ds["sample"].values.tolist() == [0, 2, 4, 5]
    assert ds.attrs["failed_samples"] == 2
    assert "sample 1 (ellipse, Re" in ds.attrs["failed"]
    assert "diverged" in ds.attrs["failed"]
    assert "too thin" in ds.attrs["failed"]


def test_nothing_but_failures_is_an_error(monkeypatch):
    def refusing(samples, grid, *, device="cpu"):
        raise StabilityError("relaxation time 0.5001")

    monkeypatch.setattr(batch, "solve", refusing)
    assert_refused(StabilityError, lambda: generate(seed=1, **SMALL), "none of the 6", "0.5001")


@pytest.mark.usefixtures("stubbed")
def test_vehicles_are_masks_beside_shapes():
    ds = generate(seed=1, **{**SMALL, "kinds": ["vehicle", "circle"], "size": "128x64"})
    assert ds["shape"].values.tolist() == ["vehicle", "circle"] * 3
    plan = Plan(**json.loads(ds.attrs["plan"]) | {"kinds": ("vehicle", "circle")})
    drawn = draw(plan, 0).body
    assert drawn.shape == plan.canvas.shape
    np.testing.assert_allclose(ds["sdf"].isel(sample=0), signed_distance(drawn, plan.grid), rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"re": "40:5"}, OptionError, ["'re'", "5:40"]), ({"re": "fast"}, OptionError, ["'re'"]),
        ({"re": "0:40"}, OptionError, ["'re'"]), ({"re": "5:400"}, StabilityError, ["5:400", "from 5 to 45"]),
        ({"size": "64"}, GeometryError, ["128x64"]),
        ({"kinds": "elipse"}, UnknownNameError, ["'ellipse'"]), ({"kinds": []}, UnknownNameError, []),
        ({"n": 0}, OptionError, ["'n'"]), ({"samples": 4}, UnknownNameError, ["samples"]),
        ({"workers": 0}, OptionError, ["workers"]), ({"device": "cuda", "workers": 2}, OptionError, ["workers=1"]),
    ],
    ids=str,
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused_before_the_work_begins(settings, error, words):
    assert_refused(error, lambda: generate(**{**SMALL, **settings}), *words)


REAL = {"n": 2, "kinds": "circle", "re": "10:20", "batch": 1, "size": "64x32", "refine": 1}


def test_a_real_flow_is_steady_and_at_rest_in_the_body():
    ds = generate(seed=1, **REAL, workers=1)
    assert bool(ds["converged"].all())
    assert 2 < float(ds["drag"].min()) < float(ds["drag"].max()) < 8  # a confined cylinder at Re 10 to 20
    assert float(np.abs(ds["u"].where(ds["mask"] == 1)).max()) == 0


@pytest.mark.slow
def test_two_processes_give_the_bits_of_one():
    xr.testing.assert_identical(generate(seed=1, **REAL, workers=2), generate(seed=1, **REAL, workers=1))
