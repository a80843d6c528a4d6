"""What is installed from the wheel works alone, away from the checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def python(*arguments: object, cwd: Path, **environment: str) -> str:
    """What another Python prints in a folder and an environment of its own."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_"))}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, env={**clean, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    python("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """A folder with nothing but the installed package."""
    folder = wheel.parent / "site"
    python("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder, wheel, cwd=wheel.parent)
    return folder


def test_the_wheel_holds_package_samples_bundles_and_templates(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    there = {
        path.relative_to(ROOT)
        for end in ("*.nc", "*.safetensors", "SHA256SUMS", "card.md")
        for path in ROOT.glob(f"data/*/{end}")
    }
    assert {f"geodl/{path}" for path in map(Path.as_posix, there)} <= names
    modules = {path.relative_to(ROOT).as_posix() for end in ("py", "c", "h") for path in ROOT.glob(f"geodl/**/*.{end}")}
    beside = {"geodl/py.typed", "geodl/train/report.html", "geodl/flow/draw/page.html", "geodl/flow/lattice/sweep.c"}
    assert modules | beside <= names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"geodl"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_an_installed_package_works_alone(site: Path, tmp_path):
    out = python(
        "-c", "import geodl; print(geodl.__file__); print(*geodl.families())", cwd=tmp_path, PYTHONPATH=str(site)
    )
    file, families = out.splitlines()
    assert Path(file).is_relative_to(site)
    assert "dynamics" in families.split()
    done = ["-m", "geodl", "reproduce", "lorenz63", "--quick", "--folder", tmp_path / "results"]
    assert "polynomial map" in python(*done, cwd=tmp_path, PYTHONPATH=str(site))
    result = json.loads((tmp_path / "results" / "lorenz63.json").read_text())
    assert result["commit"] == "not a checkout"
    assert {"lorenz63.nc", "lorenz63.safetensors", "report.html"} <= {
        path.name for path in (tmp_path / "results").iterdir()
    }


def test_a_pretrained_bundle_comes_along(site: Path, tmp_path):
    code = "import geodl; print(geodl.load('dynamics-lorenz63')(geodl.open_sample('lorenz63/test')).sizes)"
    assert "'lead': 8" in python("-c", code, cwd=tmp_path, PYTHONPATH=str(site))
