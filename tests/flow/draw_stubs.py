"""A made-up surrogate and a made-up solver for the drawing page: a wake is behind the body, nothing is solved."""

import base64
import json
import time
from collections.abc import Iterator

import numpy as np
import xarray as xr

from geodl.flow.draw.flow import Flow
from geodl.flow.draw.predictor import Predictor
from geodl.flow.geometry.grid import Grid

GRID = Grid.parse("64x32")
KNOWN = 0.8  # m between the outermost cells across the stream: higher bodies count as out of domain


def wake(sdf: np.ndarray, grid: Grid, *, slow: float = 0.9) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """u, v and p of a stream function that is flat in the body and rises slowly behind it."""
    solid = sdf <= 0
    x, y = np.meshgrid(grid.x, grid.y)
    back, height = x[solid].max(), np.ptp(y[solid]) + grid.spacing
    across = (y - y[solid].mean()) / height
    deficit = slow * np.exp(-(across**2)) / (1 + np.exp(-4 * (x - back)))
    psi = height * across * (1 - np.exp(-((np.maximum(sdf, 0) / 0.3) ** 2))) * (1 - deficit)
    along_y, along_x = np.gradient(psi, grid.spacing)
    u, v = np.where(solid, 0, along_y), np.where(solid, 0, -along_x)
    return u, v, np.where(solid, 0, (1 - u**2 - v**2) / 2)


class StubSurrogate:
    """Counts how often it is asked."""

    def __init__(self, grid: Grid = GRID):
        self.grid, self.calls = grid, 0

    def __call__(self, ds: xr.Dataset) -> xr.Dataset:
        self.calls += 1
        sdf, reynolds = ds["sdf"].transpose("y", "x").values, float(ds["reynolds"])
        u, v, p = wake(sdf, self.grid)
        drag = 1 + 12 / reynolds**0.8
        height = np.ptp(self.grid.y[(sdf <= 0).any(1)])
        fields = {name: (("y", "x"), field) for name, field in {"u": u, "v": v, "p": p}.items()}
        numbers = {"drag": drag, "drag_low": 0.95 * drag, "drag_high": 1.05 * drag}
        numbers |= {"lift": 0.0, "lift_low": -0.1, "lift_high": 0.1, "in_domain": bool(height < KNOWN)}
        return xr.Dataset(fields | {name: ((), value) for name, value in numbers.items()})


def predictor(grid: Grid = GRID) -> Predictor:
    return Predictor(StubSurrogate(grid), grid)


def solver(states: int = 5, pause: float = 0.01):
    """A solver that reaches a slightly different wake in a number of states."""

    def march(signed_distance, grid, height, reynolds) -> Iterator[tuple[float, Flow]]:
        for n in range(1, states + 1):
            time.sleep(pause)
            yield n / states, Flow(*wake(signed_distance.numpy(), grid, slow=0.8 * n / states), drag=2.0, lift=0.01)

    return march


def disc(columns: int = 512, rows: int = 256, *, centre=(2.5, 2.0), radius: float = 0.4) -> np.ndarray:
    """Mask of a disc on the canvas of 8 m x 4 m, rows from the top."""
    size = 8 / columns
    x, y = size * (np.arange(columns) + 0.5), 4 - size * (np.arange(rows) + 0.5)
    return np.hypot(x - centre[0], y[:, None] - centre[1]) < radius


def query(mask: np.ndarray | None = None, **changes) -> dict:
    """What the page sends."""
    mask = disc() if mask is None else mask
    bits = base64.b64encode(np.packbits(mask).tobytes()).decode()
    return {"columns": mask.shape[1], "rows": mask.shape[0], "bits": bits, "reynolds": 20.0} | changes


def json_bytes(content: dict) -> bytes:
    return json.dumps(content).encode()
