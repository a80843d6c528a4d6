"""The command line answers at once, and the public names are the ones that the package lists."""

import json
from pathlib import Path

import geodl
from geodl import cli
from tests import child

HEAVY = ("torch", "xarray", "numpy", "matplotlib", "pint", "netCDF4", "scipy", "safetensors")
NAMES = [command.callback.__name__ for command in cli.app.registered_commands if command.callback]

# Asks in one Python, since each start costs, and says after each call what was imported.
HELP = f"""
import json, sys
from typer.testing import CliRunner
from geodl.cli import app
loaded = {{}}
for words in json.loads(sys.argv[1]):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    loaded[" ".join(words)] = [name for name in {HEAVY} if name in sys.modules]
print(json.dumps(loaded))
"""


def test_help_of_any_command_waits_for_nothing_heavy():
    asked = [["--help"], *([name, "--help"] for name in NAMES)]
    loaded = json.loads(child.python("-c", HELP, json.dumps(asked)))
    assert loaded == {" ".join(words): [] for words in asked}


def test_the_public_names_are_the_ones_that_are_loaded_on_first_use():
    assert sorted(geodl.__all__) == sorted(geodl._HOME)
    assert geodl.__all__ == sorted(geodl.__all__)
    assert set(geodl.__all__) <= set(dir(geodl))


RESOLVE = """
import importlib, geodl
for name in geodl.__all__:
    found = getattr(geodl, name)
    assert found is getattr(importlib.import_module(geodl._HOME[name]), name), name
    assert found.__doc__, name
print(len(geodl.__all__))
"""


def test_every_public_name_is_the_one_of_its_module_and_is_documented():
    assert child.python("-c", RESOLVE).strip() == str(len(geodl.__all__))


def test_no_public_name_is_that_of_a_submodule_which_would_replace_it():
    modules = {path.stem for path in Path(geodl.__file__).parent.iterdir()}
    assert modules & set(geodl.__all__) == set()


def test_the_package_says_its_version():
    assert child.python("-c", "import geodl; print(geodl.__version__)").strip() == geodl.__version__
