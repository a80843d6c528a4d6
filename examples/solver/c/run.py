"""Reactors that ignite, in C: compared with the surrogate in Python, and with Cantera."""

import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import coupling  # noqa: E402

from geodl import chemistry  # noqa: E402

DT, LONGEST = 1e-6, 2.5e-6  # s


def main(cells: int, steps: int) -> None:
    """Build, run, compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "chemistry_h2")
        surrogate = coupling.exported("chemistry-h2", folder)
        emulator = chemistry.EmulatedChemistry(surrogate, longest=LONGEST)
        start = reactors(emulator.mechanism, cells)
        compiler = coupling.compiler("gcc", "clang", "cc")
        sources = HERE / "main.c", folder / "chemistry_h2.c"
        coupling.run(compiler, "-std=c99", *coupling.FLAGS, f"-I{folder}", *sources, "-lm", "-o", "main", cwd=folder)
        coupling.write(folder / "start", (start.temperature, start.pressure, start.mass_fraction))
        fingerprint = emulator.mechanism.fingerprint
        coupling.run("sh", "-c", f"./main {cells} {steps} {fingerprint} < start > end", cwd=folder)
        temperature, fraction = coupling.read(folder / "end", [(cells,), (cells, len(emulator.mechanism.species))])
    here = chemistry.roll_out(emulator, start, DT, steps)
    coupling.require("largest difference to Python in K", np.abs(temperature - here.temperature[-1]).max(), 0.5)
    coupling.require("the same in mass fractions", np.abs(fraction - here.mass_fraction[-1]).max(), 1e-4)
    few = slice(0, 20)
    first = chemistry.Cells(start.temperature[few], start.pressure[few], start.mass_fraction[few])
    truth = chemistry.roll_out(chemistry.CanteraChemistry("h2o2.yaml"), first, DT, steps)
    coupling.require("mean difference to Cantera in K", np.abs(temperature[few] - truth.temperature[-1]).mean(), 10)


def reactors(mechanism: chemistry.Mechanism, cells: int) -> chemistry.Cells:
    """Mixtures that ignite at once and such that do not."""
    cases = chemistry.ignition_cases(
        7, cells, temperature=(950.0, 1500.0), pressure=(1e5, 1e6), equivalence_ratio=(0.5, 2.0)
    )
    return chemistry.ignition_start(mechanism, cases, "H2")


if __name__ == "__main__":
    main(**coupling.sized(__doc__, cells=2000, steps=1000))
