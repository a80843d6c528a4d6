"""The cheapest honest rival: the same solver on a coarser grid, at the error of the surrogate."""

import dataclasses
import math
import time
from collections.abc import Sequence

import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional

from geodl.flow import metrics
from geodl.flow.data.plan import Plan, draw
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Shape
from geodl.flow.lattice_boltzmann import LatticeBoltzmann

SIZES = ("48x24", "64x32", "96x48", "128x64")


@dataclasses.dataclass(frozen=True)
class CoarseSolution:
    """Median relative errors of velocity and drag on one grid, and seconds per flow."""

    size: str
    velocity_error: float
    drag_error: float
    seconds: float


def coarse_solutions(truth: xr.Dataset, plan: Plan, sizes: Sequence[str] = SIZES) -> list[CoarseSolution]:
    """The flows of a generated Dataset solved again on coarser grids, interpolated to its cells, and timed."""
    bodies = [draw(plan, int(number)).body for number in truth["sample"].values]
    shapes = [body for body in bodies if isinstance(body, Shape)]
    return [_solved(size, shapes, truth) for size in sizes]


def _solved(size: str, shapes: Sequence[Shape], truth: xr.Dataset) -> CoarseSolution:
    u, v, sdf, drag, reynolds = (
        torch.from_numpy(truth[n].values).double() for n in ("u", "v", "sdf", "drag", "reynolds")
    )
    begin = time.perf_counter()
    flow = LatticeBoltzmann(shapes, Grid.parse(size), reynolds=reynolds).run(show=False)
    seconds = (time.perf_counter() - begin) / len(shapes)
    fluid = metrics.fluid(sdf)
    fields = tuple(_on_cells(field, sdf) * fluid for field in (flow.u, flow.v))
    errors = metrics.velocity_error(fields, (u, v), fluid)
    off = (flow.drag / drag - 1).abs()  # a flow that diverged is no number, and counts as the worst
    medians = [float(x.nan_to_num(nan=math.inf).median()) for x in (errors, off)]
    return CoarseSolution(size, medians[0], medians[1], seconds)


def _on_cells(field: Tensor, like: Tensor) -> Tensor:
    """Bilinear between the centres of coarse cells."""
    fine = functional.interpolate(field[:, None].double(), size=like.shape[1:], mode="bilinear", align_corners=False)
    return fine[:, 0]


def seconds_at(error: float, solutions: Sequence[CoarseSolution]) -> float:
    """Seconds that the coarse solver needs for a velocity error, between the grids on logarithmic scales.

    Beyond the grids it is what the nearest one needs.
    """
    ranked = sorted(solutions, key=lambda s: s.velocity_error)
    inside = min(max(error, ranked[0].velocity_error), ranked[-1].velocity_error)
    upper = next(i for i, s in enumerate(ranked) if s.velocity_error >= inside)
    a, b = ranked[max(upper - 1, 0)], ranked[upper]
    if a.velocity_error == b.velocity_error:
        return b.seconds
    share = math.log(inside / a.velocity_error) / math.log(b.velocity_error / a.velocity_error)
    return math.exp((1 - share) * math.log(a.seconds) + share * math.log(b.seconds))
