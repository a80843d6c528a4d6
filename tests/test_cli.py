"""Every command of the command line does its work on a small case, and a refusal ends with status 2 and a message."""

import dataclasses
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer.main
import xarray as xr
from typer.testing import CliRunner

import geodl
from geodl import cli
from geodl.core.surrogate import load
from geodl.dynamics.dataset import lorenz63_dataset
from tests import child

Geodl = Callable[..., tuple[int, str, str]]
COMMANDS = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
SMALL = ["--option", "system=data", "-o", "leads=4", "-s", "epochs=2", "--set", "line_steps=3"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Geodl:
    """The command line with these words: exit status, standard output, standard error."""

    def made(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["geodl", *map(str, words)])
        capsys.readouterr()
        try:
            cli.main()
        except SystemExit as end:
            return int(end.code or 0), *capsys.readouterr()
        raise AssertionError("main returned")

    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of 40 and of 12 trajectories, and a bundle made with SMALL, all by the command line."""
    made = tmp_path_factory.mktemp("cli")
    for words in (
        ["data", "dynamics", "--out", made / "run.nc", "--set", "trajectories=40", "-s", "points=13"],
        ["data", "dynamics", "--trajectories", 12, "--points=13", "--seed", 5, "--out", made / "test.nc"],
        ["fit", made / "run.nc", made / "model.safetensors", "-f", "dynamics", *SMALL],
    ):
        done = CliRunner().invoke(cli.app, list(map(str, words)))
        assert done.exit_code == 0, done.output
    return made


def test_data_writes_what_the_generator_makes_with_the_arguments_given(folder: Path):
    made = geodl.open_data(folder / "test.nc")
    xr.testing.assert_identical(made, lorenz63_dataset(12, 13, 0.01, seed=5))
    assert geodl.open_data(folder / "run.nc").sizes == {"trajectory": 40, "time": 13}


def test_data_of_several_datasets_becomes_a_folder_of_files(run: Geodl, tmp_path, monkeypatch):
    asked = []

    def generate(**arguments: object) -> dict[str, xr.Dataset]:
        asked.append(arguments)
        return {name: xr.Dataset({"a": ("x", [float(i)])}) for i, name in enumerate(("one", "two"))}

    changed = dataclasses.replace(geodl.family("dynamics"), generate=generate)
    monkeypatch.setattr(geodl, "family", lambda name, **options: changed)
    words = ["data", "dynamics", tmp_path / "source", "--half-width", -2, "--out", tmp_path / "out"]
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert asked == [{"seed": 0, "source": tmp_path / "source", "half_width": -2}]
    assert out == "".join(f"{tmp_path / 'out' / name}.nc: {{'x': 1}}\n" for name in ("one", "two"))
    assert float(geodl.open_data(tmp_path / "out" / "two.nc")["a"][0]) == 1.0
    (tmp_path / "out" / "one.nc").unlink()
    status, _, err = run(*words)
    assert (status, "two.nc exists" in err) == (2, True)
    assert not (tmp_path / "out" / "one.nc").exists()
    assert run(*words, "--overwrite")[0] == 0


def test_check_says_how_many_samples_a_file_holds(run: Geodl, folder: Path):
    status, out, _ = run("check", folder / "run.nc", "--family", "dynamics", "-o", "leads=4")
    assert status == 0
    assert out == f"{folder / 'run.nc'} fits family dynamics: 120 samples, 3 inputs, 3 outputs\n"


def test_fit_writes_a_bundle_that_loads_and_says_its_hash(run: Geodl, folder: Path, tmp_path):
    status, out, err = run("fit", folder / "run.nc", tmp_path / "model.safetensors", "-f", "dynamics", *SMALL)
    assert (status, err) == (0, "")
    made = geodl.load(tmp_path / "model.safetensors")
    assert f"SHA-256 {made.sha256}" in out
    assert made.sha256 == geodl.load(folder / "model.safetensors").sha256  # the same seed
    assert made.record.data["train"]["samples"] == 3 * 28
    assert made.family.options["leads"] == 4
    for word in ("scores on test data", "surrogate", "persistence", "rmse_x", "in_domain"):
        assert word in out


def test_fit_takes_validation_data_from_a_file_and_a_dimension_to_split_by(run: Geodl, folder: Path, tmp_path):
    words = ["fit", folder / "run.nc", tmp_path / "a.safetensors", "-f", "dynamics", *SMALL]
    assert run(*words, "--valid", folder / "test.nc")[0] == 0
    assert geodl.load(tmp_path / "a.safetensors").record.data["valid"]["samples"] == 3 * 12
    status, _, err = run(*words, "--by", "trajectories", "--overwrite")
    assert status == 2
    assert "Did you mean 'trajectory'?" in err


def test_settings_of_the_family_give_way_to_the_file_and_the_file_to_the_words(run: Geodl, folder: Path, tmp_path):
    (tmp_path / "run.toml").write_text('epochs = 3\nline_steps = 2\ncoverage = 0.8\ndtype = "float32"\n')
    words = ["fit", folder / "run.nc", tmp_path / "a.safetensors", "-f", "dynamics", *SMALL[:4]]
    status, _, err = run(*words, "--config", tmp_path / "run.toml", "--set", "epochs=1", "-s", "dtype=float64")
    assert (status, err) == (0, "")
    settings = geodl.load(tmp_path / "a.safetensors").record.settings
    assert settings["optimizer"] == "lbfgs"  # from the family
    assert (settings["line_steps"], settings["coverage"]) == (2, 0.8)  # from the file
    assert (settings["epochs"], settings["dtype"]) == (1, "float64")  # from the words


def test_the_device_of_the_file_counts_unless_one_is_asked_for(run: Geodl, folder: Path, tmp_path):
    (tmp_path / "run.toml").write_text('device = "nowhere"\n')
    words = ["fit", folder / "run.nc", tmp_path / "a.safetensors", "-f", "dynamics", *SMALL]
    status, _, err = run(*words, "--config", tmp_path / "run.toml")
    assert (status, "'nowhere'" in err) == (2, True)
    assert run(*words, "--config", tmp_path / "run.toml", "--device", "cpu")[0] == 0


def test_an_option_may_be_a_table(run: Geodl, folder: Path):
    options = ["-o", "system=data", "-o", 'state={x = "1", z = "1"}', "-o", "field=mlp"]
    status, out, _ = run("check", folder / "run.nc", "-f", "dynamics", *options)
    assert (status, "2 inputs, 2 outputs" in out) == (0, True)


def test_fit_resumes_from_its_folder(run: Geodl, folder: Path, tmp_path):
    words = ["-f", "dynamics", *SMALL, "-s", "checkpoint_every=1", "--folder", tmp_path / "run"]
    assert run("fit", folder / "run.nc", tmp_path / "a.safetensors", *words)[0] == 0
    log = (tmp_path / "run" / "log.jsonl").read_text()
    assert len(log.splitlines()) == 2
    assert run("fit", folder / "run.nc", tmp_path / "b.safetensors", *words)[0] == 0
    assert (tmp_path / "run" / "log.jsonl").read_text() == log  # nothing was left to train
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    status, _, err = run("fit", folder / "run.nc", tmp_path / "c.safetensors", *words, "--seed", 1)
    assert (status, "another folder" in err) == (2, True)


def test_predict_writes_values_intervals_flags_units_and_the_hash(run: Geodl, folder: Path, tmp_path):
    out = tmp_path / "forecast.nc"
    status, said, err = run("predict", folder / "model.safetensors", folder / "test.nc", out)
    assert (status, err) == (0, "")
    assert said.startswith(f"{out}: ")
    assert "inside the domain" in said
    made, model = geodl.open_data(out), geodl.load(folder / "model.safetensors")
    for name in "xyz":
        assert made[name].attrs["units"] == made[f"{name}_low"].attrs["units"] == "1"
        assert bool((made[f"{name}_low"] <= made[name]).all())
        assert bool((made[name] <= made[f"{name}_high"]).all())
    assert made["in_domain"].dtype == bool
    assert made.attrs["geodl_model_sha256"] == model.sha256
    expected = model(geodl.open_data(folder / "test.nc"))
    np.testing.assert_array_equal(made["x"], expected["x"])
    np.testing.assert_allclose(made["lead"], 0.01 * np.arange(1, 5))


def test_predict_outside_the_domain_is_refused_when_asked(run: Geodl, folder: Path, tmp_path):
    far = geodl.open_data(folder / "test.nc")
    far["z"][2, 3] = 500.0
    far.to_netcdf(tmp_path / "far.nc")
    words = ["predict", folder / "model.safetensors", tmp_path / "far.nc", tmp_path / "out.nc", "--outside"]
    status, _, err = run(*words, "raise")
    assert status == 2
    assert re.search(r"DomainError: 1 of 156 .*trajectory=2, time=3.*'z' is 500", err)
    assert not (tmp_path / "out.nc").exists()
    assert run(*words, "flag")[0] == 0
    assert int((~geodl.open_data(tmp_path / "out.nc")["in_domain"]).sum()) == 1


def test_evaluate_sets_baselines_beside_the_surrogate(run: Geodl, folder: Path):
    status, out, err = run("evaluate", folder / "model.safetensors", folder / "test.nc")
    assert (status, err) == (0, "")
    for word in ("surrogate", "mean", "persistence", "linear", "polynomial", "rmse_x", "coverage_z", "in_domain"):
        assert word in out


def test_report_writes_one_page(run: Geodl, folder: Path, tmp_path):
    out = tmp_path / "report.html"
    status, said, err = run("report", folder / "model.safetensors", folder / "test.nc", out)
    assert (status, said, err) == (0, f"{out}\n", "")
    assert load(folder / "model.safetensors").sha256 in out.read_text()


def test_export_writes_a_folder_and_says_what_to_do_with_it(run: Geodl, tmp_path):
    status, out, _ = run("export", "dynamics-lorenz63", tmp_path / "lorenz")
    assert status == 0
    assert (tmp_path / "lorenz" / "lorenz.c").exists()
    assert f"make -C {tmp_path / 'lorenz'} check" in out


def test_families_lists_each_with_its_options_and_defaults(run: Geodl):
    status, out, _ = run("families")
    assert status == 0
    for name in geodl.families():
        assert f"{name}: " in out
    for word in ("option", "default", "leads", "8", "bilinear"):
        assert word in out


def test_reproduce_names_what_it_knows(run: Geodl):
    status, _, err = run("reproduce", "lorenz36")
    assert (status, err) == (2, "UnknownNameError: there is no reproduction 'lorenz36'. Did you mean 'lorenz63'?\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_explains_every_argument(name: str):
    done = CliRunner().invoke(cli.app, [name, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert done.exit_code == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.output)
    assert COMMANDS[name].help.split("\n")[0].split(":")[0] in text
    for parameter in COMMANDS[name].params:
        words = parameter.opts if parameter.param_type_name == "option" else [parameter.name]
        for word in words:
            assert word.lower() in text.lower(), f"{word} is not in the help of {name}"
        assert getattr(parameter, "help", None), f"{parameter.name} of {name} has no help"


def test_help_lists_every_command(run: Geodl):
    status, out, _ = run("--help")
    assert status == 0
    for name in ("families", "data", "check", "fit", "predict", "evaluate", "report", "draw", "reproduce"):
        assert name in COMMANDS
        assert name in out


REFUSED: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "no file": (["check", "{}/rum.nc", "-f", "dynamics"], ("DataFileError", "rum.nc", "Did you mean 'run.nc'?")),
    "no family": (["check", "{}/run.nc", "-f", "dynamic"], ("UnknownNameError", "Did you mean 'dynamics'?")),
    "no option": (["check", "{}/run.nc", "-f", "dynamics", "-o", "lead=3"], ("'lead'", "Did you mean 'leads'?")),
    "no value": (["check", "{}/run.nc", "-f", "dynamics", "-o", "leads"], ("OptionError", "'leads'", "key=value")),
    "an option of the wrong type": (
        ["check", "{}/run.nc", "-f", "dynamics", "-o", "leads=many"], ("OptionError", "'leads' is 'many'", "integer"),
    ),
    "a setting of the wrong type": (
        ["fit", "{}/run.nc", "{}/new", "-f", "dynamics", "-s", "epochs=1.5"], ("OptionError", "'epochs' is 1.5"),
    ),
    "no settings file": (
        ["fit", "{}/run.nc", "{}/new", "-f", "dynamics", "--config", "{}/no.toml"], ("DataFileError", "no.toml"),
    ),
    "no generator": (
        ["data", "dynamics", "--out", "{}/new.nc", "-o", "system=data"],
        ("OptionError", "no generator", "your own data"),
    ),
    "no argument of the generator": (
        ["data", "dynamics", "--out", "{}/new.nc", "--trajectory", "3"],
        ("OptionError", "'trajectory'", "refused its arguments"),
    ),
    "a source where none is read": (
        ["data", "dynamics", "{}", "--out", "{}/new.nc"], ("OptionError", "'source'", "refused its arguments"),
    ),
    "two sources": (
        ["data", "dynamics", "a", "b", "--out", "{}/new.nc"], ("OptionError", "'b' is one word too many", "'a'"),
    ),
    "an argument without a value": (
        ["data", "dynamics", "--out", "{}/new.nc", "--points", "--noise", "1"],
        ("OptionError", "'--points' has no value", "--points VALUE"),
    ),
    "an argument with one dash": (
        ["data", "dynamics", "--out", "{}/new.nc", "-p", "3"], ("OptionError", "no option '-p'", "--key value"),
    ),
    "a value that the generator refuses": (
        ["data", "dynamics", "--out", "{}/new.nc", "-s", "points=1"], ("OptionError", "points=1", "points >= 2"),
    ),
    "no bundle": (
        ["predict", "{}/modl.safetensors", "{}/test.nc", "{}/new.nc"],
        ("UnknownNameError", "Did you mean 'model.safetensors'?"),
    ),
    "no bundle to draw with": (
        ["draw", "{}/modl.safetensors"], ("UnknownNameError", "Did you mean 'model.safetensors'?"),
    ),
    "a bundle without a plane to draw on": (
        ["draw", "{}/model.safetensors", "--no-browser"], ("OptionError", "'dynamics'", "flow-obstacles"),
    ),
    "data in the place of a bundle": (
        ["evaluate", "{}/test.nc", "{}/test.nc"], ("BundleError", "test.nc", "not a geodl bundle"),
    ),
    "a bundle in the place of data": (
        ["report", "{}/model.safetensors", "{}/model.safetensors", "{}/new.html"], ("DataFileError", "not NetCDF-4"),
    ),
    "no device": (
        ["evaluate", "{}/model.safetensors", "{}/test.nc", "--device", "gpu"], ("DeviceError", "'gpu'", "cpu"),
    ),
    "a word for outside that does not exist": (
        ["predict", "{}/model.safetensors", "{}/test.nc", "{}/new.nc", "--outside", "rise"],
        ("UnknownNameError", "Did you mean 'raise'?"),
    ),
    "no folder for the result": (
        ["predict", "{}/model.safetensors", "{}/test.nc", "{}/no/new.nc"], ("OutputError", "does not exist", "make it"),
    ),
    "a folder as the result": (
        ["report", "{}/model.safetensors", "{}/test.nc", "{}"], ("OutputError", "is a folder", "name of a file"),
    ),
    **{
        f"{words[0]} over what exists": (words, ("OutputError", "exists", "--overwrite"))
        for words in (
            ["data", "dynamics", "--out", "{}/test.nc"],
            ["fit", "{}/run.nc", "{}/model.safetensors", "-f", "dynamics"],
            ["predict", "{}/model.safetensors", "{}/test.nc", "{}/run.nc"],
            ["report", "{}/model.safetensors", "{}/test.nc", "{}/test.nc"],
        )
    },
}  # fmt: skip


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("mistake", REFUSED)
def test_a_refusal_ends_with_status_2_and_one_message(mistake: str, run: Geodl, folder: Path):
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    words, expected = REFUSED[mistake]
    status, out, err = run(*(word.format(folder) for word in words))
    assert (status, out) == (2, "")
    assert re.match(r"\w+Error: ", err)
    for word in (*expected, "\n"):
        assert word in err
    assert "Traceback" not in err
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("words", "message"),
    [(["chek"], "No such command"), (["check"], "Missing argument"), (["fit", "a", "b"], "--family"),
     (["check", "a", "-f", "b", "--sead", "1"], "No such option"), (["data", "a", "b"], "--out"),
     (["data", "a", "--out", "b", "--seed", "x"], "--seed")],
    ids=lambda value: str(value),
)  # fmt: skip
def test_words_that_the_command_line_does_not_know_end_with_status_2(words: list[str], message: str, run: Geodl):
    status, _, err = run(*words)
    assert status == 2
    assert message in err
    assert "Traceback" not in err


def test_a_path_is_printed_as_it_is(run: Geodl, folder: Path, tmp_path):
    """Neither brackets, which rich would take for markup, nor its length change it."""
    long = tmp_path / f"[bold]{'long' * 40}[red]"
    long.mkdir()
    (long / "run.nc").write_bytes((folder / "run.nc").read_bytes())
    _, out, _ = run("check", long / "run.nc", "-f", "dynamics")
    assert out.startswith(f"{long / 'run.nc'} fits")
    _, _, err = run("check", long / "no.nc", "-f", "dynamics")
    assert f"there is no file {long / 'no.nc'}. " in err


def test_the_module_runs_as_the_command_does(folder: Path):
    out = child.python("-m", "geodl", "check", str(folder / "run.nc"), "-f", "dynamics", "-o", "leads=4")
    assert "120 samples" in out


def test_every_setting_can_be_set_by_a_word():
    """What ``--set`` gives is what a settings file would give: numbers, texts, true and false."""
    given = {key: value for key, value in geodl.FitConfig().jsonable().items() if value is not None}
    text = [f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in given.items()]
    assert geodl.FitConfig.parse(cli.pairs(text)) == geodl.FitConfig()
