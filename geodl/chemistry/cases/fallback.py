"""A surrogate with the solver to fall back on: how often it does, what that costs, and what it is worth."""

import numpy as np
import xarray as xr

from geodl.chemistry.cases.comparison import beside, delay_claims
from geodl.chemistry.cases.delays import Reference, judged
from geodl.chemistry.cases.flames import flame_claims, speeds
from geodl.chemistry.cases.fuels import Fuel
from geodl.chemistry.cases.reactor import Cells, Trajectory, roll_out
from geodl.chemistry.cases.speed import SOLVED, interleaved
from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.guarded import GuardedChemistry
from geodl.chemistry.reference import CanteraChemistry
from geodl.core.contract import Claim

FALLBACK, SPEED_UP = 0.006, 50.0


def fallback_claims(emulator: EmulatedChemistry, fuel: Fuel, reference: Reference, flames: xr.Dataset) -> list[Claim]:
    """Ignition and flames in guarded mode, at the loose tolerances of the solver."""
    solver = CanteraChemistry(fuel.mechanism)
    chemistry = GuardedChemistry(emulator, solver)
    found = roll_out(chemistry, reference.start, reference.dt, len(reference.trajectory.time) - 1)
    ignition = chemistry.cost.fallback
    burnt = speeds(chemistry, fuel)
    cells = visited(found, max(fuel.effort.batches))
    some = Cells(*(values[:SOLVED] for values in (cells.temperature, cells.pressure, cells.mass_fraction)))
    taken = interleaved(
        {"guarded": (chemistry, cells), "solver": (solver, some)}, dt=reference.dt, repeats=fuel.effort.repeats
    )
    return [
        Claim("guarded, ignition and flames: share of cells given to Cantera", chemistry.cost.fallback, "1",
              ("<=", FALLBACK)),
        Claim("guarded, ignition alone: share of cells given to Cantera", ignition, "1"),
        Claim(f"guarded, ignition, batch of {len(cells.temperature)}: times faster than Cantera alone",
              taken["solver"] / taken["guarded"], "1", (">=", SPEED_UP)),
        *beside("guarded", delay_claims(judged(found, reference, chemistry), fuel.bars)),
        *beside("guarded", flame_claims(burnt, flames, fuel.bars.flame_speed)),
    ]  # fmt: skip


def visited(found: Trajectory, count: int, *, seed: int = 0) -> Cells:
    """States that a roll-out came through, as often as it did."""
    rows = np.random.default_rng(seed).integers(0, found.temperature.size, count)
    fractions = found.mass_fraction.reshape(-1, found.mass_fraction.shape[-1])
    return Cells(found.temperature.ravel()[rows], found.pressure.ravel()[rows], fractions[rows])
