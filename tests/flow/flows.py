"""Made-up flows on a small grid, for tests of what needs no solver."""

import torch

from geodl.flow.example import example
from geodl.flow.geometry.grid import Grid

GRID = Grid.parse("128x64", height=4.0)


def tensors(samples=4, seed=0, dtype=torch.float64):
    """Inputs and outputs of the family: sdf, reynolds; u, v, p, drag, lift."""
    ds = example(seed, GRID, samples)

    def of(*names):
        return tuple(torch.from_numpy(ds[name].values).to(dtype) for name in names)

    return of("sdf", "reynolds"), of("u", "v", "p", "drag", "lift")
