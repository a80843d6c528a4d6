"""Flows that others made, whichever of the known layouts they have."""

from pathlib import Path

import xarray as xr

from geodl.errors import DataFileError
from geodl.flow.data.airfoil_arrays import read_airfoil_arrays
from geodl.flow.data.deepcfd import read_deepcfd


def read_flows(folder: Path) -> xr.Dataset:
    """A folder with dataX and dataY of DeepCFD, or with the .npz files of Deep-Flow-Prediction.

    Raises:
        DataFileError: it is no folder, or holds neither.
    """
    if not folder.is_dir():
        raise DataFileError(f"there is no folder {folder}")
    found = [next(iter(sorted(folder.glob(f"{name}.*"))), None) for name in ("dataX", "dataY")]
    if found[0] is not None and found[1] is not None:
        return read_deepcfd(found[0], found[1])
    if any(folder.glob("*.npz")):
        return read_airfoil_arrays(folder)
    raise DataFileError(f"{folder} holds neither dataX and dataY (.pkl, .npy) of DeepCFD, nor .npz files of airfoils")
