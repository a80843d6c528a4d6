"""An exported folder that tests share, and compilers."""

import shutil
import subprocess
from pathlib import Path

import pytest

from geodl.core.compiler import find_compiler

needs_compiler = pytest.mark.skipif(find_compiler() is None, reason="there is no C compiler")
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
VARIANTS = {
    "native": ("-march=native",),
    "plain": (),
    "one lane": ("-DGEODL_SCALAR",),
}


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; that it fails is an error with its words."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def compilers(*names: str) -> list:
    """As parameters of a test, skipped where they are not installed."""
    return [
        pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"there is no {name}"))
        for name in names
    ]
