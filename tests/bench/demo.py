"""The first thing a newcomer does: `make demo` on a clean clone, install included, and what it installs."""

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from geodl.core.contract import Claim

ROOT = Path(__file__).parents[2]
_CUDA = re.compile(r"^(nvidia|triton|cuda)[-_]?")


def claims() -> list[Claim]:
    """Seconds of `make demo` in a fresh clone of the last commit, and the packages of its environment."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "geodl"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        begin = time.perf_counter()
        environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
        subprocess.run(["make", "demo"], cwd=clone, check=True, env=environment)
        seconds = time.perf_counter() - begin
        listed = subprocess.run(
            [clone / ".venv/bin/python", "-m", "pip", "list", "--format=freeze"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
    packages = [line for line in listed if not _CUDA.match(line)]
    return [
        Claim("make demo on a clean clone, install included", seconds, "s", bar=("<=", 300.0)),
        Claim("packages in the environment of the demo", len(packages), "1", bar=("<=", 48.0)),
    ]
