"""What a user waits for before anything happens: import and help."""

import statistics
import subprocess
import sys
import time

from geodl.core.contract import Claim


def _seconds(command: list[str], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def import_seconds() -> float:
    """Cumulative time of ``import geodl`` as the interpreter counts it."""
    times = []
    for _ in range(5):
        command = [sys.executable, "-X", "importtime", "-c", "import geodl"]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
        times.append(next(int(line.split("|")[1]) for line in lines if line.rstrip().endswith("| geodl")) / 1e6)
    return statistics.median(times)


def claims() -> list[Claim]:
    """Import and help, medians of five fresh interpreters each."""
    return [
        Claim("import geodl", import_seconds(), "s", bar=("<=", 0.3)),
        Claim("geodl --help", _seconds([sys.executable, "-m", "geodl", "--help"], 5), "s", bar=("<=", 0.5)),
    ]
