"""Airfoil flows in the layout of Deep-Flow-Prediction: one .npz per flow, an array [6, 128, 128]."""

from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float

from geodl.core.progress import progress
from geodl.errors import DataFileError
from geodl.flow.data.arrays import read_array
from geodl.flow.data.layout import flow_dataset
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.signed_distance import signed_distance

SIZE = 128
VISCOSITY = 1e-5  # m2 s-1
CHORD = 1.0  # m
_SPACING = 2 / SIZE
GRID = Grid(SIZE, SIZE, _SPACING, (-0.5 - _SPACING / 2, -1 - _SPACING / 2))  # samples from (-0.5, -1) m on
_WORDS = {
    "u": ("m s-1", "velocity along x, averaged"),
    "v": ("m s-1", "velocity along y, averaged"),
    "p": ("m2 s-2", "kinematic pressure"),
    "inflow_u": ("m s-1", "velocity of the free stream along x"),
    "inflow_v": ("m s-1", "velocity of the free stream along y"),
    "reynolds": ("1", "speed of the free stream times chord over kinematic viscosity"),
}


def read_airfoil_arrays(folder: str | Path) -> xr.Dataset:
    """All flows of a folder, sorted by name: free stream x and y, mask; pressure, velocity x and y of a RANS solver.

    Returns:
        sdf (m, from the mask, so to half a cell), mask (1), u, v (m s-1), p (m2 s-2), all [sample, y, x]; inflow_u,
        inflow_v (m s-1) and reynolds of the chord [sample]; names of the airfoils in the coordinate ``shape``.
    Raises:
        DataFileError: no such folder, no .npz in it, or one that is not an array [6, 128, 128] of that layout.
    Source: Thuerey, Weissenow, Prantl & Hu 2020, AIAA J. 58, 25, arXiv:1810.08217.
    """
    paths = sorted(Path(folder).glob("*.npz"))
    if not paths:
        raise DataFileError(f"there is no .npz file in {folder}: expected one per flow, such as e473_5842_-1234.npz")
    flows = list[dict[str, np.ndarray]]()
    with progress("reading", len(paths)) as advance:
        for done, path in enumerate(paths):
            advance(done, path.name)
            flows.append(_flow(path))
    values = {name: np.stack([flow[name] for flow in flows]) for name in flows[0]}
    labels = {"sample": np.arange(len(paths)), "shape": np.array([path.stem.rsplit("_", 2)[0] for path in paths])}
    attrs = {"title": "airfoil flows in the layout of Deep-Flow-Prediction", "references": "arXiv:1810.08217"}
    return flow_dataset({**values, **labels}, GRID, attrs=attrs, words=_WORDS)


def _flow(path: Path) -> dict[str, np.ndarray]:
    inflow_u, inflow_v, mask, p, u, v = _channels(path)
    solid = mask == 1
    if not ((mask == 0) | solid).all() or not solid.any() or solid.all():
        raise DataFileError(f"{path}: channel 2 is no mask of 0 (fluid) and 1 (airfoil), with some of both")
    stream = inflow_u[~solid][0], inflow_v[~solid][0]
    return {
        "sdf": signed_distance(solid, GRID).numpy(),
        "mask": solid.astype(np.int8),
        **{name: np.where(solid, 0, field) for name, field in (("u", u), ("v", v), ("p", p))},
        "inflow_u": np.array(stream[0]),
        "inflow_v": np.array(stream[1]),
        "reynolds": np.array(np.hypot(*stream) * CHORD / VISCOSITY),
    }


def _channels(path: Path) -> Float[np.ndarray, "6 y x"]:
    array = read_array(path)
    if array.shape != (6, SIZE, SIZE):
        raise DataFileError(f"{path} holds an array of shape {array.shape}, expected [6, {SIZE}, {SIZE}]")
    if not np.isfinite(array).all():
        raise DataFileError(
            f"{path} holds NaN or infinite values in channel {int(np.argwhere(~np.isfinite(array))[0, 0])}"
        )
    return array.astype(np.float64).swapaxes(1, 2)
