"""Imports point down only, importing the package is light, and nothing in it can run what a file says."""

import ast
import importlib
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch

import geodl
from geodl.core.guard import Guard
from geodl.dynamics.fields import BilinearField
from tests import child

PACKAGE = Path(geodl.__file__).parent
MODULES = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
LAYERS = [
    {"errors"},
    {"core"},
    {"train", "exports"},
    set(geodl.families()),
    {"reproduction", "testing"},
    {"cli"},
    {"__main__"},
]


def part(module: str) -> str:
    """The file or folder of the package that a module belongs to; nothing for the package itself."""
    return module.split(".")[1] if "." in module else ""


def layer(name: str) -> int:
    found = [i for i, names in enumerate(LAYERS) if name in names]
    assert found, f"geodl/{name} stands in no layer: name it in {__name__}.LAYERS"
    return found[0]


def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(), str(MODULES[module]))


def imported(module: str) -> Iterator[str]:
    """Modules that a module names in imports anywhere, or reaches through a public name of the package."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "geodl":
            yield geodl._HOME.get(node.attr, "geodl")


CHECKED = sorted(module for module in MODULES if part(module) not in ("", "__init__"))


@pytest.mark.parametrize("module", CHECKED)
def test_imports_point_down_only(module):
    mine = part(module)
    for target in imported(module):
        theirs = part(target) if target.split(".")[0] == "geodl" else ""
        if theirs in ("", mine, "__version__"):
            continue
        assert layer(theirs) < layer(mine), f"{module} imports {target}, which does not stand below it"


def test_the_arrows_are_seen():
    """What is known to be there: a check that sees no imports would pass anything."""
    assert {"geodl.core.contract.Family", "geodl.errors.ResumeError"} <= {
        *imported("geodl.train.fit"),
        *imported("geodl.train.loop"),
    }
    assert "geodl.train.fit" in set(imported("geodl.cli"))
    assert layer("dynamics") > layer("train") > layer("core") > layer("errors")


HEAVY = ("torch", "xarray", "numpy", "pandas", "matplotlib", "pint", "pydantic", "netCDF4", "scipy", "rich")


@pytest.mark.parametrize("module", ["geodl", "geodl.errors"])
def test_importing_the_package_imports_nothing_heavy(module):
    out = child.python("-c", f"import json, sys, {module}; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))")
    assert json.loads(out) == []


def test_the_package_imports_at_its_top_only_what_it_depends_on():
    pyproject = PACKAGE.parent / "pyproject.toml"
    if not pyproject.exists():
        pytest.skip("an installed package, not a checkout")
    words = tomllib.loads(pyproject.read_text())["project"]["dependencies"]
    allowed = {word.split(">=")[0].lower() for word in words} | set(sys.stdlib_module_names) | {"geodl"}
    for module in MODULES:
        for node in tree(module).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                assert {name.split(".")[0].lower() for name in names} <= allowed, f"{module}, line {node.lineno}"


UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
UNSAFE_NAMES = {"eval", "exec", "compile", "__import__"}
UNSAFE_ATTRIBUTES = {
    ("torch", "load"),
    ("torch", "save"),
    ("torch", "jit"),
    ("np", "load"),
    ("numpy", "load"),
    ("os", "system"),
}


def unsafe(code: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(code):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            found += [f"import {name}" for name in names & UNSAFE_MODULES]
            found += [
                f"from torch import {name}"
                for name in names
                if getattr(node, "module", "") == "torch" and name == "load"
            ]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in UNSAFE_NAMES:
            found.append(f"{node.func.id}(")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found += [f"{a}.{b}" for a, b in UNSAFE_ATTRIBUTES if (node.value.id, node.attr) == (a, b)]
        elif isinstance(node, ast.keyword) and node.arg in ("shell", "allow_pickle"):
            found.append(f"{node.arg}=")
    return found


# Others publish arrays as pickles. One module takes them apart with stand-ins that only remember what they are told;
# nothing that a pickle names is looked up. The next test but one holds it to that.
READER = "geodl.flow.data.arrays"
EXCEPTIONS = {READER: {"import pickle", "allow_pickle="}}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_nothing_in_the_package_can_run_what_a_file_says(module):
    assert set(unsafe(tree(module))) <= EXCEPTIONS.get(module, set())


def test_the_reader_of_pickles_looks_up_nothing_but_its_own_stand_ins():
    code, reader = tree(READER), importlib.import_module(READER)
    nodes = list(ast.walk(code))
    named = [node for node in nodes if isinstance(node, ast.Name) and node.id in UNSAFE_MODULES]
    used = [n.attr for n in nodes if isinstance(n, ast.Attribute) and n.value in named]
    assert used == ["Unpickler"] * len(named) == ["Unpickler"]
    allowed = [node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "allow_pickle"]
    assert all(isinstance(value, ast.Constant) and value.value is False for value in allowed)
    (made,) = (node for node in code.body if isinstance(node, ast.ClassDef) and node.name == "_ArrayUnpickler")
    assert [node.name for node in made.body if isinstance(node, ast.FunctionDef)] == ["find_class"]
    inside = {node.id for node in ast.walk(made) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert inside - {"str", "Any", "pickle"} == {"_STAND_INS", "module", "name", "KeyError", "DataFileError"}
    assert all(stand_in.__module__ == READER for stand_in in reader._STAND_INS.values())


SEEN = [
    "import pickle",
    "from pickle import loads",
    "torch.load(p)",
    "from torch import load",
    "eval(x)",
    "exec(x)",
    "f(shell=1)",
]


@pytest.mark.parametrize("code", SEEN)
def test_what_could_is_seen(code):
    assert unsafe(ast.parse(code))


def test_signatures_and_shapes_are_checked_while_tests_run():
    with pytest.raises(jaxtyping.TypeCheckError, match="features"):
        Guard("three")
    with pytest.raises(jaxtyping.TypeCheckError, match="increment"):
        BilinearField(2).warm_start(torch.zeros(5, 2), torch.zeros(4, 2))
