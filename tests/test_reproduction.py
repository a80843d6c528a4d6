"""The quick variant of a reproduction writes everything that the full one does, and refuses before it begins."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import geodl
import geodl.reproduction as module
from geodl.core.contract import Claim
from geodl.errors import OutputError, UnknownNameError
from geodl.testing import assert_refused
from tests.child import quick_reproduction

KEYS = {"name", "command", "commit", "machine", "threads", "seeds", "seconds", "note", "rows"}
ROW = {"claim", "published", "measured", "unit", "bar", "passed"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the quick variant has written, with a second folder for the JSON file."""
    made = tmp_path_factory.mktemp("reproduce") / "lorenz63"
    geodl.reproduce("lorenz63", quick=True, folder=made, results=made.parent / "results")
    return made


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "lorenz63.json").read_text())


def test_everything_promised_is_written_and_nothing_else(folder: Path):
    written = {path.name for path in folder.iterdir()}
    assert {"lorenz63.json", "lorenz63.nc", "lorenz63.safetensors", "report.html"} <= written
    others = written - {"lorenz63.json", "lorenz63.nc", "lorenz63.safetensors", "report.html"}
    assert others
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in others)
    assert [path.name for path in (folder.parent / "results").iterdir()] == ["lorenz63.json"]


def test_the_result_has_the_form_and_holds_a_quick_run_to_no_bar(result: dict[str, Any]):
    assert result.keys() == KEYS
    assert (result["name"], result["command"]) == ("lorenz63", "geodl reproduce lorenz63 --quick")
    assert (result["threads"], result["seeds"]) == (1, [0])
    assert result["seconds"] > 0
    assert "no result" in result["note"]
    assert "cores" in result["machine"]
    for row in result["rows"]:
        assert row.keys() == ROW
        assert np.isfinite(row["measured"])
        assert (row["bar"], row["passed"]) == (None, None)
    claims = [row["claim"] for row in result["rows"]]
    assert len(set(claims)) == len(claims)
    assert any("polynomial" in claim for claim in claims)  # the baseline stands beside the surrogates


def test_the_netcdf_file_holds_the_same_claims_and_the_scores_behind_them(folder: Path, result: dict[str, Any]):
    ds = geodl.open_data(folder / "lorenz63.nc")
    assert ds["claim"].values.tolist() == [row["claim"] for row in result["rows"]]
    assert ds["measured"].values.tolist() == [row["measured"] for row in result["rows"]]
    assert ds["unit"].values.tolist() == [row["unit"] for row in result["rows"]]
    assert set(ds["result"].values.tolist()) == {"reported"}
    assert ds.attrs["quick"] == 1
    assert {"surrogate", "polynomial", "persistence"} <= set(ds["model"].values.tolist())
    assert ds["rmse_x"].attrs["units"] == "1"


def test_the_bundle_predicts_and_is_the_one_of_the_report(folder: Path):
    model = geodl.load(folder / "lorenz63.safetensors")
    made = model(geodl.open_sample("lorenz63/test").isel(time=0))
    assert float(made["in_domain"].mean()) > 0.95
    assert model.sha256 in (folder / "report.html").read_text()


def test_the_report_loads_nothing_from_elsewhere(folder: Path, result: dict[str, Any]):
    page = (folder / "report.html").read_text()
    sources = re.findall(r"""(?:src|href|data|poster|action)\s*=\s*["']?([^"'\s>]+)""", page)
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"<(script|link|iframe|object|embed)\b|@import|url\(", page)
    assert page.count("<img ") == len(sources) >= 5
    for row in result["rows"]:
        assert row["claim"].split(":")[0] in page
    assert "no result" in page


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the reproductions that were begun; none of them runs."""
    begun: list[str] = []

    def known() -> dict[str, Callable[..., Any]]:
        return {"lorenz63": lambda **words: begun.append("lorenz63")}

    monkeypatch.setattr(module, "reproductions", known)
    return begun


def test_the_closure_has_a_quick_variant_too(tmp_path: Path):
    quick_reproduction("lorenz96-closure", tmp_path)
    rows = json.loads((tmp_path / "lorenz96-closure.json").read_text())["rows"]
    assert all(np.isfinite(row["measured"]) and row["bar"] is None for row in rows)
    assert {"report.html", "hovmoeller.png", "lorenz96-closure.safetensors"} <= {
        path.name for path in tmp_path.iterdir()
    }
    assert {"no closure", "Wilks", "offline", "online"} <= {row["claim"].split(": ")[0].split(", ")[1] for row in rows}


def test_a_stopped_reproduction_goes_on_with_what_it_had_finished(monkeypatch, tmp_path: Path):
    quick = module.reproductions()["lorenz63"]

    def long(*, keep: Path, **words: Any) -> Any:
        if not (keep / "seed-0").exists():
            (keep / "seed-0").touch()
            raise KeyboardInterrupt
        return quick(**words)

    monkeypatch.setattr(module, "reproductions", lambda: {"lorenz63": long})
    with pytest.raises(KeyboardInterrupt):
        geodl.reproduce("lorenz63", quick=True, folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["unfinished"]
    geodl.reproduce("lorenz63", quick=True, folder=tmp_path)
    assert (tmp_path / "report.html").exists()
    assert not (tmp_path / "unfinished").exists()


@pytest.mark.parametrize("name", ["lorenz63.json", "lorenz63.nc", "lorenz63.safetensors", "report.html"])
def test_results_of_an_earlier_run_are_refused_before_training_begins(name: str, started: list[str], tmp_path):
    (tmp_path / name).write_text("earlier")
    words = (str(tmp_path), name, "another folder", "overwrite=True", "--overwrite")
    assert_refused(OutputError, lambda: geodl.reproduce("lorenz63", quick=True, folder=tmp_path), *words)
    assert started == []
    assert (tmp_path / name).read_text() == "earlier"


def test_a_second_run_over_the_first_is_refused_and_changes_nothing(folder: Path, started: list[str]):
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert_refused(OutputError, lambda: geodl.reproduce("lorenz63", quick=True, folder=folder), "has results already")
    assert started == []
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_second_folder_that_has_the_result_or_cannot_be_is_refused_before_training(started: list[str], tmp_path):
    (tmp_path / "lorenz63.json").write_text("published")
    call = lambda results: lambda: geodl.reproduce("lorenz63", folder=tmp_path / "new", results=results)  # noqa: E731
    assert_refused(OutputError, call(tmp_path), "lorenz63.json", "--overwrite")
    assert_refused(OutputError, call(tmp_path / "lorenz63.json"), "cannot make the folder")
    assert started == []
    assert (tmp_path / "lorenz63.json").read_text() == "published"


def test_an_unknown_name_is_refused_and_makes_no_folder(tmp_path):
    call = lambda: geodl.reproduce("lorenz36", folder=tmp_path / "new")  # noqa: E731
    assert_refused(UnknownNameError, call, "'lorenz36'", "Did you mean 'lorenz63'?")
    assert not (tmp_path / "new").exists()


def test_the_table_says_passed_missed_or_reported():
    claims = [Claim("a", 1.0, "K", ("<=", 2.0)), Claim("b", 3.0, "K", ("<=", 2.0)), Claim("c", 3.0, "K", None, 2.5)]
    table = module._table(claims)
    assert table["result"].values.tolist() == ["passed", "missed", "reported"]
    xr.testing.assert_equal(
        table["published"].isnull().drop_vars("claim"), xr.DataArray([True, True, False], dims="claim")
    )
