"""Seconds per flow of a surrogate, signed distance included."""

import time
from collections.abc import Sequence

import torch

from geodl.core.surrogate import Surrogate
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Shape

_BLOCKS = 5


def seconds_per_flow(surrogate: Surrogate, bodies: Sequence[Shape], batch: int) -> float:
    """Median seconds from shapes to fields and forces, ``batch`` bodies at a time; the first pass is not counted."""
    grid = Grid.parse(str(surrogate.family.options["size"]))
    taken = [_seconds(surrogate, bodies[:batch], grid) for _ in range(_BLOCKS + 1)][1:]
    return sorted(taken)[_BLOCKS // 2] / batch


@torch.no_grad()
def _seconds(surrogate: Surrogate, bodies: Sequence[Shape], grid: Grid) -> float:
    begin = time.perf_counter()
    sdf = torch.stack([body.distance(grid.centres()) for body in bodies]).to(surrogate.core.at()[0])
    surrogate.core(sdf, torch.full((len(sdf),), 20.0).to(sdf))
    return time.perf_counter() - begin
