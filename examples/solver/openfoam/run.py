"""Fields of an OpenFOAM case to a Reynolds stress by C, and back: compared with the surrogate in Python."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import coupling

import geodl
from geodl import turbulence


def main(case: Path | None) -> None:
    """Read, call, write, compare."""
    with tempfile.TemporaryDirectory() as name:
        surrogate = coupling.exported("turbulence-anisotropy", Path(name, "closure"))
        handle = geodl.Handle(Path(name, "closure"))
        given = case or turbulence.write_column(Path(name, "channel"), turbulence.channel_flow(395, cells=160))
        rans = surrogate.family.complete(turbulence.read_openfoam(given))
        arguments = handle.description["arguments"]
        begin = time.perf_counter()
        *found, status = handle(*(rans[a["name"]].values for a in arguments if a["kind"] == "in"))
        taken, doubted = 1e6 * (time.perf_counter() - begin) / len(status), int((status != 0).sum())
        print(f"{taken:.2f} us a cell; {doubted} of {len(status)} answers in doubt: keep the eddy viscosity there")
        outputs = [a for a in arguments if a["kind"] == "out"]
        fields = {
            a["name"]: (("cell", *a["sizes"]), x, {"units": a["units"]}) for a, x in zip(outputs, found, strict=True)
        }
        fields["in_domain"] = ("cell",), (status == 0).astype(float), {"units": "1"}
        predicted = rans.assign(fields)
        for path in turbulence.write_openfoam(given, predicted, overwrite=True):
            print(path.name)
    here = surrogate(rans)
    coupling.require("largest difference of b to Python", np.abs(found[0] - here["anisotropy"].values).max(), 1e-4)
    shear = rans["velocity_gradient"].values[:, 0, 1]
    linear = -(rans["k"] / rans["omega"]).values * shear / 2 / rans["k"].values
    print(f"b_xy by the eddy viscosity of the RANS: {linear.min():.3f} to {linear.max():.3f}; by the surrogate: "
          f"{found[0][:, 0, 1].min():.3f} to {found[0][:, 0, 1].max():.3f}")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", type=Path, nargs="?", help="an OpenFOAM case; a channel is made up where none is given")
    main(**vars(parser.parse_args()))
