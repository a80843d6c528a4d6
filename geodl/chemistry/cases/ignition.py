"""Ignition of fuel and air in a closed reactor: cases, their reference, and the delay that is compared."""

import dataclasses
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float

from geodl.chemistry.cases.mixture import AIR, premixed
from geodl.chemistry.cases.reactor import Cells, Chemistry, Trajectory
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.reference import CanteraChemistry, import_cantera
from geodl.chemistry.state import FAILED, OK
from geodl.core.progress import progress
from geodl.errors import OptionError, ShapeError

ATMOSPHERE = 101325.0  # Pa
RISE = 400.0  # K above the start, where gas counts as ignited
PARTS = 16  # of the step in which it ignites


@dataclasses.dataclass(frozen=True)
class IgnitionCase:
    """Initial temperature in K, pressure in Pa and equivalence ratio of a mixture."""

    temperature: float
    pressure: float
    equivalence_ratio: float


def ignition_cases(
    seed: int,
    count: int = 100,
    *,
    temperature: tuple[float, float] = (900.0, 1600.0),
    pressure: tuple[float, float] = (0.5 * ATMOSPHERE, 20 * ATMOSPHERE),
    equivalence_ratio: tuple[float, float] = (0.4, 2.5),
) -> list[IgnitionCase]:
    """Cases over whole ranges, even in 1/T, ln p and ln phi: a Latin hypercube, the same for the same seed.

    Raises:
        OptionError: a range that does not increase from above zero.
    """
    ranges = {"temperature": temperature, "pressure": pressure, "equivalence_ratio": equivalence_ratio}
    for name, (low, high) in ranges.items():
        if not 0 < low <= high:
            raise OptionError(f"the range of {name} is {(low, high)}, expected two numbers above zero that increase")
    generator = np.random.default_rng(seed)
    strata = generator.permuted(np.tile(np.arange(count), (3, 1)), axis=1)
    u = (strata + generator.random((3, count))) / count
    inverse = 1 / temperature[0] + u[0] * (1 / temperature[1] - 1 / temperature[0])
    p, phi = (low * (high / low) ** x for x, (low, high) in zip(u[1:], (pressure, equivalence_ratio), strict=True))
    return [IgnitionCase(*map(float, case)) for case in zip(1 / inverse, p, phi, strict=True)]


def ignition_start(mechanism: Mechanism, cases: list[IgnitionCase], fuel: str, *, oxidizer: str = AIR) -> Cells:
    """The fresh mixtures of the cases, without a radical; composition texts as in `premixed`."""
    t, p, phi = np.array([dataclasses.astuple(case) for case in cases], float).reshape(-1, 3).T
    return Cells(t, p, premixed(mechanism, fuel, oxidizer, phi))


def ignition_delay(
    time: np.ndarray, temperature: np.ndarray, *, rise: float | np.ndarray = RISE
) -> Float[np.ndarray, " cell"]:
    """First time at which the temperature is ``rise`` above its start, linear between steps; NaN where it never is.

    Args:
        time: [time] or [time, cell] in s.
        temperature: [time, cell] in K.
        rise: K, a number or [cell].
    Raises:
        ShapeError: the arrays do not fit together.
    """
    if np.ndim(temperature) != 2 or np.shape(time) not in (np.shape(temperature), np.shape(temperature)[:1]):
        raise ShapeError(
            f"time {list(np.shape(time))} and temperature {list(np.shape(temperature))}: expected [time] or "
            f"[time, cell], and [time, cell]"
        )
    times = np.broadcast_to(np.reshape(time, (len(temperature), -1)), temperature.shape)
    above = temperature - temperature[0] - rise
    last = np.clip((above >= 0).argmax(0), 1, None)
    column = np.arange(temperature.shape[1])
    below, over = above[last - 1, column], above[last, column]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(over >= 0, -below / (over - below), np.nan)
    return times[last - 1, column] + share * (times[last, column] - times[last - 1, column])


def resolved_delay(chemistry: Chemistry, found: Trajectory, *, rise: float = RISE) -> Float[np.ndarray, " cell"]:
    """As `ignition_delay`, with the step in which a cell ignites resolved by shorter ones of the chemistry.

    Time steps may be long beside the heat release: a straight line through one would be wrong by a part of it.

    Args:
        chemistry: which ``found`` is of; takes any shorter step from the state before.
    """
    delay = np.full(found.temperature.shape[1], np.nan)
    above = found.temperature - found.temperature[0] >= rise
    cells = np.flatnonzero(above.any(0))
    row = above[:, cells].argmax(0) - 1
    before, dt = (row, cells), found.time[row + 1, cells] - found.time[row, cells]
    t, p, y = (values[before] for values in (found.temperature, found.pressure, found.mass_fraction))
    share = np.arange(1, PARTS) / PARTS
    steps = np.multiply.outer(share, dt).ravel()
    within = chemistry.advance(np.tile(t, len(share)), np.tile(p, len(share)), np.tile(y, (len(share), 1)), steps)
    inside = np.asarray(within.temperature).reshape(len(share), -1)
    temperature = np.concatenate([t[None], inside, found.temperature[row + 1, cells][None]])
    time = found.time[before] + np.multiply.outer(np.arange(PARTS + 1) / PARTS, dt)
    delay[cells] = ignition_delay(time, temperature, rise=found.temperature[0, cells] + rise - t)
    return delay


def ignition_errors(
    found: Trajectory, reference: Trajectory, *, delays: tuple[np.ndarray, np.ndarray] | None = None
) -> xr.Dataset:
    """A roll-out beside the reference at the same times, along ``cell``.

    Args:
        delays: [cell] in s of both, where they are known better than on a straight line between steps.

    Returns:
        ``delay`` and ``reference_delay`` in s, NaN where there is no ignition; ``delay_error`` relative, infinite where
        only one of them ignites and NaN where none does; ``rise``: largest |T - T0| of the roll-out in K;
        ``end_temperature_error`` in K.
    Raises:
        ShapeError: the times differ.
    """
    if found.time.shape != reference.time.shape or not np.allclose(found.time, reference.time, rtol=1e-9, atol=0):
        raise ShapeError(
            f"the roll-out has times {list(found.time.shape)}, the reference {list(reference.time.shape)}: expected "
            f"the same ones, as reference_trajectory(..., roll_out(...).time) gives them"
        )
    delay, expected = delays or (ignition_delay(each.time, each.temperature) for each in (found, reference))
    values = {
        "delay": (delay, "s"),
        "reference_delay": (expected, "s"),
        "delay_error": (np.where(np.isnan(delay) != np.isnan(expected), np.inf, delay / expected - 1), "1"),
        "rise": (np.abs(found.temperature - found.temperature[0]).max(0), "K"),
        "end_temperature_error": (found.temperature[-1] - reference.temperature[-1], "K"),
    }
    return xr.Dataset({name: ("cell", column, {"units": units}) for name, (column, units) in values.items()})


def reference_trajectory(
    mechanism: str | Path,
    start: Cells,
    time: np.ndarray,
    *,
    rtol: float = 1e-9,
    atol: float = 1e-15,
    constant: str = "pressure",
    show: bool = True,
) -> Trajectory:
    """Each cell integrated by Cantera in one go, read at the times: no restart between them.

    Args:
        mechanism: see `CanteraChemistry`; ``rtol``, ``atol`` and ``constant`` too.
        time: [time] or [time, cell] in s, increasing from 0 on.
    Raises:
        ShapeError: there is not one column of times, or one for each cell.
        OptionError: times that do not increase from zero.
    """
    times = _times(time, len(start.temperature))
    solver = CanteraChemistry(mechanism, rtol=rtol, atol=atol, constant=constant)
    shape = times.shape
    out = Trajectory(
        times, np.full(shape, np.nan), np.full(shape, np.nan), np.full((*shape, start.mass_fraction.shape[1]), np.nan),
        np.full(shape, FAILED, np.int8),
    )  # fmt: skip
    with progress("reference", shape[1], show=show) as advance:
        for cell in range(shape[1]):
            _integrate(solver, start, out, cell)
            advance(cell + 1)
    return out


def _times(time: np.ndarray, cells: int) -> np.ndarray:
    if np.ndim(time) not in (1, 2) or np.shape(time)[1:] not in ((), (cells,)):
        raise ShapeError(f"time has shape {list(np.shape(time))}, expected [time] or [time, {cells}]")
    times = np.array(np.broadcast_to(np.reshape(time, (len(time), -1)), (len(time), cells)), float)
    if not ((np.diff(times, axis=0) > 0).all() and (times[0] >= 0).all()):
        raise OptionError("the times must increase from zero or later on")
    return times


def _integrate(solver: CanteraChemistry, start: Cells, out: Trajectory, cell: int) -> None:
    """One column; where the solver gives up, the rest stays NaN with the status FAILED."""
    network = solver.start(start.temperature[cell], start.pressure[cell], start.mass_fraction[cell])
    for row, time in enumerate(out.time[:, cell]):
        try:
            network.advance(time)
        except import_cantera().CanteraError:
            return
        out.temperature[row, cell], out.pressure[row, cell] = solver.gas.TP
        out.mass_fraction[row, cell], out.status[row, cell] = solver.gas.Y, OK
