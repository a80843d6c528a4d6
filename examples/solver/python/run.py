"""A line of gas with a hot spot, in numpy without torch: compared with the surrogate in Python, and with Cantera."""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import coupling
import hot_spot

import geodl
from geodl import chemistry

LONGEST = 2.5e-6  # s


def main(cells: int, steps: int) -> None:
    """Export, march, compare."""
    with tempfile.TemporaryDirectory() as name:
        surrogate = coupling.exported("chemistry-h2", Path(name, "chemistry_h2"))
        handle = geodl.Handle(Path(name, "chemistry_h2"))
    emulator = chemistry.EmulatedChemistry(surrogate, longest=LONGEST)
    temperature, fraction = hot_spot.start(emulator.mechanism, cells)
    given = temperature.copy(), np.full(cells, hot_spot.PRESSURE), fraction.copy(), np.full(cells, hot_spot.DT)
    advance, (temperature, fraction, status) = handle.bind(*given, longest=LONGEST)
    begin, doubted = time.perf_counter(), 0
    for step in range(steps):
        if step:  # what the call has written goes on into what it reads
            given[0][:], given[2][:] = temperature, fraction
        given[0][:], given[2][:] = hot_spot.diffused(given[0]), hot_spot.diffused(given[2])
        advance()
        doubted += int((status > 1).sum())
    taken = 1e6 * (time.perf_counter() - begin) / cells / steps
    print(f"{taken:.2f} us a cell and step; {doubted} of {cells * steps} answers in doubt")
    hot_spot.compare(temperature, fraction, emulator, steps)


if __name__ == "__main__":
    main(**coupling.sized(__doc__, cells=400, steps=100))
