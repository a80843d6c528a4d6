"""The channel at Re_τ = 590 that came with the first tensor-basis network."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

from geodl.errors import DataFileError
from geodl.turbulence.datasets.archive import read_bytes
from geodl.turbulence.datasets.layout import flow_dataset, masks

COLUMNS, HEADER = 20, 4  # k, ε, nine of the gradient, nine of the stress; lines before the numbers
_ATTRS = {
    "title": "Channel flow at Re_tau 590: k-epsilon RANS beside the Reynolds stress of a DNS",
    "source": "sandialabs/tbnn, the channel example",
    "licence": "BSD-3-Clause, (c) 2017 Sandia Corporation",
    "citation": "Ling, Kurzawski & Templeton 2016, J. Fluid Mech. 807, 155; truth: Moser, Kim & Mansour 1999, "
    "Phys. Fluids 11, 943",
}


def sandia_channel(folder: Path) -> xr.Dataset:
    """The 59 points, with ``part`` (train or test) as the package's own example divides them.

    The first point is the wall, where the stress is zero and no traceless anisotropy fits: both masks leave it out.

    Raises:
        DataFileError: a file is missing, truncated, or of other content.
    """
    values = _table(folder / "channel.txt")
    stress = values[:, 11:].reshape(-1, 3, 3)
    variables = {
        "k": values[:, 0],
        "epsilon": values[:, 1],
        "velocity_gradient": values[:, 2:11].reshape(-1, 3, 3),
        "reynolds_stress": stress,
        **masks(stress),
    }
    units = "one consistent system, not stated: only k/epsilon dU_i/dx_j and the anisotropy can be compared"
    ds = flow_dataset("channel", variables, unit_system=units, family="channel", attrs=_ATTRS)
    part = _parts(folder / "split_and_expected.json", len(values))
    return ds.assign_coords(part=("cell", part, {"long_name": "train or test in the package's own example"}))


def _table(path: Path) -> np.ndarray:
    lines = read_bytes(path).decode("utf-8", errors="replace").splitlines()[HEADER:]
    try:
        values = np.array([line.split() for line in lines if line.strip()], dtype=np.float64)
    except ValueError as error:
        raise DataFileError(f"{path} is not a table of numbers after {HEADER} lines: {error}") from error
    if values.ndim != 2 or values.shape[1] != COLUMNS:
        raise DataFileError(f"{path} holds numbers of shape {values.shape}, expected {COLUMNS} columns")
    return values


def _parts(path: Path, points: int) -> np.ndarray:
    try:
        split = json.loads(read_bytes(path))
        part = np.full(points, "", dtype="<U5")
        for name in ("train", "test"):
            part[split[name]] = name
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise DataFileError(f"{path} is not a split into train and test of {points} points: {error}") from error
    if (part == "").any():
        raise DataFileError(f"{path} names neither train nor test for point {int(np.argmax(part == ''))}")
    return part
