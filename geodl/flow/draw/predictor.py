"""A surrogate asked about a drawing."""

import dataclasses
import threading
from collections.abc import Callable

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from geodl.flow.draw.flow import Flow
from geodl.flow.geometry.grid import Grid

Model = Callable[[xr.Dataset], xr.Dataset]


@dataclasses.dataclass(frozen=True)
class Prediction:
    """A predicted flow with the ends of the intervals of its drag and lift, and whether to trust it."""

    flow: Flow
    drag: tuple[float, float]
    lift: tuple[float, float]
    in_domain: bool


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A surrogate on its grid; one call at a time, because several only slow each other down."""

    model: Model
    grid: Grid
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def __call__(self, signed_distance: Float[Tensor, "y x"], reynolds: float) -> Prediction:
        """The flow around what a signed distance in m says.

        Raises:
            GeodlError: what the surrogate refuses.
        """
        ds = self._dataset(signed_distance, reynolds)
        with self._lock, torch.inference_mode():
            found = self.model(ds)
        values = {str(name): np.squeeze(array.values) for name, array in found.data_vars.items()}
        ends = {name: (float(values[f"{name}_low"]), float(values[f"{name}_high"])) for name in ("drag", "lift")}
        u, v, p = (values[name].astype(float) for name in ("u", "v", "p"))
        flow = Flow(u, v, p, float(values["drag"]), float(values["lift"]))
        return Prediction(flow, ends["drag"], ends["lift"], bool(values["in_domain"]))

    def _dataset(self, signed_distance: Tensor, reynolds: float) -> xr.Dataset:
        metres = {"units": "m"}
        return xr.Dataset(
            {"sdf": (("y", "x"), signed_distance.numpy(), metres), "reynolds": ((), reynolds, {"units": "1"})},
            coords={"y": ("y", self.grid.y, metres), "x": ("x", self.grid.x, metres)},
        )
