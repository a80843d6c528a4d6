"""The line of gas over MPI: each process has a stretch of it, and shows its neighbours the cells at its ends.

    mpirun -n 4 python examples/solver/python/mpi.py

Every process runs on one core and without threads of its own: there are as many as cores. It needs mpi4py.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import coupling
import hot_spot
import numpy as np
from mpi4py import MPI

import geodl
from geodl import chemistry

CELLS, STEPS, LONGEST = 400, 100, 2.5e-6


def main() -> None:
    """March, and compare on the first process."""
    world = MPI.COMM_WORLD
    with tempfile.TemporaryDirectory() as name:  # compiled by the first process, found by the others
        folder = world.bcast(name)
        if world.rank == 0:
            coupling.exported("chemistry-h2", Path(folder, "chemistry_h2"))
            geodl.Handle(Path(folder, "chemistry_h2"))
        world.barrier()
        handle = geodl.Handle(Path(folder, "chemistry_h2"))
        world.barrier()
    emulator = chemistry.EmulatedChemistry(geodl.load("chemistry-h2"), longest=LONGEST)
    mine = np.array_split(np.arange(CELLS), world.size)[world.rank]
    temperature, fraction = (values[mine] for values in hot_spot.start(emulator.mechanism, CELLS))
    for _ in range(STEPS):
        moved = [hot_spot.diffused(padded(world, values))[1:-1] for values in (temperature, fraction)]
        temperature, fraction, _ = handle(moved[0], hot_spot.PRESSURE, moved[1], hot_spot.DT, longest=LONGEST)
    gathered = [world.gather(values) for values in (temperature, fraction)]
    if world.rank == 0:
        hot_spot.compare(*map(np.concatenate, gathered), emulator, STEPS)


def padded(world: MPI.Comm, values: np.ndarray) -> np.ndarray:
    """With a cell of each neighbour; at the ends of the line with a copy of its own, so that nothing leaves there."""
    before, after = world.rank - 1, world.rank + 1
    low, high = values[0].copy(), values[-1].copy()
    if before >= 0:
        low = world.sendrecv(low, before, source=before)
    if after < world.size:
        high = world.sendrecv(high, after, source=after)
    return np.concatenate([low[None], values, high[None]])


if __name__ == "__main__":
    main()
