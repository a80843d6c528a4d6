"""Boxes of air with day and night, emissions and mixing with the air around: what kinetics must live through."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr
from jaxtyping import Float

from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.chemistry.state import Array
from geodl.core.progress import progress
from geodl.errors import OptionError

DAY = 86400.0  # s
GAS_CONSTANT = 8.314462618  # J mol-1 K-1
OXYGEN, NITROGEN = 0.2095, 0.7808  # moles per mole of dry air


@runtime_checkable
class AirChemistry(Protocol):
    """What advances air: `MicmChemistry`, or a surrogate of it."""

    mechanism: LumpedMechanism

    def advance(
        self,
        temperature: Any,
        pressure: Any,
        concentration: Array,
        dt: float,
        *,
        photolysis: Any = 0.0,
        emission: Array | None = None,
    ) -> Any: ...


@dataclasses.dataclass(frozen=True)
class Boxes:
    """Boxes of well-mixed air at constant temperature and pressure.

    Attributes:
        temperature, pressure: [box] in K and Pa.
        concentration: [box, species] at midnight of the first day in mol m-3, with the air itself (M, O2, H2O).
        sunlight: [box] share of the shipped photolysis rates at noon.
        emission: [box, species] in mol m-3 s-1, day and night.
        dilution: [box] rate of mixing with the air around in 1/s, without which nothing takes away what is emitted.
        background: [box, species] concentrations of the air around in mol m-3.
    """

    temperature: Float[np.ndarray, " box"]
    pressure: Float[np.ndarray, " box"]
    concentration: Float[np.ndarray, "box species"]
    sunlight: Float[np.ndarray, " box"]
    emission: Float[np.ndarray, "box species"]
    dilution: Float[np.ndarray, " box"]
    background: Float[np.ndarray, "box species"]

    def __len__(self) -> int:
        return len(self.temperature)

    def part(self, chosen: Any) -> "Boxes":
        """Some of the boxes."""
        return Boxes(*(getattr(self, field.name)[chosen] for field in dataclasses.fields(self)))


def daylight(time: Any) -> Any:
    """max(0, sin(pi (hour - 6)/12)) at a time in s since midnight: 0 at night, 1 at noon."""
    return np.maximum(0.0, np.sin(np.pi * (np.asarray(time) / 3600 - 6) / 12))


def air(
    temperature: Float[np.ndarray, " box"], pressure: Float[np.ndarray, " box"], humidity: Any = 0.5
) -> dict[str, Float[np.ndarray, " box"]]:
    """M, O2, N2 and H2O in mol m-3 [box] by the ideal gas law.

    Args:
        humidity: relative, over liquid water: vapour pressure of Alduchov & Eskridge 1996, J. Appl. Meteor. 35, 601.
    """
    celsius = temperature - 273.15
    vapour = humidity * 610.94 * np.exp(17.625 * celsius / (celsius + 243.04))
    moles = 1 / (GAS_CONSTANT * temperature)
    dry = (pressure - vapour) * moles
    return {"M": pressure * moles, "O2": OXYGEN * dry, "N2": NITROGEN * dry, "H2O": vapour * moles}


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of all boxes.

    Attributes:
        time: s since midnight of the first day, when the step begins.
        photolysis: [box] share of the shipped rates, in the middle of the step.
        before: [box, species] concentrations in mol m-3 after dilution, which the chemistry is given.
        after: [box, species] what it makes of them.
        status: [box] of the chemistry.
    """

    time: float
    photolysis: np.ndarray
    before: np.ndarray
    after: np.ndarray
    status: Array


def whole_steps(duration: float, dt: float) -> int:
    """How many steps of dt make a duration, both in s.

    Raises:
        OptionError: they are not whole, or none.
    """
    number = round(duration / dt)
    if number < 1 or abs(number * dt - duration) > 1e-6 * dt:
        raise OptionError(f"a duration of {duration:g} s is not one or more whole steps of {dt:g} s")
    return number


def steps(chemistry: AirChemistry, boxes: Boxes, *, number: int, dt: float = 300.0) -> Iterator[Step]:
    """One step after the other, each from what the last one gave: dilution, then chemistry with its sources."""
    kept = np.exp(-boxes.dilution * dt)[:, None]
    given = [chemistry.mechanism.index(name) for name in chemistry.mechanism.given]
    background = boxes.background.copy()
    background[:, given] = boxes.concentration[:, given]
    before = boxes.concentration
    for step in range(number):
        sun = boxes.sunlight * daylight((step + 0.5) * dt)
        state = chemistry.advance(
            boxes.temperature, boxes.pressure, before, dt, photolysis=sun, emission=boxes.emission
        )
        after = np.asarray(state.concentration, dtype=np.float64)
        yield Step(step * dt, sun, before, after, state.status)
        before = background + (after - background) * kept


def roll_out(
    chemistry: AirChemistry, boxes: Boxes, *, days: float = 1.0, dt: float = 300.0, every: int = 12, show: bool = True
) -> xr.Dataset:
    """Boxes over days, autoregressive.

    Args:
        every: steps between the records; 12 steps of 300 s are an hour.
    Returns:
        concentration [time, box, species] in mol m-3 after chemistry, and the worst status [time, box] since the last
        record; the start and the end are records too.
    Raises:
        OptionError: the days are not a number of whole steps.
    """
    number = whole_steps(days * DAY, dt)
    times, records, statuses = [0], [boxes.concentration], [np.zeros(len(boxes), np.int8)]
    worst = statuses[0]
    with progress("boxes", number, show=show) as advance:
        for done, step in enumerate(steps(chemistry, boxes, number=number, dt=dt), start=1):
            worst = np.maximum(worst, np.asarray(step.status))
            if done % every == 0 or done == number:
                times, records, statuses = [*times, done], [*records, step.after], [*statuses, worst]
                worst = np.zeros_like(worst)
            advance(done, f"day {done * dt / DAY:.1f}")
    return _dataset(chemistry.mechanism, np.array(times) * dt, np.stack(records), np.stack(statuses))


def _dataset(mechanism: LumpedMechanism, time: np.ndarray, concentration: np.ndarray, status: np.ndarray) -> xr.Dataset:
    return xr.Dataset(
        {
            "concentration": (("time", "box", "species"), concentration, {"units": "mol m-3"}),
            "status": (("time", "box"), status, {"units": "1"}),
        },
        {
            "time": ("time", time, {"units": "s", "long_name": "time since midnight of the first day"}),
            "species": list(mechanism.species),
        },
        {"mechanism": mechanism.name, "mechanism_fingerprint": mechanism.fingerprint},
    )
