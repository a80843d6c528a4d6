"""What no cell should ever be, and long roll-outs: where laws that hold by construction must still hold."""

import dataclasses
from typing import Any

import numpy as np
import torch

from geodl.chemistry.cases.reactor import Cells, Chemistry
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.thermo import Thermo
from geodl.core.progress import progress

_SPREADS = 0.1, 300.0  # standard deviations of ln Y: from even mixtures to traces of 1e-300
_TEMPERATURES = 250.0, 3500.0  # K
_PRESSURES = 1e3, 1e8  # Pa
_STEPS = 1e-10, 1e-3  # s
_DRIFT_STEPS = 1e-8, 1e-5  # s
_BLOCK = 8192  # cells


def adversarial_states(count: int, seed: int, mechanism: Mechanism) -> tuple[Cells, np.ndarray]:
    """Cells of every kind, and time steps [cell] in s, a tenth of them zero.

    Among them are even mixtures, traces down to 1e-300, absent species and elements, and cells of one species, over
    250-3500 K and 1e3-1e8 Pa.
    """
    random = np.random.default_rng(seed)
    temperature, pressure, dt = (_log_uniform(random, count, ends) for ends in (_TEMPERATURES, _PRESSURES, _STEPS))
    dt[random.random(count) < 0.1] = 0.0
    return Cells(temperature, pressure, _compositions(random, count, mechanism)), dt


def _log_uniform(random: np.random.Generator, count: int, ends: tuple[float, float]) -> np.ndarray:
    return np.exp(random.uniform(np.log(ends[0]), np.log(ends[1]), count))


def _compositions(random: np.random.Generator, count: int, mechanism: Mechanism) -> np.ndarray:
    shape = count, len(mechanism.species)
    logarithm = _log_uniform(random, count, _SPREADS)[:, None] * random.standard_normal(shape)
    present = random.random(shape) < random.random(count)[:, None]
    holds = np.array(mechanism.composition) > 0
    holds = np.concatenate([holds, np.zeros_like(holds)])  # half of the cells lack no element
    present &= ~holds[random.integers(0, len(holds), count)]
    alone = ~present.any(1)
    present[alone, random.integers(0, shape[1], alone.sum())] = True
    logarithm[~present] = -np.inf
    fraction = np.exp(logarithm - logarithm.max(1, keepdims=True))
    return fraction / fraction.sum(1, keepdims=True)


def smallest_fraction(chemistry: Chemistry, count: int = 10_000_000, *, seed: int = 0, show: bool = True) -> float:
    """Smallest mass fraction in the answers to so many adversarial states; NaN if any is no number."""
    smallest = []
    with progress("adversarial states", count, show=show) as advance:
        for block, begin in enumerate(range(0, count, _BLOCK)):
            size = min(_BLOCK, count - begin)
            cells, dt = adversarial_states(size, seed + block, chemistry.mechanism)
            state = chemistry.advance(cells.temperature, cells.pressure, cells.mass_fraction, dt)
            smallest.append(np.min(np.asarray(state.mass_fraction)))
            advance(begin + size)
    return float(np.min(smallest))


@dataclasses.dataclass(frozen=True)
class Drift:
    """Largest changes of what cannot change.

    Attributes:
        element: of an element in a cell, as a share of its amount there.
        enthalpy: of the enthalpy of a cell (internal energy, at constant volume), as a share of c_p T.
    """

    element: float
    enthalpy: float


def drift(
    chemistry: Chemistry,
    start: Cells,
    steps: int = 100_000,
    *,
    dtype: Any = np.float64,
    seed: int = 0,
    show: bool = True,
) -> Drift:
    """Roll out cells that get each answer as their next question, over time steps of 1e-8 to 1e-5 s.

    Steps are drawn anew for every cell and every time, so that no cell comes to rest.

    Args:
        dtype: of what goes into every advance and comes out of it.
    """
    random = np.random.default_rng(seed)
    t, p, y = (np.asarray(values, dtype) for values in dataclasses.astuple(start))
    elements, energy, scale = _conserved(chemistry, t, y)
    with progress("roll-out", steps, show=show) as advance:
        for step in range(steps):
            dt = _log_uniform(random, len(t), _DRIFT_STEPS).astype(dtype)
            state = chemistry.advance(t, p, y, dt)
            t, y = np.asarray(state.temperature), np.asarray(state.mass_fraction)
            advance(step + 1)
    elements_after, energy_after, _ = _conserved(chemistry, t, y)
    lost = np.abs(elements_after - elements) / np.where(elements > 0, elements, 1)
    return Drift(float(lost.max()), float((np.abs(energy_after - energy) / scale).max()))


def _conserved(chemistry: Chemistry, temperature: np.ndarray, fraction: np.ndarray) -> tuple[np.ndarray, ...]:
    """kmol/kg of each element [cell, element], J/kg of what the chemistry keeps, and c_p T [cell]."""
    mechanism = chemistry.mechanism
    thermo, t, y = Thermo(mechanism), *(torch.from_numpy(np.asarray(x, np.float64)) for x in (temperature, fraction))
    volume = getattr(chemistry, "constant", "pressure") == "volume"
    energy = (thermo.internal_energy if volume else thermo.enthalpy)(t, y)
    return y.numpy() @ mechanism.element_matrix.T, energy.numpy(), (thermo.heat_capacity(t, y) * t).numpy()
