"""Makes the files of this folder and their checksums anew: python data/chemistry-h2/make.py."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from geodl.chemistry import generate, ignition_cases, ignition_start, reference_trajectory
from geodl.chemistry.mechanism.read import read_mechanism
from geodl.core.files import write_data

MECHANISM, FUEL = "h2o2.yaml", "H2"
TEMPERATURE, PRESSURE, PHI = (1000.0, 1400.0), (101325.0, 202650.0), (0.5, 2.0)
TRAIN: dict[str, Any] = {
    "seed": 6, "mechanism": MECHANISM, "fuel": FUEL, "trajectories": 400, "samples": 50, "flames": 0, "extinction": 0.1,
    "end_time": 2e-3, "dt": "1e-7:1e-5",
    **{name: f"{low:g}:{high:g}" for name, (low, high) in
       {"temperature": TEMPERATURE, "pressure": PRESSURE, "phi": PHI}.items()},
}  # fmt: skip
IGNITION_SEED, CASES = 7, 8
TIME = np.arange(601) * 1e-6  # s


def labelled(**plan: Any) -> xr.Dataset:
    """States and what becomes of them, in single precision."""
    return small(generate(**plan, workers=1))


def ignitions(cases: int = CASES) -> xr.Dataset:
    """Reactors from the fresh mixture to the burnt gas, integrated by Cantera in one go."""
    mechanism = read_mechanism(MECHANISM)
    drawn = ignition_cases(IGNITION_SEED, CASES, temperature=TEMPERATURE, pressure=PRESSURE, equivalence_ratio=PHI)
    start = ignition_start(mechanism, drawn[:cases], FUEL)
    run = reference_trajectory(MECHANISM, start, TIME, show=False)
    seconds = {"units": "s", "long_name": "time since the start"}
    fields = {
        "temperature": (("case", "time"), run.temperature.T, {"units": "K", "long_name": "temperature"}),
        "mass_fraction": (
            ("case", "time", "species"), run.mass_fraction.swapaxes(0, 1), {"units": "1", "long_name": "mass fraction"},
        ),
        "pressure": ("case", start.pressure, {"units": "Pa", "long_name": "pressure, constant"}),
    }  # fmt: skip
    ratio = {"units": "1", "long_name": "equivalence ratio of the mixture"}
    coords = {
        "time": ("time", TIME, seconds),
        "species": ("species", list(mechanism.species), {"long_name": "name of the species"}),
        "equivalence_ratio": ("case", [case.equivalence_ratio for case in drawn[:cases]], ratio),
    }
    attrs = {
        "Conventions": "CF-1.11", "title": f"Ignition of {FUEL} in air at constant pressure", "licence": "CC0-1.0",
        "mechanism": mechanism.name, "mechanism_fingerprint": mechanism.fingerprint, "rtol": 1e-9, "atol": 1e-15,
    }  # fmt: skip
    return small(xr.Dataset(fields, coords, attrs))


def small(ds: xr.Dataset) -> xr.Dataset:
    """Fields in single precision."""
    made = ds.assign({name: values.astype(np.float32) for name, values in ds.data_vars.items()})
    return made.assign_attrs(comment="fields are rounded to single precision")


def main() -> None:
    """Write every file, then SHA256SUMS in the format of sha256sum."""
    folder = Path(__file__).parent
    files = {"ignition.nc": ignitions(), "train.nc": labelled(**TRAIN)}
    for name, ds in files.items():
        write_data(ds, folder / name, overwrite=True)
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(files)]
    (folder / "SHA256SUMS").write_text("".join(lines))


if __name__ == "__main__":
    main()
