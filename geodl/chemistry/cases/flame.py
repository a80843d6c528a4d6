"""A flat premixed flame that burns into fresh gas at rest: finite volumes in the mass coordinate, split in time.

With the mass coordinate dm = rho dx and unity Lewis numbers, rho D = lambda / c_p,

    dY/dt = d/dm (rho^2 D dY/dm) + W omega / rho,    dh/dt = d/dm (rho^2 D dh/dm),    p constant.

Strang splitting: transport over dt/2, chemistry of all cells over dt, transport over dt/2. The cells move on with the
flame by whole cells, so that nothing is ever advected. Source: Strang 1968, SIAM J. Numer. Anal. 5, 506.
"""

import dataclasses
import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg.lapack import dptsv

from geodl.chemistry.cases.reactor import Chemistry, refuse_constant_volume
from geodl.chemistry.state import STATUS
from geodl.chemistry.thermo import Thermo
from geodl.core.progress import progress
from geodl.errors import OptionError, ShapeError, StabilityError

FRONT = 0.4  # of the domain is fresh gas and preheat zone


def smooke(temperature: np.ndarray) -> np.ndarray:
    """lambda / c_p [cell] in kg m-1 s-1 of gas that is mostly air. Source: Smooke & Giovangigli 1991, LNP 384."""
    return 2.58e-5 * (temperature / 298.0) ** 0.7


@dataclasses.dataclass(frozen=True)
class FlameProfile:
    """A flame to start from.

    Attributes:
        mass: [point] kg m-2 from the fresh side, increasing.
        temperature: [point] in K, rising from the fresh to the burnt gas.
        mass_fraction: [point, species].
        pressure: Pa.
    Raises:
        ShapeError: the arrays do not fit together.
        OptionError: the mass does not increase, or the burnt end is not hotter than the fresh one.
    """

    mass: np.ndarray
    temperature: np.ndarray
    mass_fraction: np.ndarray
    pressure: float

    def __post_init__(self) -> None:
        shapes = [np.shape(self.mass), np.shape(self.temperature), np.shape(self.mass_fraction)[:1]]
        if len(set(shapes)) != 1 or np.ndim(self.mass_fraction) != 2:
            raise ShapeError(
                f"mass {list(shapes[0])}, temperature {list(shapes[1])} and mass_fraction "
                f"{list(np.shape(self.mass_fraction))}: expected [point], [point] and [point, species]"
            )
        if not (np.diff(self.mass) > 0).all() or self.temperature[-1] <= self.temperature[0]:
            raise OptionError(
                "a flame profile starts in the fresh gas: mass must increase, and the last point be hotter"
            )

    @property
    def thickness(self) -> float:
        """Thermal thickness (T_b - T_u) / max dT/dm in kg m-2."""
        slope = np.diff(self.temperature) / np.diff(self.mass)
        return float((self.temperature[-1] - self.temperature[0]) / slope.max())

    @property
    def middle(self) -> float:
        """Temperature half-way between fresh and burnt, which marks the front."""
        return float((self.temperature[0] + self.temperature[-1]) / 2)


@dataclasses.dataclass(frozen=True)
class FlameSpeed:
    """What a run of a flame found.

    Attributes:
        consumption: laminar flame speed in m s-1 by the fuel that the chemistry burns.
        front: the same by the motion of the front, which agrees when the flame is steady.
        history: [window] m s-1 by consumption, one for every thermal thickness that was burnt.
        steady: the last three windows agree to the tolerance.
        burnt_temperature: K, at the end of the domain.
        status: number of cells that the chemistry answered with each status.
        seconds: spent in the chemistry.
    """

    consumption: float
    front: float
    history: tuple[float, ...]
    steady: bool
    burnt_temperature: float
    status: dict[str, int]
    seconds: float


class Window(NamedTuple):
    """Speeds in m s-1 as in `FlameSpeed`, mean over so many steps."""

    consumption: float
    front: float
    steps: int


def _crossing(values: np.ndarray, level: float) -> float:
    """Where values first rise above a level, counted in points and linear between them."""
    above = int((values > level).argmax())
    return float(above - (values[above] - level) / (values[above] - values[above - 1]))


def _agree(windows: list[Window], tolerance: float) -> bool:
    last = [window.consumption for window in windows[-3:]]
    return len(last) == 3 and max(last) - min(last) <= tolerance * abs(last[-1])


class PremixedFlame:
    """A freely propagating flame on equal cells in the mass coordinate, float64.

    Args:
        chemistry: advances the cells that may react, all at once.
        start: profile to begin from; its two ends are the fresh and the burnt gas.
        fuel: a species that the flame uses up.
        conductivity: temperature [cell] in K to lambda / c_p [cell] in kg m-1 s-1.
        cells, per_thickness: in all, and in the thermal thickness of ``start``.
        quiet: K; cells that are less than this above the fresh gas do not react.
    Raises:
        MechanismError: the mechanism has no such fuel.
        OptionError: too few cells, a fuel that the profile does not use up, or a chemistry at constant volume.
    """

    def __init__(
        self,
        chemistry: Chemistry,
        start: FlameProfile,
        fuel: str,
        *,
        conductivity: Callable[[np.ndarray], np.ndarray] = smooke,
        cells: int = 240,
        per_thickness: float = 20.0,
        quiet: float = 10.0,
    ):
        if cells < 8 or per_thickness <= 0:
            raise OptionError(f"{cells} cells with {per_thickness} in the flame: expected at least 8, and more than 0")
        refuse_constant_volume(chemistry)
        self.chemistry, self.conductivity, self.start = chemistry, conductivity, start
        self.thermo = Thermo(chemistry.mechanism)
        self.fuel = chemistry.mechanism.index(fuel)
        self.cell_mass = start.thickness / per_thickness  # kg m-2
        self.time, self.shifted = 0.0, 0  # s, cells that the frame has moved
        self.counts, self.seconds = np.zeros(len(STATUS), int), 0.0
        self._reacts_above = start.temperature[0] + quiet
        self._interpolate(cells)
        if self._burnable <= 0:
            raise OptionError(f"the flame uses up no {fuel}: it goes from {self._fresh[self.fuel]:.3g} to more of it")

    def _interpolate(self, cells: int) -> None:
        """The start on the cells; its enthalpy is that of the fresh gas everywhere, as unity Lewis numbers keep it."""
        start = self.start
        points = np.arange(len(start.mass))
        front = np.interp(_crossing(start.temperature, start.middle), points, start.mass)
        mass = (np.arange(cells) + 0.5 - FRONT * cells) * self.cell_mass + front
        self.mass_fraction = np.stack([np.interp(mass, start.mass, y) for y in start.mass_fraction.T], -1)
        self.temperature = np.interp(mass, start.mass, start.temperature)
        self._fresh = start.mass_fraction[0].copy()
        fresh = torch.tensor(start.temperature[:1]), torch.from_numpy(self._fresh[None])
        self.enthalpy = np.full(cells, float(self.thermo.enthalpy(*fresh)))
        density = self.thermo.density(fresh[0], torch.full((1,), start.pressure, dtype=torch.float64), fresh[1])
        self.fresh_density = float(density)  # kg m-3
        self.temperature = self._temperature(self.enthalpy, self.mass_fraction)

    def step(self, dt: float) -> float:
        """Transport, chemistry, transport; the fuel burnt in it in kg m-2."""
        self._transport(dt / 2)
        burnt = self._react(dt)
        self._transport(dt / 2)
        self._follow()
        self.time += dt
        return burnt

    def run(self, dt: float, *, tolerance: float = 2e-3, steps: int = 20_000, show: bool = True) -> FlameSpeed:
        """Step until three thermal thicknesses in a row burn at the same speed.

        Args:
            dt: s, of one splitting step.
            tolerance: relative, between the speeds of these three windows.
            steps: to give up after; ``steady`` says so.
        Raises:
            OptionError: a time step or a number of steps that is not positive.
            StabilityError: the flame went out, or its cells left the range of the mechanism.
        """
        if not (dt > 0 and steps > 0):
            raise OptionError(f"{steps} steps of {dt!r} s: both must be positive")
        dt, windows = float(dt), list[Window]()
        with progress("flame", steps, show=show) as advance:
            done = 0
            while done < steps and not _agree(windows, tolerance):
                windows.append(self._window(dt, steps - done))
                done += windows[-1].steps
                advance(done, f"{windows[-1].consumption:.4g} m/s")
        return FlameSpeed(
            windows[-1].consumption,
            windows[-1].front,
            tuple(window.consumption for window in windows),
            _agree(windows, tolerance),
            float(self.temperature[-1]),
            dict(zip(STATUS, self.counts.tolist(), strict=True)),
            self.seconds,
        )

    def _window(self, dt: float, steps: int) -> Window:
        """At most so many steps, until the front has passed a thermal thickness."""
        begin, burnt, done = self.front, 0.0, 0
        while done < steps and self.front - begin < self.start.thickness:
            burnt += self.step(dt) / self._burnable
            done += 1
        gas = self.fresh_density * done * dt
        return Window(burnt / gas, (self.front - begin) / gas, done)

    @property
    def profile(self) -> FlameProfile:
        """The cells as they are: to draw, or to start from."""
        mass = (np.arange(len(self.temperature)) + 0.5) * self.cell_mass
        return FlameProfile(mass, self.temperature.copy(), self.mass_fraction.copy(), self.start.pressure)

    @property
    def front(self) -> float:
        """Mass in kg m-2 that the isotherm half-way to the burnt gas has passed, up to a constant."""
        return (self.shifted - self._front_cell()) * self.cell_mass

    def _front_cell(self) -> float:
        if not self.temperature[0] <= self.start.middle < self.temperature.max():
            raise StabilityError(
                f"the flame went out, or reached the fresh end of its {len(self.temperature)} cells, after "
                f"{self.time:.3g} s: is the chemistry right, and the time step small enough for it?"
            )
        return _crossing(self.temperature, self.start.middle)

    @property
    def _burnable(self) -> float:
        return float(self._fresh[self.fuel] - self.mass_fraction[-1, self.fuel])

    def _follow(self) -> None:
        """Move the frame by whole cells: fresh gas comes in, burnt gas falls out."""
        cells = int(FRONT * len(self.temperature) - self._front_cell())
        if cells < 1:
            return
        for field, fresh in (
            (self.temperature, self.start.temperature[0]),
            (self.mass_fraction, self._fresh),
            (self.enthalpy, self.enthalpy[0]),
        ):
            field[cells:] = field[:-cells].copy()
            field[:cells] = fresh
        self.shifted += cells

    def _react(self, dt: float) -> float:
        first = int((self.temperature > self._reacts_above).argmax())
        t, y = self.temperature[first:], self.mass_fraction[first:]
        before = time.perf_counter()
        state = self.chemistry.advance(t, np.full(len(t), self.start.pressure), y, dt)
        self.seconds += time.perf_counter() - before
        after = np.asarray(state.mass_fraction)
        self.counts += np.bincount(np.asarray(state.status), minlength=len(STATUS))
        burnt = float((y - after)[:, self.fuel].sum()) * self.cell_mass
        self.mass_fraction[first:] = after
        self.temperature = self._temperature(self.enthalpy, self.mass_fraction)
        return burnt

    def _transport(self, dt: float) -> None:
        """Crank-Nicolson with the diffusivity half-way, found by a first half: second order."""
        fields = np.column_stack([self.mass_fraction, self.enthalpy])
        middle = self._diffused(fields, dt / 2, self._diffusivity(self.temperature, self.mass_fraction))
        temperature = self._temperature(middle[:, -1], middle[:, :-1])
        after = self._diffused(fields, dt, self._diffusivity(temperature, middle[:, :-1]))
        self.mass_fraction, self.enthalpy = np.ascontiguousarray(after[:, :-1]), after[:, -1].copy()
        self.temperature = self._temperature(self.enthalpy, self.mass_fraction)

    def _diffusivity(self, temperature: np.ndarray, fractions: np.ndarray) -> np.ndarray:
        """rho^2 D [face] in kg2 m-4 s-1 between the cells."""
        pressure = torch.full((len(temperature),), self.start.pressure, dtype=torch.float64)
        density = self.thermo.density(torch.from_numpy(temperature), pressure, torch.from_numpy(fractions)).numpy()
        values = density * self.conductivity(temperature)
        return (values[1:] + values[:-1]) / 2

    def _diffused(self, fields: np.ndarray, dt: float, diffusivity: np.ndarray) -> np.ndarray:
        """Fields [cell, field] after ``dt`` with no flux through the ends.

        As many steps as it takes for the explicit half to keep its sign: no mass fraction can become negative.
        """
        steps = max(1, math.ceil(dt * diffusivity.max() / self.cell_mass**2))
        half = diffusivity * dt / (2 * steps * self.cell_mass**2)
        diagonal = 1 + np.concatenate([half, [0]]) + np.concatenate([[0], half])
        for _ in range(steps):
            flux = half[:, None] * np.diff(fields, axis=0)
            right = fields.copy()
            right[:-1] += flux
            right[1:] -= flux
            fields = dptsv(diagonal, -half, right)[2]
        return fields

    def _temperature(self, enthalpy: np.ndarray, fractions: np.ndarray) -> np.ndarray:
        h, y, guess = map(torch.from_numpy, (enthalpy, fractions, self.temperature))
        temperature = self.thermo.temperature_from_enthalpy(h, y, guess).numpy()
        if np.isnan(temperature).any():
            cell = int(np.isnan(temperature).argmax())
            raise StabilityError(
                f"no temperature of the mechanism fits the enthalpy {enthalpy[cell]:.6g} J/kg of cell {cell} after "
                f"{self.time:.3g} s: its mass fractions add up to {fractions[cell].sum():.6g}"
            )
        return temperature
