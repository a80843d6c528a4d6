"""One batch of reference flows: solved side by side, with what failed named."""

import json
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from geodl.errors import GeodlError
from geodl.flow.data.coarsen import coarsened
from geodl.flow.data.layout import flow_dataset
from geodl.flow.data.plan import Plan, Sample, draw, stacked
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Shape

Arrays = dict[str, np.ndarray]
_FLOW = ("u", "v", "p", "drag", "lift", "converged")


def solve(samples: Sequence[Sample], grid: Grid, *, device: str = "cpu") -> Arrays:
    """Steady flows around bodies of one sort, all shapes or all masks, by the lattice Boltzmann method.

    Returns:
        u, v, p [sample, y, x] in inflow speeds and rho U2, drag, lift and converged [sample].
    Raises:
        GeodlError: the solver refuses a body or a Reynolds number.
    """
    from geodl.flow.lattice_boltzmann import LatticeBoltzmann

    shapes = [sample.body for sample in samples if isinstance(sample.body, Shape)]
    bodies = shapes if len(shapes) == len(samples) else stacked(list(samples), grid)
    reynolds = torch.tensor([sample.reynolds for sample in samples], dtype=torch.float64)
    length = torch.tensor([sample.frontal_height(grid) for sample in samples], dtype=torch.float64)
    flow = LatticeBoltzmann(bodies, grid, reynolds=reynolds, length=length, device=device).run(show=False)
    return {name: getattr(flow, name).cpu().numpy() for name in _FLOW}


def make_batch(plan: Plan, numbers: range) -> xr.Dataset:
    """The samples of a plan with these numbers; those that failed are missing, and named in ``failed``."""
    samples = [draw(plan, number) for number in numbers]
    failed: list[str] = []
    made: list[tuple[Sample, Arrays]] = []
    for masks in (False, True):
        sort = [sample for sample in samples if isinstance(sample.body, Shape) is not masks]
        made += _solved(sort, plan, failed) if sort else []
    made.sort(key=lambda pair: pair[0].number)
    attrs = {"failed": json.dumps(failed)}
    return _dataset([sample for sample, _ in made], [flow for _, flow in made], plan.grid, attrs)


def _solved(samples: list[Sample], plan: Plan, failed: list[str]) -> list[tuple[Sample, Arrays]]:
    """Samples with their flows; where the solver refuses a batch, one by one, to find out whom."""
    try:
        flows = solve(samples, plan.fine_grid, device=plan.device)
    except GeodlError as error:
        if len(samples) == 1:
            failed.append(f"{samples[0]}: {error}")
            return []
        return [pair for sample in samples for pair in _solved([sample], plan, failed)]
    flows = coarsened(flows, stacked(samples, plan.fine_grid).numpy() < 0, plan.refine)
    pairs = [(sample, {name: flows[name][i] for name in _FLOW}) for i, sample in enumerate(samples)]
    failed += [f"{sample}: diverged" for sample, flow in pairs if not _finite(flow)]
    return [(sample, flow) for sample, flow in pairs if _finite(flow)]


def _finite(flow: Arrays) -> bool:
    return all(bool(np.isfinite(values).all()) for values in flow.values())


def _dataset(samples: list[Sample], flows: list[Arrays], grid: Grid, attrs: dict[str, str]) -> xr.Dataset:
    sdf = stacked(samples, grid).numpy() if samples else np.empty((0, *grid.shape))
    fields = {name: np.array([flow[name] for flow in flows]).reshape(len(flows), *grid.shape) for name in _FLOW[:3]}
    fields = {name: field * (sdf > 0) for name, field in fields.items()}
    numbers = {name: np.array([flow[name] for flow in flows], dtype=np.float64) for name in _FLOW[3:5]}
    values = {
        "sdf": sdf,
        "mask": (sdf < 0).astype(np.int8),
        **fields,
        "reynolds": np.array([sample.reynolds for sample in samples], dtype=np.float64),
        "frontal_height": np.array([sample.frontal_height(grid) for sample in samples], dtype=np.float64),
        **numbers,
        "converged": np.array([flow["converged"] for flow in flows], dtype=bool),
        "seed": np.array([sample.seed for sample in samples], dtype=np.int64),
        "sample": np.array([sample.number for sample in samples], dtype=np.int64),
        "shape": np.array([sample.kind for sample in samples], dtype=str),
    }
    return flow_dataset(values, grid, attrs=attrs)
