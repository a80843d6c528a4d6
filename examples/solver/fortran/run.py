"""A line of gas with a hot spot, in Fortran with OpenMP: compared with the surrogate in Python, and with Cantera."""

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import coupling  # noqa: E402
import hot_spot  # noqa: E402

from geodl import chemistry  # noqa: E402

LONGEST = 2.5e-6  # s


def main(cells: int, steps: int) -> None:
    """Build, run, compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "chemistry_h2")
        surrogate = coupling.exported("chemistry-h2", folder)
        emulator = chemistry.EmulatedChemistry(surrogate, longest=LONGEST)
        fortran, c = coupling.compiler("gfortran"), coupling.compiler("gcc", "clang", "cc")
        coupling.run(c, "-std=c99", *coupling.FLAGS, "-c", "chemistry_h2.c", cwd=folder)
        sources = "chemistry_h2.f90", HERE / "main.f90", "chemistry_h2.o"
        coupling.run(fortran, "-O2", "-fopenmp", *sources, "-lm", "-o", "main", cwd=folder)
        coupling.write(folder / "start", hot_spot.start(emulator.mechanism, cells))
        coupling.run("./main", str(cells), str(steps), emulator.mechanism.fingerprint, cwd=folder)
        temperature, fraction = coupling.read(folder / "end", [(cells,), (cells, len(emulator.mechanism.species))])
    hot_spot.compare(temperature, fraction, emulator, steps)


if __name__ == "__main__":
    main(**coupling.sized(__doc__, cells=400, steps=100))
