"""Laminar flame speeds over equivalence ratios, with any chemistry: each flame starts from Cantera's own."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from geodl.chemistry.cases.flame import FlameProfile, FlameSpeed, PremixedFlame
from geodl.chemistry.cases.mixture import AIR
from geodl.chemistry.cases.reactor import Chemistry
from geodl.chemistry.reference import import_cantera
from geodl.chemistry.state import STATUS
from geodl.core.progress import progress
from geodl.errors import StabilityError

PER_PASSAGE = 100  # time steps while a flame passes its own thickness, where none is asked for
COARSE = {"ratio": 4.0, "slope": 0.15, "curve": 0.25}
REFINEMENT = {"ratio": 2.0, "slope": 0.03, "curve": 0.06}  # of the grid; the speed is then good to one percent

OUTPUTS = {
    "flame_speed": ("m s-1", "by consumption of the fuel"),
    "front_speed": ("m s-1", "by motion of the front"),
    "cantera_speed": ("m s-1", "of Cantera's FreeFlame with unity Lewis numbers"),
    "burnt_temperature": ("K", "at the end of the domain"),
    "dt": ("s", "of a splitting step"),
    "seconds": ("s", "spent in the chemistry"),
    "steady": ("1", "the last windows agree"),
}


@dataclasses.dataclass(frozen=True)
class FreshGas:
    """What burns: a mechanism that Cantera reads, compositions as in `premixed`, K and Pa."""

    mechanism: str
    fuel: str = "H2"
    oxidizer: str = AIR
    temperature: float = 298.0
    pressure: float = 101325.0

    @property
    def burnt(self) -> str:
        """The first species of the fuel, whose consumption measures the flame speed."""
        return self.fuel.split(",")[0].partition(":")[0].strip()


@dataclasses.dataclass(frozen=True)
class Conductivity:
    """lambda / c_p [point] in kg m-1 s-1, linear between temperatures [point] in K that increase."""

    temperature: np.ndarray
    values: np.ndarray

    def __call__(self, temperature: np.ndarray) -> np.ndarray:
        return np.interp(temperature, self.temperature, self.values)


@dataclasses.dataclass(frozen=True)
class FlameStart:
    """Cantera's flame: its profile, lambda / c_p through it, and its speed in m s-1."""

    profile: FlameProfile
    conductivity: Conductivity
    speed: float
    density: float  # of the fresh gas, kg m-3

    @property
    def passage(self) -> float:
        """Time in s in which the flame burns as much gas as its thermal thickness holds."""
        return self.profile.thickness / (self.density * self.speed)


@functools.lru_cache(maxsize=64)
def flame_start(gas: FreshGas, equivalence_ratio: float, *, fine: bool = True) -> FlameStart:
    """A solution of Cantera's FreeFlame with unity Lewis numbers; kept, since others start from it too.

    Args:
        fine: its speed is good to one percent; else to some, in a tenth of the time.
    Raises:
        MissingPackageError: Cantera is not installed.
        StabilityError: it finds no flame, as beyond the limits of flammability.
    """
    cantera = import_cantera()
    solution = cantera.Solution(gas.mechanism)
    solution.set_equivalence_ratio(equivalence_ratio, gas.fuel, gas.oxidizer)
    solution.TP = gas.temperature, gas.pressure
    fresh = solution.Y
    flame = cantera.FreeFlame(solution, width=0.02)
    flame.transport_model = "unity-Lewis-number"
    flame.set_refine_criteria(**(REFINEMENT if fine else COARSE))
    try:
        flame.solve(loglevel=0, auto=True)
    except cantera.CanteraError as error:
        raise StabilityError(f"Cantera finds no flame of {gas} at the equivalence ratio {equivalence_ratio}") from error
    by_temperature = np.unique(flame.T, return_index=True)[1]
    return FlameStart(
        FlameProfile(_mass(flame), flame.T, np.vstack([fresh, flame.Y.T[1:]]), gas.pressure),
        Conductivity(flame.T[by_temperature], (flame.thermal_conductivity / flame.cp_mass)[by_temperature]),
        float(flame.velocity[0]),
        float(flame.density[0]),
    )


def _mass(flame: object) -> np.ndarray:
    """Mass between the fresh end and each point, in kg m-2, by trapezia."""
    grid, density = flame.grid, flame.density  # type: ignore[attr-defined]
    return np.concatenate([[0.0], np.cumsum(np.diff(grid) * (density[1:] + density[:-1]) / 2)])


def flame_speeds(
    chemistry: Chemistry,
    equivalence_ratios: Sequence[float],
    gas: FreshGas,
    *,
    dt: float | None = None,
    tolerance: float = 2e-3,
    show: bool = True,
    **options: Any,
) -> xr.Dataset:
    """Speeds along ``equivalence_ratio``: the same cells, transport and steps for the solver and its emulator.

    Args:
        chemistry: advances the cells, at constant pressure.
        gas: the fresh gas; the consumption of the first species of its fuel is measured.
        dt: s, of a splitting step; a hundredth of the time in which the flame passes its thickness where not given.
        tolerance: see `PremixedFlame.run`.
        options: of `PremixedFlame`.
    Raises:
        MissingPackageError: Cantera is not installed.
        StabilityError: there is no flame, or it went out.
    """
    found = []
    with progress("flame speeds", len(equivalence_ratios), show=show) as advance:
        for done, ratio in enumerate(equivalence_ratios, 1):
            start = flame_start(gas, float(ratio))
            flame = PremixedFlame(chemistry, start.profile, gas.burnt, conductivity=start.conductivity, **options)
            step = start.passage / PER_PASSAGE if dt is None else dt
            found.append((flame.run(step, tolerance=tolerance, show=False), start.speed, step))
            advance(done, f"{found[-1][0].consumption:.4g} m/s at {ratio:g}")
    return (
        _dataset(found)
        .assign_coords(equivalence_ratio=np.asarray(equivalence_ratios, float))
        .assign_attrs(dataclasses.asdict(gas))
    )


def _dataset(found: Sequence[tuple[FlameSpeed, float, float]]) -> xr.Dataset:
    rows = [
        (speed.consumption, speed.front, cantera, speed.burnt_temperature, dt, speed.seconds, speed.steady)
        for speed, cantera, dt in found
    ]
    ds = xr.Dataset({
        name: ("equivalence_ratio", list(column), {"units": units, "long_name": about})
        for (name, (units, about)), column in zip(OUTPUTS.items(), zip(*rows, strict=True), strict=True)
    })  # fmt: skip
    counts = [list(speed.status.values()) for speed, *_ in found]
    ds["cells"] = ("equivalence_ratio", "status"), counts, {"units": "1", "long_name": "answered by the chemistry"}
    return ds.assign_coords(status=list(STATUS))
