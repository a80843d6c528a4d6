"""Run the claims of a paper: a table of claim, published, measured, bar and verdict, a report, NetCDF and JSON."""

import dataclasses
import functools
import importlib
import inspect
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import xarray as xr

from geodl.core import files
from geodl.core.contract import Claim, Reproduction, families
from geodl.core.stopwatch import timed
from geodl.errors import OutputError, UnknownNameError, did_you_mean
from geodl.train.fit import threads as torch_threads
from geodl.train.report import report

UNFINISHED = "unfinished"  # folder of what a stopped reproduction goes on with


def _papers() -> list[ModuleType]:
    """The ``papers.py`` of all families that have one."""
    there = [name for name in families() if (Path(__file__).parent / name / "papers.py").exists()]
    return [importlib.import_module(f"geodl.{name}.papers") for name in there]


def reproductions() -> dict[str, Callable[..., Reproduction]]:
    """All reproductions by name: ``REPRODUCTIONS`` of every family that has a ``papers.py``."""
    return {name: run for papers in _papers() for name, run in papers.REPRODUCTIONS.items()}


def further(name: str) -> tuple[str, ...]:
    """Reproductions that belong to one and take longer: ``FURTHER`` of the family's ``papers.py``."""
    return tuple(other for papers in _papers() for other in getattr(papers, "FURTHER", {}).get(name, ()))


def reproduce(
    name: str,
    *,
    quick: bool = False,
    folder: str | Path | None = None,
    results: str | Path | None = None,
    overwrite: bool = False,
    device: str = "cpu",
    threads: int = 1,
) -> xr.Dataset:
    """Train and measure from nothing what a paper claims, and write it down.

    Args:
        quick: a small variant that shows that everything works; its numbers are no result.
        folder: gets ``<name>.json``, ``<name>.nc``, ``report.html``, ``<name>.safetensors`` and the figures of the
            family as PNG; ``results/<name>`` by default. Long reproductions keep there, in ``unfinished``, what they
            have finished: started again after a stop they go on.
        results: a second folder that gets the JSON file, such as ``docs/results``.
        overwrite: replace the files of an earlier run.
        threads: of torch, for all that is trained and measured.

    Returns:
        The claims along ``claim``: published, measured, unit, bar, passed; and the fields behind them.

    Raises:
        UnknownNameError: there is no such reproduction.
        OutputError: the folder has results already, or cannot be written.
    """
    known = reproductions()
    if name not in known:
        raise UnknownNameError(f"there is no reproduction {name!r}. {did_you_mean(name, known)}")
    target = Path(folder) if folder is not None else Path("results") / name
    _claim(target, [f"{name}{end}" for end in (".json", ".nc", ".safetensors")] + ["report.html"], overwrite)
    if results is not None:
        _claim(Path(results), [f"{name}.json"], overwrite)
    with torch_threads(threads):
        done, seconds = _run(known[name], target / UNFINISHED, quick=quick, device=device)
    if quick:  # too short to be held to a bar
        claims = tuple(dataclasses.replace(claim, bar=None) for claim in done.claims)
        done = dataclasses.replace(done, claims=claims, note=f"Quick run: these numbers are no result. {done.note}")
    ds = done.data.merge(_table(done.claims)).assign_attrs(
        title=f"reproduction of {name}", quick=int(quick), note=done.note
    )
    done.surrogate.save(target / f"{name}.safetensors", overwrite=True)
    files.write_data(ds, target / f"{name}.nc", overwrite=True)
    report(done.surrogate, done.test, target / "report.html", claims=done.claims, note=done.note, overwrite=True)
    _write_figures(done, target)
    command = f"geodl reproduce {name}" + (" --quick" if quick else "")
    results_of = Results(name, command, done.seeds, seconds, threads, done.claims, done.note)
    for place in [target, *([Path(results)] if results else [])]:
        results_of.write(place / f"{name}.json")
    if (target / UNFINISHED).exists():
        shutil.rmtree(target / UNFINISHED)
    return ds


def _run(run: Callable[..., Reproduction], unfinished: Path, **settings: Any) -> tuple[Reproduction, float]:
    """The reproduction and its seconds; one that takes ``keep`` gets a folder that outlives a stop."""
    if "keep" not in inspect.signature(run).parameters:
        return timed(functools.partial(run, **settings))
    return timed(functools.partial(run, keep=unfinished, **settings), unfinished)


def _claim(target: Path, names: Sequence[str], overwrite: bool) -> None:
    """Find out before hours of training whether the results can be written."""
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {target}: {error.strerror}") from error
    there = [name for name in names if (target / name).exists()]
    if there and not overwrite:
        raise OutputError(
            f"{target} has results already: {', '.join(there)}. "
            f"Choose another folder, or say overwrite=True (--overwrite)."
        )
    if not os.access(target, os.W_OK):
        raise OutputError(f"cannot write to the folder {target}: permission denied")


def _write_figures(done: Reproduction, target: Path) -> None:
    draw = done.surrogate.family.figures
    for title, figure in (draw(done.surrogate, done.test) if draw else {}).items():
        name = re.sub(r"\W+", "_", title.lower())
        figure.savefig(target / f"{name}.png", dpi=110, metadata={"Software": None})


def _table(claims: Sequence[Claim]) -> xr.Dataset:
    rows = [claim.row() for claim in claims]
    verdict = {True: "passed", False: "missed", None: "reported"}
    return xr.Dataset(
        {
            "published": ("claim", [_or_nan(row["published"]) for row in rows]),
            "measured": ("claim", [float(row["measured"]) for row in rows]),
            "unit": ("claim", [row["unit"] for row in rows]),
            "bar": ("claim", [row["bar"] or "" for row in rows]),
            "result": ("claim", [verdict[row["passed"]] for row in rows]),
        },
        coords={"claim": [row["claim"] for row in rows]},
    )


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


@dataclasses.dataclass(frozen=True)
class Results:
    """Results as data: what was measured, by which command, from which seeds, in how many seconds and threads."""

    name: str
    command: str
    seeds: tuple[int, ...]
    seconds: float
    threads: int
    claims: tuple[Claim, ...]
    note: str = ""

    def write(self, path: Path) -> None:
        """Write them as JSON, with the commit and the machine.

        Raises:
            OutputError: the file cannot be written.
        """
        content = {
            "name": self.name,
            "command": self.command,
            "commit": _commit(),
            "machine": machine(),
            "threads": self.threads,
            "seeds": list(self.seeds),
            "seconds": round(self.seconds, 1),
            "note": self.note,
            "rows": [claim.row() for claim in self.claims],
        }
        files.write_bytes(path, (json.dumps(content, indent=1) + "\n").encode(), overwrite=True)


def machine() -> str:
    """Processor, cores and accelerator in words."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{cpu}, {os.cpu_count()} cores, torch {torch.__version__}{gpu}"


@functools.cache
def _commit() -> str:
    """The commit of the checkout that the package runs from, with a mark if it was changed since.

    What reproductions write themselves, under docs and data/models, is no change of the code that runs.
    """
    commit, changes = (
        _git("rev-parse", "--short=12", "HEAD"),
        _git(
            "status",
            "--porcelain",
            "--untracked-files=no",
            "--",
            ":/",
            ":(top,exclude)docs",
            ":(top,exclude)data/models",
        ),
    )
    return "not a checkout" if commit is None else f"{commit}-dirty" if changes else commit


def _git(*arguments: str) -> str | None:
    """What git says of the checkout that the package runs from; None where there is none."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
