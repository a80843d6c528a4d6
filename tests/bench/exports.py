"""Exported code: how far from Python, how fast beside the solver and torch, how long and how large a build is."""

import functools
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import geodl
from geodl.chemistry.cases.fuels import HYDROGEN, METHANE, Fuel
from geodl.chemistry.cases.ignition import ignition_cases, ignition_start
from geodl.chemistry.cases.reactor import Cells
from geodl.chemistry.cases.speed import c_claims, interleaved
from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.mechanism.read import read_mechanism
from geodl.core.compiler import build
from geodl.core.contract import Claim
from geodl.core.surrogate import Surrogate

BUNDLES = {"chemistry-h2": HYDROGEN, "chemistry-gri30": METHANE}
CASES, STEPS, SEED = 1000, 1000, 3  # of the roll-outs whose states are compared
TRACE = 1e-6  # mass fractions below are compared with it
BLOCK = 50_000
PARITY, PARITY_DOUBLE, BUILD, SIZE = 1e-6, 1e-12, 5.0, 1.0  # relative, s, MB
HIGHEST = {"chemistry-h2": 0.66, "chemistry-gri30": 5.8}  # us a cell


def claims() -> list[Claim]:
    """One thread; shipped bundles."""
    return [claim for name, fuel in BUNDLES.items() for claim in of_bundle(name, fuel)]


def of_bundle(name: str, fuel: Fuel) -> list[Claim]:
    surrogate = geodl.load(name)
    with tempfile.TemporaryDirectory() as folder:
        seconds, size, handle = built(surrogate, Path(folder, "emulator"))
        precise = geodl.load(name)
        precise.core.double()
        handle_double = geodl.Handle(geodl.export(precise, Path(folder, "precise")))
    cells, dt = states(handle, fuel)
    count = len(cells.temperature)
    same = compared(surrogate, handle, cells, dt, fuel)
    double = compared(precise, handle_double, cells, dt, fuel)
    emulator = EmulatedChemistry(surrogate, longest=fuel.longest)
    fast = c_claims(emulator, functools.partial(first_of, cells), fuel)
    words = f"{name}, {count} states of ignitions"
    return [
        Claim(f"{words}: status differs from that of Python", same["status"], "1"),
        Claim(f"{words}: temperature, largest relative error beside Python", same["temperature"], "1", ("<=", PARITY)),
        Claim(f"{words}: mass fractions, largest relative error beside Python", same["largest"], "1", ("<=", PARITY)),
        Claim(f"{words}: mass fractions, 99th percentile of it", same["p99"], "1"),
        Claim(f"{words}: torch in float32 beside itself in float64, largest",
              torch_error(surrogate, precise, cells, dt, fuel), "1"),
        Claim(f"{words}, float64: temperature, largest relative error", double["temperature"], "1",
              ("<=", PARITY_DOUBLE)),
        Claim(f"{words}, float64: mass fractions, largest relative error", double["largest"], "1",
              ("<=", PARITY_DOUBLE)),
        Claim(f"{words}, float64: mass fractions, 99th percentile of it", double["p99"], "1"),
        Claim(f"{words}: cells whose answer depends on the batch", of_batch(handle, cells, dt, fuel), "1", ("<=", 0.0)),
        *(_with_bar(name, claim) for claim in fast),
        *eager_claims(name, emulator, cells, fuel),
        Claim(f"{name}: time to compile", seconds, "s", ("<=", BUILD)),
        Claim(f"{name}: size of the library", size, "MB", ("<=", SIZE)),
    ]  # fmt: skip


def _with_bar(name: str, claim: Claim) -> Claim:
    bar = ("<=", HIGHEST[name]) if claim.unit == "us" else claim.bar
    return Claim(f"{name}, {claim.claim}", claim.measured, claim.unit, bar)


def built(surrogate: Surrogate, folder: Path) -> tuple[float, float, geodl.Handle]:
    """Seconds of a compilation, MB of its library, and the handle."""
    geodl.export(surrogate, folder)
    name = folder.name
    text = (folder / f"{name}.c").read_text().replace(f'#include "{name}.h"', (folder / f"{name}.h").read_text())
    begin = time.perf_counter()
    library = build(f"{text}\n/* {time.time_ns()} */\n")  # never kept from an earlier run
    return time.perf_counter() - begin, library.stat().st_size / 1e6, geodl.Handle(folder)


def states(handle: geodl.Handle, fuel: Fuel) -> tuple[Cells, np.ndarray]:
    """States that roll-outs come through, a shuffled million of them, and time steps in s."""
    random = np.random.default_rng(SEED)
    ranges = {name: getattr(fuel, name) for name in ("temperature", "pressure", "equivalence_ratio")}
    start = ignition_start(read_mechanism(fuel.mechanism), ignition_cases(SEED, CASES, **ranges), fuel.name)
    t, y, found = start.temperature, start.mass_fraction, []
    for _ in range(STEPS):
        found.append((t, y))
        t, y, _status = handle(t, start.pressure, y, 1e-6, longest=fuel.longest)
    order = random.permutation(CASES * STEPS)
    rows = [np.concatenate(column)[order] for column in zip(*found, strict=True)]
    low, high = fuel.span("dt")
    dt = np.exp(random.uniform(np.log(low), np.log(high), len(order)))
    return Cells(rows[0], np.tile(start.pressure, STEPS)[order], rows[1]), dt


def first_of(cells: Cells, count: int) -> Cells:
    return Cells(cells.temperature[:count], cells.pressure[:count], cells.mass_fraction[:count])


def python(surrogate: Surrogate, cells: Cells, dt: np.ndarray, fuel: Fuel) -> tuple[np.ndarray, ...]:
    """What Python makes of cells, in blocks."""
    emulator, found = EmulatedChemistry(surrogate, longest=fuel.longest), []
    for first in range(0, len(dt), BLOCK):
        some = slice(first, first + BLOCK)
        after = emulator.advance(cells.temperature[some], cells.pressure[some], cells.mass_fraction[some], dt[some])
        found.append((after.temperature, after.mass_fraction, after.status))
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def errors(ours: tuple[np.ndarray, ...], theirs: tuple[np.ndarray, ...]) -> dict[str, float]:
    """Relative differences where both say that all is well, and the share of cells where they say different things."""
    good = (ours[2] == 0) & (theirs[2] == 0)
    fraction = np.abs(ours[1] - theirs[1])[good] / (np.abs(theirs[1][good]) + TRACE)
    return {
        "status": float((ours[2] != theirs[2]).mean()),
        "temperature": float((np.abs(ours[0] - theirs[0]) / theirs[0])[good].max()),
        "largest": float(fraction.max()),
        "p99": float(np.quantile(fraction, 0.99)),
    }


def compared(surrogate: Surrogate, handle: geodl.Handle, cells: Cells, dt: np.ndarray, fuel: Fuel) -> dict[str, float]:
    ours = handle(cells.temperature, cells.pressure, cells.mass_fraction, dt, longest=fuel.longest)
    return errors(ours, python(surrogate, cells, dt, fuel))


def torch_error(surrogate: Surrogate, precise: Surrogate, cells: Cells, dt: np.ndarray, fuel: Fuel) -> float:
    """How far the float32 of torch is from float64: what no other float32 can undercut by much."""
    some, steps = first_of(cells, BLOCK), dt[:BLOCK]
    return errors(python(surrogate, some, steps, fuel), python(precise, some, steps, fuel))["largest"]


def of_batch(handle: geodl.Handle, cells: Cells, dt: np.ndarray, fuel: Fuel) -> float:
    """Cells whose bits change when they come in batches of 1, 7 and 100."""
    count, differ = 2100, 0
    columns = cells.temperature[:count], cells.pressure[:count], cells.mass_fraction[:count], dt[:count]
    whole = handle(*columns, longest=fuel.longest)
    for size in (1, 7, 100):
        for first in range(0, count, size):
            some = handle(*(x[first : first + size] for x in columns), longest=fuel.longest)
            differ += sum(not np.array_equal(a, b[first : first + size]) for a, b in zip(some, whole, strict=True))
    return float(differ)


@torch.no_grad()
def eager_claims(name: str, emulator: EmulatedChemistry, cells: Cells, fuel: Fuel) -> list[Claim]:
    """The same cells through torch, for the ratio."""
    contestants = {str(size): (emulator, first_of(cells, size)) for size in fuel.effort.batches}
    taken = interleaved(contestants, repeats=fuel.effort.repeats)
    return [
        Claim(f"{name}, torch eager, batch of {size}: time per cell", 1e6 * seconds, "us")
        for size, seconds in taken.items()
    ]
