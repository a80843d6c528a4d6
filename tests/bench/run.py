"""``make bench``: measure what the library promises of speed, and write docs/results/bench-*.json and their table."""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from geodl.core.contract import Claim
from geodl.reproduction import Results
from tests.bench import (
    air_in_c,
    chemistry,
    closure,
    demo,
    dense,
    dynamics,
    exports,
    flow,
    flow_surrogate,
    openfoam,
    startup,
    training,
    turbulence,
)

RESULTS = Path(__file__).parents[2] / "docs" / "results"
BENCHES: dict[str, Callable[[], list[Claim]]] = {
    "chemistry": chemistry.claims,
    "demo": demo.claims,
    "dynamics": dynamics.claims,
    "export": lambda: [*exports.claims(), *air_in_c.claims(), *closure.claims(), *dense.claims()],
    "flow": lambda: [*flow.claims(), *flow_surrogate.claims()],
    "spine": lambda: [*startup.claims(), *training.claims()],
    "turbulence": lambda: [*turbulence.claims(), *openfoam.claims()],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(BENCHES), help=f"which: {', '.join(BENCHES)}")
    torch.set_num_threads(1)
    for name in parser.parse_args().names:
        begin = time.perf_counter()
        claims = BENCHES[name]()
        seconds = time.perf_counter() - begin
        command = f"python -m tests.bench.run {name}"
        result = name if name == "export" else f"bench-{name}"
        Results(result, command, (0,), seconds, 1, tuple(claims)).write(RESULTS / f"{result}.json")
        for claim in claims:
            bar = claim.row()["bar"] or ""
            print(f"{claim.claim:60s} {claim.measured:10.3g} {claim.unit:4s} {bar:10s} {claim.passed}")
    subprocess.run([sys.executable, "docs/tables.py"], check=True, cwd=RESULTS.parents[1])


if __name__ == "__main__":
    main()
