"""A line of hydrogen and air with a hot spot at constant pressure: diffusion and any chemistry in turn."""

import time
from typing import Any

import coupling
import numpy as np

from geodl import chemistry

PRESSURE, DT, SPACING, DIFFUSIVITY = 101325.0, 1e-6, 5e-5, 5e-4  # Pa, s, m, m2 s-1
SHARE = DIFFUSIVITY * DT / SPACING**2  # of the difference to a neighbour that goes over in a step


def start(mechanism: chemistry.Mechanism, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """T [cell] in K and Y [cell, species]: a stoichiometric mixture, hottest in the middle."""
    x = np.linspace(-1, 1, cells)
    temperature = 1050 + 500 * np.exp(-((x / 0.2) ** 2))
    return temperature, np.tile(chemistry.premixed(mechanism, "H2", "O2:1, N2:3.76", 1.0), (cells, 1))


def diffused(values: np.ndarray) -> np.ndarray:
    """After a time step of diffusion; nothing leaves at the ends."""
    flow = np.diff(values, axis=0) * SHARE
    after = values.copy()
    after[:-1] += flow
    after[1:] -= flow
    return after


def march(solver: Any, cells: int, steps: int) -> tuple[np.ndarray, np.ndarray, int]:
    """T and Y at the end, and how many answers were not to be relied upon."""
    (temperature, fraction), doubted = start(solver.mechanism, cells), 0
    pressure, dt = np.full(cells, PRESSURE), np.full(cells, DT)
    for _ in range(steps):
        state = solver.advance(diffused(temperature), pressure, diffused(fraction), dt)
        temperature, fraction = np.asarray(state.temperature), np.asarray(state.mass_fraction)
        doubted += int((np.asarray(state.status) > 1).sum())
    return temperature, fraction, doubted


def compare(temperature: np.ndarray, fraction: np.ndarray, emulator: chemistry.EmulatedChemistry, steps: int) -> None:
    """What a solver found with the surrogate in Python, and with Cantera, through the same steps."""
    here, its_fraction = timed("the surrogate in Python", emulator, len(temperature), steps)
    coupling.require("largest difference to Python in K", np.abs(temperature - here).max(), 0.5)
    coupling.require("the same in mass fractions", np.abs(fraction - its_fraction).max(), 1e-4)
    truth, _ = timed("Cantera", chemistry.CanteraChemistry("h2o2.yaml"), len(temperature), steps)
    coupling.require("mean difference to Cantera in K", np.abs(temperature - truth).mean(), 10)


def timed(name: str, solver: Any, cells: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """T and Y at the end; prints what a cell and step has taken."""
    begin = time.perf_counter()
    temperature, fraction, _ = march(solver, cells, steps)
    print(f"{name}: {1e6 * (time.perf_counter() - begin) / cells / steps:.2f} us a cell and step", flush=True)
    return temperature, fraction
