"""How long an OpenFOAM case of text files takes to become a Dataset, gradients and wall distance included."""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from geodl.core.contract import Claim
from geodl.turbulence.openfoam.case import read_openfoam
from tests.turbulence import cases


def write(case: Path) -> None:
    """A wavy channel of 15,600 cells, periodic along it: U, k, omega, p, nut and the mesh in text."""

    def wavy(x: np.ndarray) -> np.ndarray:
        floor = 0.5 * (1 + np.cos(2 * np.pi * x[..., 0] / 9)) * (1 - x[..., 1] / 3)
        return np.stack([x[..., 0], x[..., 1] + floor, x[..., 2]], -1)

    mesh = cases.block((9 * cases.graded(120), 3 * cases.graded(130, 20.0), np.array([0, 0.1])), wavy)
    joined = {"x0": "type cyclic; neighbourPatch x1;", "x1": "type cyclic; neighbourPatch x0;"}
    empty = dict.fromkeys(("z0", "z1"), "type empty;")
    cases.write_mesh(case, mesh, {**joined, **empty, "y0": "type wall;", "y1": "type wall;"})
    centre, _ = cases.centres(mesh)
    walls = dict.fromkeys(("y0", "y1"), "type noSlip;")
    patches = {**dict.fromkeys(joined, "type cyclic;"), **empty, **walls}
    cases.write_field(case / "5000" / "U", np.sin(centre), patches)
    for name in ("k", "omega", "p", "nut"):
        patches |= dict.fromkeys(walls, "type zeroGradient;")
        cases.write_field(case / "5000" / name, np.cos(centre[:, 0]) + 2, patches)
    cases.write_nu(case)


def measure() -> float:
    """Median seconds of five readings."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            assert read_openfoam(folder).sizes["cell"] == 15_600
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


def claims() -> list[Claim]:
    """Reading is bounded by the numbers in the files: no loop over cells or faces."""
    return [Claim("read an OpenFOAM case of 15,600 cells, gradients included", measure(), "s", bar=("<=", 2.0))]
