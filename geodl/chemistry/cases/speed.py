"""Seconds per cell of a chemistry, end to end, beside the fastest set-up of the solver."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from geodl.chemistry.cases.fuels import Fuel
from geodl.chemistry.cases.reactor import Cells, Chemistry
from geodl.chemistry.cases.turns import in_turns, per_call
from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.reference import CanteraChemistry
from geodl.core.contract import Claim
from geodl.exports.compiled import compiled
from geodl.exports.handle import Handle

DT = 1e-6  # s
LOOSE, TIGHT = "1e-6/1e-10", "1e-9/1e-15"
TOLERANCES = {LOOSE: (1e-6, 1e-10), TIGHT: (1e-9, 1e-15)}
SETUPS: dict[str, dict[str, Any]] = {
    "mass fractions": {"mole": False, "preconditioned": False},
    "amounts": {"mole": True, "preconditioned": False},
    "amounts, preconditioned": {"mole": True, "preconditioned": True},
}
C_SPEED_UP = 100.0
SOLVED = 256  # cells that the solver is timed on; its cost per cell does not depend on their number


def visited(data: xr.Dataset, count: int, *, seed: int = 0) -> Cells:
    """States on ignition trajectories of labelled data, spread along them as the data are."""
    rows = np.flatnonzero((data["kind"] == "ignition").values & ~data["perturbed"].values)
    chosen = data.isel(sample=np.random.default_rng(seed).choice(rows, count))
    return Cells(*(chosen[name].values for name in ("temperature", "pressure", "mass_fraction")))


def interleaved(
    contestants: Mapping[str, tuple[Chemistry, Cells]], *, dt: float = DT, repeats: int = 7
) -> dict[str, float]:
    """Median seconds per cell of each, in turn so that all see the same machine; the first is not counted."""
    runs = {name: functools.partial(_seconds, *given, dt) for name, given in contestants.items()}
    return in_turns(runs, repeats)


def _seconds(chemistry: Chemistry, cells: Cells, dt: float) -> float:
    given = cells.temperature, cells.pressure, cells.mass_fraction, dt
    return per_call(lambda: chemistry.advance(*given)) / len(cells.temperature)


def solvers(mechanism: str) -> dict[str, dict[str, CanteraChemistry]]:
    """By tolerance and set-up."""
    return {
        words: {name: CanteraChemistry(mechanism, rtol=rtol, atol=atol, **setup) for name, setup in SETUPS.items()}
        for words, (rtol, atol) in TOLERANCES.items()
    }


def speed_claims(chemistry: Chemistry, data: xr.Dataset, fuel: Fuel, *, dt: float = DT) -> list[Claim]:
    """Microseconds per cell in steps of ``dt`` s, and how many times faster than the fastest solver of a tolerance."""
    batches = fuel.effort.batches
    solved = visited(data, min(SOLVED, max(batches)))
    contestants: dict[str, tuple[Chemistry, Cells]] = {
        f"Cantera at {words}, {name}": (solver, solved)
        for words, by_setup in solvers(fuel.mechanism).items()
        for name, solver in by_setup.items()
    }
    contestants |= {f"batch of {size}": (chemistry, visited(data, size)) for size in batches}
    taken = interleaved(contestants, dt=dt, repeats=fuel.effort.repeats)
    fastest = {words: min(_setups(words), key=taken.__getitem__) for words in TOLERANCES}
    claims = [Claim(f"{name}, fastest: time per cell", 1e6 * taken[name], "us") for name in fastest.values()]
    for size in batches:
        ours = taken[f"batch of {size}"]
        claims.append(Claim(f"batch of {size}: time per cell", 1e6 * ours, "us"))
        for words, name in fastest.items():
            bar = (">=", fuel.bars.speed_up) if words == LOOSE else None
            claims.append(Claim(f"batch of {size}: times faster than Cantera at {words}", taken[name] / ours, "1", bar))
    return claims


def c_claims(emulator: EmulatedChemistry, cells: Callable[[int], Cells], fuel: Fuel) -> list[Claim]:
    """The same of the emulator in C on so many ``cells``, called as a solver calls it: arrays stay where they are.

    Raises:
        CompilerError: there is no C compiler.
    """
    cantera, solved = solvers(fuel.mechanism)[LOOSE], cells(min(SOLVED, max(fuel.effort.batches)))
    runs = {name: functools.partial(_seconds, solver, solved, DT) for name, solver in cantera.items()}
    handle = compiled(emulator.surrogate)
    for size in fuel.effort.batches:
        runs[f"in C, batch of {size}"] = functools.partial(_c_seconds, handle, cells(size), emulator.longest)
    taken = in_turns(runs, fuel.effort.repeats)
    fastest = min(taken[name] for name in cantera)
    claims = []
    for size in fuel.effort.batches:
        words, bar = f"in C, batch of {size}", (">=", C_SPEED_UP)
        claims.append(Claim(f"{words}: time per cell", 1e6 * taken[words], "us"))
        claims.append(Claim(f"{words}: times faster than Cantera at {LOOSE}", fastest / taken[words], "1", bar))
    return claims


def _c_seconds(handle: Handle, cells: Cells, longest: float) -> float:
    call, _ = handle.bind(cells.temperature, cells.pressure, cells.mass_fraction, DT, longest=longest)
    return per_call(call) / len(cells.temperature)


def _setups(words: str) -> list[str]:
    return [f"Cantera at {words}, {name}" for name in SETUPS]
