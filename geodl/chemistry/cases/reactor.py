"""Independent cells that react, as a program that owns them writes it: one call for all of them, step after step."""

import dataclasses
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.state import State
from geodl.chemistry.thermo import Thermo
from geodl.core.progress import progress
from geodl.errors import OptionError, ShapeError

CONSTANT = ("pressure", "volume")


@runtime_checkable
class Chemistry(Protocol):
    """Anything that advances cells: the stiff solver, an emulator of it, or one guarded by the other."""

    @property
    def mechanism(self) -> Mechanism: ...

    def advance(self, temperature: Any, pressure: Any, mass_fraction: Any, dt: Any) -> State: ...


def refuse_constant_volume(chemistry: Chemistry) -> None:
    """Where cells stay at their pressure, a chemistry that says it keeps the volume is the wrong one.

    Raises:
        OptionError: its attribute ``constant`` is "volume".
    """
    if getattr(chemistry, "constant", "pressure") == "volume":
        raise OptionError("these cells stay at their pressure, the chemistry keeps the volume: constant='pressure'")


@dataclasses.dataclass(frozen=True)
class Cells:
    """Temperature [cell] in K, pressure [cell] in Pa and mass fractions [cell, species]."""

    temperature: np.ndarray
    pressure: np.ndarray
    mass_fraction: np.ndarray

    def __post_init__(self) -> None:
        shapes = [np.shape(self.temperature), np.shape(self.pressure), np.shape(self.mass_fraction)[:1]]
        if len(set(shapes)) != 1 or np.ndim(self.mass_fraction) != 2:
            raise ShapeError(
                f"temperature {list(shapes[0])}, pressure {list(shapes[1])} and mass_fraction "
                f"{list(np.shape(self.mass_fraction))}: expected [cell], [cell] and [cell, species]"
            )


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """Cells at many times.

    Attributes:
        time: [time, cell] in s.
        temperature: [time, cell] in K.
        pressure: [time, cell] in Pa.
        mass_fraction: [time, cell, species].
        status: [time, cell] worst status since the time before, as in `geodl.chemistry.state`.
    """

    time: np.ndarray
    temperature: np.ndarray
    pressure: np.ndarray
    mass_fraction: np.ndarray
    status: np.ndarray


class Reactors:
    """Closed adiabatic reactors, each at its own constant pressure or volume.

    At constant volume the temperature follows from the internal energy and the pressure from the density, whatever the
    chemistry holds constant: a chemistry at constant pressure is then split from the compression, first order in dt.

    Args:
        chemistry: advances all cells at once.
        start: cells at time zero.
        constant: "pressure" or "volume".
    Raises:
        OptionError: something else is to be constant, or the pressure with a chemistry at constant volume.
    """

    def __init__(self, chemistry: Chemistry, start: Cells, *, constant: str = "pressure"):
        if constant not in CONSTANT:
            raise OptionError(f"constant is {constant!r}, expected one of {CONSTANT}")
        if constant == "pressure":
            refuse_constant_volume(chemistry)
        self.chemistry, self.cells = chemistry, start
        self.status = np.zeros(len(start.temperature), np.int8)
        self.thermo = Thermo(chemistry.mechanism)
        self._volume = constant == "volume"
        if self._volume:
            t, p, y = (torch.from_numpy(values) for values in dataclasses.astuple(start))
            self._density, self._energy = self.thermo.density(t, p, y), self.thermo.internal_energy(t, y)

    def advance(self, dt: Any) -> None:
        """All cells by ``dt``, a number or one for each cell, in s."""
        cells = self.cells
        state = self.chemistry.advance(cells.temperature, cells.pressure, cells.mass_fraction, dt)
        temperature, fractions, self.status = map(np.asarray, (state.temperature, state.mass_fraction, state.status))
        self.cells = Cells(temperature, cells.pressure, fractions)
        if self._volume:
            self.cells = self._at_constant_volume(temperature, fractions)

    def _at_constant_volume(self, guess: np.ndarray, fractions: np.ndarray) -> Cells:
        y = torch.from_numpy(fractions)
        temperature = self.thermo.temperature_from_energy(self._energy, y, torch.from_numpy(guess))
        unit = self.thermo.density(temperature, torch.ones_like(temperature), y)  # of one pascal
        return Cells(temperature.numpy(), (self._density / unit).numpy(), fractions)


def roll_out(
    chemistry: Chemistry,
    start: Cells,
    dt: Any,
    steps: int,
    *,
    every: int = 1,
    constant: str = "pressure",
    show: bool = True,
) -> Trajectory:
    """Step all cells by themselves, each answer being the next question.

    Args:
        dt: s, a number or one for each cell.
        every: so many steps between the times that are kept; the start is kept, too.
        constant: see `Reactors`.
    Raises:
        OptionError: ``every`` does not divide the steps.
    """
    if steps < 1 or every < 1 or steps % every:
        raise OptionError(f"{steps} steps kept every {every}: expected a positive number that the other divides")
    reactors, kept = Reactors(chemistry, start, constant=constant), [start]
    worst = np.zeros((steps // every + 1, len(start.temperature)), np.int8)
    with progress("reactors", steps, show=show) as advance:
        for step in range(1, steps + 1):
            reactors.advance(dt)
            row = -(-step // every)
            worst[row] = np.maximum(worst[row], reactors.status)
            if step % every == 0:
                kept.append(reactors.cells)
                advance(step)
    return _trajectory(
        kept, np.multiply.outer(np.arange(len(kept)) * every, np.broadcast_to(dt, worst.shape[1:])), worst
    )


def _trajectory(kept: list[Cells], time: np.ndarray, status: np.ndarray) -> Trajectory:
    columns = zip(*((c.temperature, c.pressure, c.mass_fraction) for c in kept), strict=True)
    temperature, pressure, fractions = (np.stack(column) for column in columns)
    return Trajectory(time, temperature, pressure, fractions, status)
