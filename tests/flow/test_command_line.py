"""Flows by the command line: a generation that is killed goes on, and the drawing page is served."""

import itertools

import pytest
import xarray as xr
from typer.testing import CliRunner

import geodl
from geodl import cli
from geodl.errors import OutputError, ResumeError
from geodl.flow.data import batch
from geodl.flow.draw import server
from tests.flow.test_generate import stub

WORDS = ["data", "flow", "--n", "6", "--size=64x32", "--set", "batch=2", "--workers", "1", "--kinds", "circle"]


@pytest.fixture
def solved(monkeypatch) -> list[int]:
    """Numbers of the samples that the solver was asked for, a stub that is interrupted at its third batch."""
    asked, calls = list[int](), itertools.count(1)

    def solve(samples, grid, **options):
        if next(calls) == 3:
            raise KeyboardInterrupt
        asked.extend(sample.number for sample in samples)
        return stub(samples, grid)

    monkeypatch.setattr(batch, "solve", solve)
    return asked


def run(*words: object):
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def test_a_killed_generation_goes_on_and_leaves_nothing_behind(solved, tmp_path):
    out, parts = tmp_path / "flow.nc", tmp_path / "flow.nc.parts"
    assert run(*WORDS, "--out", out).exit_code != 0
    assert not out.exists()
    assert sorted(path.name for path in parts.iterdir()) == ["from-000000.nc", "from-000002.nc"]
    done = run(*WORDS, "--out", out)
    assert done.exit_code == 0, done.output
    assert "'sample': 6" in done.output.replace("\n", "")
    assert solved == [0, 1, 2, 3, 4, 5]  # nothing twice
    assert not parts.exists()
    xr.testing.assert_equal(geodl.open_data(out).load(), geodl.flow.generate(0, n=6, size="64x32", kinds="circle"))


def test_what_is_kept_of_another_plan_is_not_mixed_in(solved, tmp_path):
    out = tmp_path / "flow.nc"
    run(*WORDS, "--out", out)
    refused = run(*WORDS, "--seed", 1, "--out", out)
    assert isinstance(refused.exception, ResumeError)
    assert "flow.nc.parts" in str(refused.exception)
    assert not out.exists()


def test_a_folder_that_was_asked_for_stays(solved, tmp_path):
    words = [*WORDS, "--folder", tmp_path / "mine", "--out", tmp_path / "flow.nc"]
    run(*words)
    assert run(*words).exit_code == 0
    assert len(list((tmp_path / "mine").iterdir())) == 3
    assert not (tmp_path / "flow.nc.parts").exists()


def test_what_else_lies_in_the_folder_of_parts_stays(solved, tmp_path):
    out, parts = tmp_path / "flow.nc", tmp_path / "flow.nc.parts"
    run(*WORDS, "--out", out)
    (parts / "mine.txt").write_text("mine")
    assert run(*WORDS, "--out", out).exit_code == 0
    assert [path.name for path in parts.iterdir()] == ["mine.txt"]


def test_a_file_that_exists_is_refused_before_the_work(solved, tmp_path):
    (tmp_path / "flow.nc").write_text("mine")
    assert isinstance(run(*WORDS, "--out", tmp_path / "flow.nc").exception, OutputError)
    assert solved == []
    assert not (tmp_path / "flow.nc.parts").exists()


def test_draw_serves_the_bundle_that_is_named(monkeypatch):
    served = []
    monkeypatch.setattr(geodl, "load", lambda name, device: f"{name} on {device}")

    def serve(surrogate, *, port, open_browser, ready):
        ready(f"http://127.0.0.1:{port}/")
        served.append((surrogate, port, open_browser))

    monkeypatch.setattr(server, "serve", serve)
    assert "http://127.0.0.1:8265/" in run("draw").output
    assert run("draw", "mine.safetensors", "--port", 0, "--no-browser").exit_code == 0
    assert served == [("flow-obstacles on cpu", 8265, True), ("mine.safetensors on cpu", 0, False)]


def test_a_source_that_is_not_there_is_named_and_nothing_is_generated(solved, tmp_path):
    refused = run("data", "flow", tmp_path / "nowhere", "--out", tmp_path / "flow.nc")
    assert refused.exit_code != 0
    assert "nowhere" in str(refused.exception)
    assert solved == []
