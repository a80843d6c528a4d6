"""Channel flows in the layout of DeepCFD: dataX and dataY, arrays [sample, 3, 172, 79]."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float

from geodl.errors import DataFileError
from geodl.flow.data.arrays import read_array
from geodl.flow.data.layout import flow_dataset
from geodl.flow.geometry.grid import Grid

NX, NY = 172, 79
GRID = Grid(NX, NY, 0.26 / NX)  # a channel of 260 mm x 120 mm
OBSTACLE = 0  # label of the flow region
_WORDS = {
    "u": ("m s-1", "velocity along x"),
    "v": ("m s-1", "velocity along y"),
    "p": ("m2 s-2", "kinematic pressure"),
    "region": ("1", "0 obstacle, 1 fluid, 2 walls of the channel, 3 inlet, 4 outlet"),
    "wall_distance": ("m", "distance to the walls of the channel"),
}


def read_deepcfd(data_x: str | Path, data_y: str | Path) -> xr.Dataset:
    """Flows of DeepCFD: distance to obstacle, region and distance to walls; Ux, Uy and p of a steady laminar solver.

    Distances come in units of their own; they are scaled so that their slope is one, and made negative in the obstacle.

    Args:
        data_x, data_y: .npy, .npz or pickle, each one array [sample, 3, 172, 79]. No code of a pickle is run.
    Returns:
        sdf, wall_distance (m), mask, region (1), u, v (m s-1) and p (m2 s-2), all [sample, y, x].
    Raises:
        DataFileError: no such arrays, of different lengths, or without obstacles.
    Source: Ribeiro, Rehman, Ahmed & Dengel 2020, arXiv:2004.08826.
    """
    x, y = (_channels(Path(path)) for path in (data_x, data_y))
    if len(x) != len(y):
        raise DataFileError(f"{data_x} has {len(x)} samples, {data_y} has {len(y)}: expected as many")
    region = x[:, 1].round().astype(np.int8)
    mask = region == OBSTACLE
    if not mask.any((1, 2)).all():
        raise DataFileError(f"{data_x}: sample {int(np.argmin(mask.any((1, 2))))} has no obstacle, label {OBSTACLE}")
    distance = np.abs(_metres(x[:, 0]))
    values = {
        "sdf": np.where(mask, -distance, distance),
        "mask": mask.astype(np.int8),
        "region": region,
        "wall_distance": np.abs(_metres(x[:, 2])),
        **{name: y[:, channel] for channel, name in enumerate(("u", "v", "p"))},
        "sample": np.arange(len(x)),
    }
    attrs = {"title": "channel flows around obstacles in the layout of DeepCFD", "references": "arXiv:2004.08826"}
    return flow_dataset(values, GRID, attrs=attrs, words=_WORDS)


def _channels(path: Path) -> Float[np.ndarray, "sample 3 y x"]:
    array = read_array(path)
    if array.ndim != 4 or array.shape[1:] != (3, NX, NY) or not len(array):
        raise DataFileError(f"{path} holds an array of shape {array.shape}, expected [sample, 3, {NX}, {NY}]")
    if not np.isfinite(array).all():
        raise DataFileError(
            f"{path} holds NaN or infinite values in sample {int(np.argwhere(~np.isfinite(array))[0, 0])}"
        )
    return array.astype(np.float64).swapaxes(2, 3)


def _metres(distance: np.ndarray) -> np.ndarray:
    """Distances whose slope, in their own units per m, becomes one."""
    along_y, along_x = torch.gradient(torch.from_numpy(distance), spacing=GRID.spacing, dim=(1, 2))
    slope = float(torch.hypot(along_x, along_y).median())
    if not slope > 0:
        raise DataFileError("a channel of distances is constant: expected distances to obstacle and walls")
    return distance / slope
