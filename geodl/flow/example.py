"""Made-up flows around ellipses, for tests and first steps: they keep walls and mass, and solve no equation."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from geodl.flow.geometry.ellipse import Ellipse
from geodl.flow.geometry.grid import Grid
from geodl.flow.surrogate.stream_function import to_corners, touches_body, velocity

LAYER = 0.6  # m, at a Reynolds number of one
UNITS = {"sdf": "m", "frontal_height": "m"}


def example(seed: int, grid: Grid, samples: int = 80) -> xr.Dataset:
    """Uniform flow slowed down within a layer around an ellipse that is thinner the faster the flow is."""
    random = np.random.default_rng(seed)
    bodies = [_ellipse(random) for _ in range(samples)]
    reynolds = torch.from_numpy(np.exp(random.uniform(np.log(5), np.log(40), samples)))
    sdf = torch.stack([body.distance(grid.centres()) for body in bodies])
    height, middle = (torch.tensor(values) for values in zip(*map(_extent, bodies), strict=True))
    u, v = _velocity(sdf, middle, reynolds, grid)
    fields = {"sdf": sdf, "u": u, "v": v, "p": (1 - u.square() - v.square()) / 2 * (sdf > 0)}
    numbers = {
        "reynolds": reynolds,
        "frontal_height": height,
        "drag": 1 + 12 / reynolds**0.8 * (1 + 0.2 * height),
        "lift": (middle - grid.height / 2) / 10,
    }
    return _labelled(fields, numbers, grid)


def _ellipse(random: np.random.Generator) -> Ellipse:
    centre = random.uniform(2.2, 2.8), random.uniform(1.7, 2.3)
    return Ellipse(centre, (random.uniform(0.25, 0.55), random.uniform(0.25, 0.55)))


def _extent(body: Ellipse) -> tuple[float, float]:
    """Frontal height and middle across the stream in metres."""
    _, low, _, high = body.bounds()
    return high - low, (high + low) / 2


def _velocity(sdf: Tensor, middle: Tensor, reynolds: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
    """Of the uniform flow, whose stream function is blended to that of the body's middle within a layer."""
    layer = LAYER / reynolds.sqrt()[:, None, None, None]
    free = grid.corners()[..., 1] - middle[:, None, None, None]
    wall = -torch.expm1(-((to_corners(sdf[:, None]).clamp(min=0) / layer) ** 2))
    wall = wall * (1 - touches_body((sdf[:, None] <= 0).to(sdf)))
    return velocity(free * wall, grid.spacing)


def _labelled(fields: dict[str, Tensor], numbers: dict[str, Tensor], grid: Grid) -> xr.Dataset:
    found = {name: xr.Variable(("sample", "y", "x"), x.numpy(), _words(name)) for name, x in fields.items()}
    found |= {name: xr.Variable("sample", x.numpy(), _words(name)) for name, x in numbers.items()}
    coords = {
        name: xr.Variable(name, values, {"units": "m", "long_name": f"{name} of the cell centre"})
        for name, values in (("x", grid.x), ("y", grid.y))
    }
    return xr.Dataset(found, coords, {"title": "made-up flows around ellipses", "license": "CC0-1.0"})


def _words(name: str) -> dict[str, str]:
    return {"units": UNITS.get(name, "1"), "long_name": name.replace("_", " ")}
