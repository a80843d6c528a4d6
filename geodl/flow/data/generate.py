"""Generation of reference flows: batches over processes, kept as they are finished, joined at the end."""

import functools
import json
import warnings
from pathlib import Path
from typing import Any

import xarray as xr

from geodl.core.parts import make_parts
from geodl.errors import OptionError, StabilityError
from geodl.flow.data.batch import make_batch
from geodl.flow.data.plan import Plan
from geodl.flow.data.read import read_flows
from geodl.flow.lattice.settings import STEADY_REYNOLDS


def generate(
    seed: int = 0, source: str | Path | None = None, *, folder: str | Path | None = None, **settings: Any
) -> xr.Dataset:
    """Steady reference flows around random bodies, by our own solver; or flows that others made, read from ``source``.

    Args:
        source: a file or folder in the layout of DeepCFD or Deep-Flow-Prediction: nothing is generated then.
        folder: keeps finished batches; with the same folder and settings, or more samples, it goes on where it stopped.
        **settings: n, size, re, kinds, batch, workers and device, see `Plan`.
    Returns:
        sdf, mask, u, v, p [sample, y, x]; reynolds, frontal_height, drag, lift, converged, seed [sample]; kinds of the
        bodies in the coordinate ``shape``. Failed samples are missing, and named in the attribute ``failed``.
    Raises:
        OptionError: a setting of the wrong type or value.
        UnknownNameError: a setting or a kind of shape that does not exist.
        ResumeError: the folder holds batches of another plan.
        StabilityError: Reynolds numbers outside of the steady range, or no sample could be computed.
    """
    if source is not None:
        return read_flows(Path(source))
    plan = Plan.parse({"seed": seed, **settings})
    _refuse_nonsense(plan)
    make = functools.partial(make_batch, plan)
    made = make_parts(make, plan.batches(), identity=plan.identity, folder=folder, workers=plan.workers, about="flows")
    return _joined(plan, made)


def _refuse_nonsense(plan: Plan) -> None:
    """What would fail in every batch, before the work begins."""
    _, (low, high), _ = plan.grid, plan.reynolds, plan.turns
    if low < STEADY_REYNOLDS[0] or high > STEADY_REYNOLDS[1]:
        raise StabilityError(
            f"option 're' is {plan.re!r}, outside the steady range of a free body: choose numbers from "
            f"{STEADY_REYNOLDS[0]:g} to {STEADY_REYNOLDS[1]:g}"
        )
    if plan.device != "cpu" and plan.workers > 1:
        raise OptionError(f"{plan.workers} workers on the device {plan.device!r}: one is enough, say workers=1")


def _joined(plan: Plan, batches: list[xr.Dataset]) -> xr.Dataset:
    failed = [name for batch in batches for name in json.loads(batch.attrs["failed"])]
    if len(failed) == plan.n:
        raise StabilityError(f"none of the {plan.n} flows could be computed. The first: {failed[0]}")
    if failed:
        warnings.warn(f"{len(failed)} of {plan.n} flows failed and are missing: {'; '.join(failed)}", stacklevel=3)
    ds = xr.concat([batch for batch in batches if batch.sizes["sample"]], "sample", combine_attrs="override")
    ds.attrs = _attributes(plan, failed)
    return ds


def _attributes(plan: Plan, failed: list[str]) -> dict[str, Any]:
    return {
        "Conventions": "CF-1.11",
        "title": "Steady plane flow around bodies, uniform inflow along x, slip at the sides",
        "source": "geodl.flow.LatticeBoltzmann: D2Q9, two relaxation times, interpolated walls, weakly compressible",
        "licence": "CC0-1.0",
        "plan": plan.model_dump_json(exclude={"workers"}),
        "failed_samples": len(failed),
        "failed": "; ".join(failed) or "none",
    }
