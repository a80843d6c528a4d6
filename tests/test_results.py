"""What is published is what was measured: tables, samples and bundles agree with the files that they stand for."""

import hashlib
import json
import operator
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import geodl
from geodl.core.contract import Family
from geodl.core.files import data_folder
from geodl.core.surrogate import predict, pretrained
from geodl.dynamics.dataset import lorenz63_dataset
from geodl.train.fit import prepare

ROOT = Path(__file__).parents[1]
RESULTS = sorted((ROOT / "docs" / "results").glob("*.json"))
FORM = {
    "name": str, "command": str, "commit": str, "machine": str, "threads": int, "seeds": list, "seconds": (int, float),
    "rows": list,
}  # fmt: skip
ROW = {
    "claim": str, "published": (int, float, type(None)), "measured": (int, float), "unit": str,
    "bar": (str, type(None)), "passed": (bool, type(None)),
}  # fmt: skip
COMPARE = {"<=": operator.le, ">=": operator.ge}


def test_the_tables_in_the_documentation_are_the_ones_of_the_results():
    tables = runpy.run_path(str(ROOT / "docs" / "tables.py"))
    stale = tables["stale"](tables["render"](ROOT / "docs" / "results"), ROOT / "docs")
    assert not stale, f"{', '.join(stale)} differ from docs/results: run `python docs/tables.py`"


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_has_the_form_and_its_verdicts_follow_from_its_numbers(path: Path):
    result: dict[str, Any] = json.loads(path.read_text())
    assert FORM.keys() <= result.keys() <= {*FORM, "note"}
    for key, kind in FORM.items():
        assert isinstance(result[key], kind), key
    assert result["name"] == path.stem
    assert result["rows"]
    assert result["seconds"] > 0
    for row in result["rows"]:
        assert row.keys() == ROW.keys()
        for key, kind in ROW.items():
            assert isinstance(row[key], kind), f"{key} of {row['claim']}"
        if row["bar"] is None:
            assert row["passed"] is None
        else:
            sign, bar = row["bar"].split()
            assert row["passed"] is COMPARE[sign](row["measured"], float(bar)), row["claim"]


def test_there_are_results():
    assert RESULTS


@pytest.mark.parametrize("listing", sorted(data_folder().glob("*/SHA256SUMS")), ids=lambda path: path.parent.name)
def test_every_file_of_data_has_its_checksum(listing: Path):
    listed = dict(reversed(line.split()) for line in listing.read_text().splitlines())  # type: ignore[misc]
    there = {path.name: path for end in ("*.nc", "*.safetensors") for path in listing.parent.glob(end)}
    assert set(listed) == set(there)
    for name, path in there.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == listed[name], f"{path}: make it anew, or list it anew"
    assert (listing.parent / "card.md").exists()


def test_the_script_beside_the_data_makes_their_values():
    """From the same seed; chaos makes of another rounding another trajectory, but not within half a unit of time."""
    made = runpy.run_path(str(data_folder() / "lorenz63" / "make.py"))["FILES"]["dt001.nc"]
    again, sample = lorenz63_dataset(**{**made, "points": 50}), geodl.open_sample("lorenz63/dt001")
    assert sample.sizes == {"trajectory": made["trajectories"], "time": made["points"]}
    for name in ("x", "y", "z", "time"):
        np.testing.assert_allclose(again[name], sample[name].isel(time=slice(50)), rtol=1e-10, atol=1e-10)


BUNDLES = sorted(pretrained())


JUDGED_ON = {  # where the example of the family is made up
    "chemistry-h2": "chemistry-h2/train",
    "flow-obstacles": "flow-obstacles/primitives",
    "turbulence-anisotropy": "turbulence-rotated-hill/original",
}

GENERATED = {  # where no sample is shipped
    "chemistry-gri30": {
        "mechanism": "gri30.yaml", "fuel": "CH4", "temperature": "1300:2000", "pressure": "101325:506625",
        "phi": "0.5:2", "dt": "1e-7:1e-5", "trajectories": 4, "samples": 20, "flames": 0, "workers": 1,
    },
    "chemistry-cb5": {"mechanism": "carbon_bond_5", "boxes": 4, "records": 20, "days": 1.0, "workers": 1},
}  # fmt: skip


def judged_on(name: str, family: Family) -> xr.Dataset:
    """Data that a bundle has not been trained on, or that are like them."""
    if name in GENERATED:
        return family.generate(11, **GENERATED[name])
    return geodl.open_sample(JUDGED_ON[name]) if name in JUDGED_ON else family.example(0)


@pytest.mark.parametrize("name", BUNDLES)
def test_a_pretrained_bundle_predicts_inside_its_domain_and_better_than_its_simplest_baseline(name: str):
    model = geodl.load(name)
    inputs, truth = prepare(model.family, judged_on(name, model.family), model.core.at()[0])
    assert float(model.judged(inputs).trusted.double().mean()) >= 0.95
    mean = next(rival for known, rival in model.rivals.items() if "mean" in known or known == "unchanged")
    mine, rough = predict(model.core, inputs), predict(mean, inputs)
    for i, variable in enumerate(model.family.schema.outputs):
        errors = [float(torch.nn.functional.mse_loss(p[i], truth[i])) for p in (mine, rough)]
        assert errors[0] < 0.1 * errors[1], variable.name


@pytest.mark.parametrize("name", BUNDLES)
def test_a_pretrained_bundle_has_a_card_and_says_where_it_comes_from(name: str):
    assert f"{name}" in (data_folder() / "models" / "card.md").read_text()
    record = geodl.load(name).record
    assert record.licence != "not stated"
    assert record.citations
    assert record.history
    assert {"geodl", "torch"} <= record.versions.keys()


def test_all_pretrained_bundles_together_are_small():
    assert sum(path.stat().st_size for path in pretrained().values()) <= 20e6
