"""The Reynolds stress of a RANS solution, in C++: compared with the surrogate in Python and the resolved stress."""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import coupling  # noqa: E402

DATA = HERE.parents[2] / "data" / "turbulence-rotated-hill" / "original.nc"
INPUTS = ("velocity_gradient", "k", "omega", "wall_distance", "nu", "k_gradient", "pressure_gradient")


def main(data: Path) -> None:
    """Build, run, compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "closure")
        surrogate = coupling.exported("turbulence-anisotropy", folder)
        flow = surrogate.family.complete(xr.open_dataset(data))
        cpp, c = coupling.compiler("g++", "clang++"), coupling.compiler("gcc", "clang", "cc")
        coupling.run(c, "-std=c99", *coupling.FLAGS, "-c", "closure.c", cwd=folder)
        coupling.run(cpp, "-std=c++11", "-O2", f"-I{folder}", HERE / "main.cpp", "closure.o", "-o", "main", cwd=folder)
        coupling.write(folder / "cells", [flow[name].values for name in INPUTS])
        cells = flow.sizes["cell"]
        coupling.run("sh", "-c", f"./main {cells} {surrogate.sha256} < cells > stress", cwd=folder)
        b, k = coupling.read(folder / "stress", [(cells, 3, 3), (cells,)])
    here = surrogate(flow)
    coupling.require("largest difference of b to Python", np.abs(b - here["anisotropy"].values).max(), 1e-4)
    coupling.require("the same of k, relative", np.abs(k / here["k_corrected"].values - 1).max(), 1e-4)
    truth = flow["anisotropy"].values
    print(f"root mean square error of b beside the resolved stress: {rms(b - truth):.3f}")
    print(f"the same of no anisotropy at all: {rms(truth):.3f}")


def rms(tensors: np.ndarray) -> float:
    """Root mean square length of tensors [cell, i, j]."""
    return float(np.sqrt(np.square(tensors).sum((1, 2)).mean()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="a flow in the layout of the family")
    main(**vars(parser.parse_args()))
