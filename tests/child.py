"""Another Python, for what must not happen in this one: a crash, a kill, a full disk, a first import."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def python(*arguments: str, timeout: float = 60, **environment: str) -> str:
    """What a new Python prints; its failure is a failure of the test. Other names are variables of its environment."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment)
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout


def quick_reproduction(name: str, folder: Path) -> Path:
    """The folder with what ``geodl reproduce --quick`` writes: without checks of signatures it takes a quarter."""
    python("-W", "ignore", "-m", "geodl", "reproduce", name, "--quick", "--folder", str(folder), timeout=300)
    return folder
