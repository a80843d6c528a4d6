"""The reference of atmospheric kinetics: MICM of MUSICA, many cells at once, air taken as given."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from geodl.chemistry.atmosphere.mechanism import LumpedMechanism, read_lumped
from geodl.chemistry.atmosphere.musica import ROSENBROCK, Solver, conditions, configuration, parsed
from geodl.chemistry.state import FAILED, OK, Array
from geodl.errors import OptionError, ShapeError, did_you_mean

BLOCK = 64  # cells that share their time steps: more would wait for the worst of them, fewer leave lanes idle


@dataclasses.dataclass(frozen=True)
class AirState:
    """Cells after a time step.

    Attributes:
        concentration: [cell, species] in mol m-3.
        status: [cell] int8: OK, or FAILED where the solver gave up and the cell stayed as it was; surrogates say more.
    """

    concentration: Array
    status: Array

    def source(self, before: Array, dt: float) -> Array:
        """Mean rate of change [cell, species] in mol m-3 s-1."""
        return (self.concentration - before) / dt  # type: ignore[operator]


@dataclasses.dataclass(frozen=True)
class _Given:
    """Arrays with one row for each cell."""

    temperature: np.ndarray
    pressure: np.ndarray
    concentration: np.ndarray
    parameter: np.ndarray

    def __len__(self) -> int:
        return len(self.concentration)

    @property
    def finite(self) -> np.ndarray:
        """Whether a cell [cell] is a state at all."""
        numbers = (self.temperature > 0) & (self.pressure > 0) & np.isfinite(self.temperature + self.pressure)
        return np.asarray(numbers & np.isfinite(self.concentration).all(1) & np.isfinite(self.parameter).all(1))

    def part(self, chosen: Any) -> "_Given":
        return _Given(*(getattr(self, field.name)[chosen] for field in dataclasses.fields(self)))


class MicmChemistry:
    """Advances cells by a solver of MICM, in blocks that share their time steps.

    Args:
        mechanism: a MUSICA configuration: a path, or the name of a shipped one.
        solver: "rosenbrock", "rosenbrock_dae4", "rosenbrock_dae6" or "backward_euler".
        rtol, atol: tolerances, the absolute one in mol m-3; MICM's own defaults, which do not control the error, where
            not given.
        parameters: rate parameters that stay, by MICM's names ("LOSS.SULF", "SURF.…"), beside those that are shipped.
    Attributes:
        mechanism: `LumpedMechanism`.
        seconds, steps: time spent inside MICM, and steps taken there by all blocks: what a comparison of costs needs.
    Raises:
        MechanismError: there is no such configuration, or MUSICA cannot read it.
        MissingPackageError: MUSICA is not installed.
        OptionError: a solver, tolerance or parameter that does not exist.
    """

    def __init__(
        self,
        mechanism: str | Path = "carbon_bond_5",
        *,
        solver: str = ROSENBROCK,
        rtol: float | None = None,
        atol: float | None = None,
        parameters: Mapping[str, float] | None = None,
    ):
        path = configuration(mechanism)
        self.mechanism: LumpedMechanism = read_lumped(mechanism)
        self._solver = Solver(parsed(path), len(self.mechanism.species), solver, rtol=rtol, atol=atol)
        self._species, self._parameters = self._solver.names
        self._order = np.array([self._species[name] for name in self.mechanism.species])  # ours -> MICM's
        self._kept = np.array([name not in self.mechanism.given for name in self.mechanism.species])
        shipped = {name: value for name, value in conditions(path).parameter.items() if name in self._parameters}
        self._constant = self._row(shipped | dict(parameters or {}))
        self._daylight = self._row({f"PHOTO.{name}": rate for name, rate in self.mechanism.photolysis.items()})
        self.seconds, self.steps = 0.0, 0

    def advance(
        self,
        temperature: Any,
        pressure: Any,
        concentration: Array,
        dt: float,
        *,
        photolysis: Any = 0.0,
        emission: Array | None = None,
    ) -> AirState:
        """Every cell after a time step, in arrays.

        Args:
            temperature, pressure: numbers or [cell], in K and Pa.
            concentration: [cell, species] in mol m-3 in the order of the mechanism. M, N2, O2 and H2O act, and come
                back as they were.
            dt: seconds, the same for all cells.
            photolysis: number or [cell]: share of the shipped rates.
            emission: [cell, species] in mol m-3 s-1, zero where the mechanism has no source; none where not given.
        Returns:
            FAILED where a cell is no state or the solver gave up: it stays as it was, and the others are answered.
        Raises:
            ShapeError: not one row of all species for each cell, or not one number for each row.
            OptionError: a time step that is not positive, or an emission of what cannot be emitted.
        """
        cells = self._cells(temperature, pressure, concentration, photolysis, emission)
        if not 0 < dt < np.inf:
            raise OptionError(f"dt is {dt!r}: expected seconds above 0")
        after, status = cells.concentration.copy(), np.full(len(cells), FAILED, np.int8)
        good = np.flatnonzero(cells.finite)
        for first in range(0, len(good), BLOCK):
            block = good[first : first + BLOCK]
            after[block], status[block] = self._solved(cells.part(block), dt)
        after[:, ~self._kept] = cells.concentration[:, ~self._kept]
        return AirState(after, status)

    def _solved(self, cells: _Given, dt: float) -> tuple[np.ndarray, np.ndarray]:
        """A block; where one cell poisons it, its halves, to find out which."""
        state = self._solver.cells(len(cells))
        state.set(cells.temperature, cells.pressure, cells.parameter)
        state.concentration = _placed(cells.concentration, self._order)
        begin = time.perf_counter()
        done, steps = self._solver.solve(state, dt)
        self.seconds, self.steps = self.seconds + time.perf_counter() - begin, self.steps + steps
        after = state.concentration[:, self._order]
        if done and np.isfinite(after).all():
            return after, np.full(len(cells), OK, np.int8)
        if len(cells) == 1:
            return cells.concentration, np.full(1, FAILED, np.int8)
        half = len(cells) // 2
        parts = [self._solved(cells.part(part), dt) for part in (slice(half), slice(half, None))]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _cells(self, temperature: Any, pressure: Any, concentration: Array, photolysis: Any, emission: Any) -> _Given:
        values = _numpy(concentration)
        species = len(self.mechanism.species)
        if values.ndim != 2 or values.shape[1] != species:
            raise ShapeError(f"concentration has shape {list(values.shape)}, expected [cell, {species}]")
        numbers = {"temperature": temperature, "pressure": pressure, "photolysis": photolysis}
        t, p, sun = (_per_cell(name, given, len(values)) for name, given in numbers.items())
        parameter = self._constant + sun[:, None] * self._daylight
        if emission is not None:
            self._add_emission(parameter, _numpy(emission), values.shape)
        return _Given(t, p, values, parameter)

    def _add_emission(self, parameter: np.ndarray, emission: np.ndarray, shape: tuple[int, ...]) -> None:
        if emission.shape != shape:
            raise ShapeError(f"emission has shape {list(emission.shape)}, expected {list(shape)} like concentration")
        for i in np.flatnonzero(emission.any(0)):
            name = self.mechanism.species[i]
            if name not in self.mechanism.emission:
                known = ", ".join(self.mechanism.emission)
                raise OptionError(f"{self.mechanism.name} has no source of {name!r}, only of {known}")
            parameter[:, self._parameters[f"EMIS.{name}"]] += emission[:, i]

    def _row(self, values: Mapping[str, float]) -> np.ndarray:
        row = np.zeros(len(self._parameters))
        for name, value in values.items():
            if name not in self._parameters:
                raise OptionError(f"there is no rate parameter {name!r}. {did_you_mean(name, self._parameters)}")
            row[self._parameters[name]] = value
        return row


def _placed(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    placed = np.empty_like(values)
    placed[:, order] = values
    return placed


def _numpy(given: Any) -> np.ndarray:
    return np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given, dtype=np.float64)


def _per_cell(name: str, given: Any, number: int) -> np.ndarray:
    values = _numpy(given)
    if values.shape not in ((), (1,), (number,)):
        raise ShapeError(f"{name} has shape {list(values.shape)}, expected a number or [{number}], one for each cell")
    return np.broadcast_to(values, (number,))
