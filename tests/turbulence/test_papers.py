"""The reproduction: without the data that cannot ship it says what it skips, with them it measures everything."""

import numpy as np
import pytest

import geodl
from geodl.turbulence.datasets.find import VARIABLE
from tests.turbulence.provided import provided


def test_without_the_data_that_cannot_ship_the_rows_are_skipped_by_name(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    ds = geodl.reproduce("ling2016", quick=True, folder=tmp_path / "out")
    claims = list(map(str, ds["claim"].values))
    assert "closure_challenge" in ds.attrs["note"]
    assert VARIABLE in ds.attrs["note"]
    for word in ("channel Re_τ 590", "square-duct held out", "rotated mesh", "random inputs"):
        assert any(word in claim for claim in claims), word
    measured_well(ds)
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"ling2016.json", "ling2016.nc", "report.html"}
    assert geodl.load(tmp_path / "out" / "ling2016.safetensors").family.options["features"] == "pope"


def test_with_the_data_everything_is_measured(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(provided("closure_challenge").parent))
    ds = geodl.reproduce("ling2016", quick=True, folder=tmp_path)
    claims = list(map(str, ds["claim"].values))
    assert "Skipped" not in ds.attrs["note"]
    for word in ("pooled", "AR_7_Ret_180", "plain network", "k-ω SST", "random forest", "AUROC", "channel Re_τ 395"):
        assert any(word in claim for claim in claims), word
    measured_well(ds)
    assert geodl.load(tmp_path / "ling2016.safetensors").family.options["features"] == "galilean"


def measured_well(ds):
    """Claims have names of their own and numbers, and what holds by construction holds in a quick run too."""
    claims, measured = list(map(str, ds["claim"].values)), ds["measured"].values
    assert len(set(claims)) == len(claims)
    assert np.isfinite(measured).all()
    by_name = dict(zip(claims, measured, strict=True))
    assert by_name["random inputs over 12 decades: non-realizable share"] == 0
    assert by_name["random inputs over 12 decades: largest |b|"] <= 0.8165
    assert by_name["hill on a rotated mesh: largest difference of b"] == pytest.approx(0, abs=2e-8)
