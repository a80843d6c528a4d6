"""Generation of reference flows: batches over processes, kept as they are finished, joined at the end."""

import contextlib
import json
import multiprocessing
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from geodl.core.files import write_data
from geodl.core.progress import progress
from geodl.errors import OptionError, OutputError, ResumeError, StabilityError
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
    with _kept(folder) as parts:
        _make_missing(plan, parts)
        return _joined(plan, parts)


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


@contextlib.contextmanager
def _kept(folder: str | Path | None) -> Iterator[Path]:
    """The folder of finished batches, or one that vanishes."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="geodl-flow-") as name:
            yield Path(name)
        return
    try:
        Path(folder).mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder} for finished batches: {error.strerror}") from error
    yield Path(folder)


def _path(parts: Path, numbers: range) -> Path:
    return parts / f"from-{numbers.start:06d}.nc"


def _make_missing(plan: Plan, parts: Path) -> None:
    missing = [numbers for numbers in plan.batches() if not _finished(plan, numbers, parts)]
    done = plan.n - sum(map(len, missing))
    with progress("flows", plan.n) as advance:
        advance(done)
        for numbers in _over_processes(plan, missing, parts):
            done += len(numbers)
            advance(done, f"{done} of {plan.n}")


def _finished(plan: Plan, numbers: range, parts: Path) -> bool:
    """Whether a batch is there whole.

    Raises:
        ResumeError: a batch of another plan lies in its place.
    """
    try:
        with xr.open_dataset(_path(parts, numbers)) as ds:
            identity, samples = ds.attrs.get("plan"), ds.attrs.get("samples")
    except (OSError, ValueError):  # missing, or broken by whatever killed the machine
        return False
    if identity != plan.identity:
        raise ResumeError(
            f"{_path(parts, numbers)} belongs to the plan {identity}, not to {plan.identity}. "
            f"Choose another folder, or delete this one."
        )
    return bool(samples == len(numbers))


def _over_processes(plan: Plan, missing: list[range], parts: Path) -> Iterator[range]:
    """Numbers of each batch as it is finished."""
    if min(plan.workers, len(missing)) <= 1:
        for numbers in missing:
            yield _make_part(plan, numbers, parts)
        return
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit threads and locks of torch
    with ProcessPoolExecutor(plan.workers, spawn, torch.set_num_threads, (1,)) as pool:
        futures = [pool.submit(_make_part, plan, numbers, parts) for numbers in missing]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise OptionError(
                "a process that generates flows died. In a script, call generate below `if __name__ == '__main__':`; "
                "where memory is short, use a smaller batch or workers=1."
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _make_part(plan: Plan, numbers: range, parts: Path) -> range:
    write_data(make_batch(plan, numbers), _path(parts, numbers), overwrite=True)
    return numbers


def _joined(plan: Plan, parts: Path) -> xr.Dataset:
    batches = [xr.load_dataset(_path(parts, numbers)) for numbers in plan.batches()]
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
