"""Ignition delays of a chemistry beside those of the solver: the same steps, and within the one that counts."""

import dataclasses

import numpy as np
import xarray as xr

from geodl.chemistry.cases.fuels import Fuel
from geodl.chemistry.cases.ignition import (
    ignition_cases,
    ignition_errors,
    ignition_start,
    reference_trajectory,
    resolved_delay,
)
from geodl.chemistry.cases.reactor import Cells, Chemistry, Trajectory, roll_out
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.mechanism.read import read_mechanism
from geodl.chemistry.reference import CanteraChemistry
from geodl.chemistry.state import CLIPPED, OUT_OF_DOMAIN

SEED = 1000  # of the cases; no trajectory of the training data starts from them
RESOLVED = 2  # steps that a delay must have to be compared
JUDGED, BURNT = 0.9, 0.8  # of the roll-out, within which a case must ignite to be compared, and to be burnt at its end
STILL = 1.0  # K; what moves less does not ignite


@dataclasses.dataclass(frozen=True)
class Reference:
    """Cases and what the solver makes of them, at every time step ``dt`` in s; and their delays [cell] in s."""

    dt: float
    start: Cells
    trajectory: Trajectory
    delay: np.ndarray

    @property
    def horizon(self) -> float:
        """Length in s."""
        return float(self.trajectory.time[-1, 0])


def references(fuel: Fuel) -> list[Reference]:
    """The cases of a fuel for every time step that it is judged at.

    Raises:
        MissingPackageError: Cantera is not installed.
    """
    ranges = {name: getattr(fuel, name) for name in ("temperature", "pressure", "equivalence_ratio")}
    cases = ignition_cases(SEED, fuel.effort.cases, **ranges)
    start = ignition_start(read_mechanism(fuel.mechanism), cases, fuel.name)
    solver, found = CanteraChemistry(fuel.mechanism, rtol=1e-9, atol=1e-15), []
    for dt, horizon in fuel.effort.horizons.items():
        trajectory = reference_trajectory(fuel.mechanism, start, np.arange(round(horizon / dt) + 1) * dt)
        found.append(Reference(dt, start, trajectory, resolved_delay(solver, trajectory)))
    return found


def judge(chemistry: Chemistry, reference: Reference) -> xr.Dataset:
    """A roll-out beside the reference, along ``cell``: see `judged`."""
    steps = len(reference.trajectory.time) - 1
    return judged(roll_out(chemistry, reference.start, reference.dt, steps), reference, chemistry)


def judged(found: Trajectory, reference: Reference, chemistry: Chemistry) -> xr.Dataset:
    """What `ignition_errors` says of a chemistry's roll-out, and which of its cases may be asked for what.

    Returns:
        ``ignites``, ``burnt`` and ``still``: the delay of the reference is resolved and well before the end; early
        enough for burnt gas; or it does nothing. ``element_drift`` relative, at the end; ``flagged``: share of the
        steps out of domain or clipped. The delay error of a case that should ignite and did not is that of its end.
    """
    delays, truth = (resolved_delay(chemistry, found), reference.delay), reference.trajectory.temperature
    ds = ignition_errors(found, reference.trajectory, delays=delays)
    delay, end = ds["reference_delay"], reference.horizon
    moved = np.abs(truth - truth[0]).max(0)
    never = np.isnan(ds["delay"]) & ~np.isnan(delay)
    columns = {
        "ignites": (delay > RESOLVED * reference.dt) & (delay < JUDGED * end),
        "burnt": delay < BURNT * end,
        "still": ("cell", moved < STILL),
        "element_drift": ("cell", element_error(found.mass_fraction[0], found.mass_fraction[-1], chemistry.mechanism)),
        "flagged": ("cell", np.isin(found.status[1:], (OUT_OF_DOMAIN, CLIPPED)).mean(0)),
        "delay_error": ds["delay_error"].where(~never, end / delay - 1),
        "initial_temperature": ("cell", reference.start.temperature, {"units": "K"}),
        "pressure": ("cell", reference.start.pressure, {"units": "Pa"}),
    }
    return ds.assign(columns).assign_attrs(dt=reference.dt, horizon=reference.horizon)


def element_error(before: np.ndarray, after: np.ndarray, mechanism: Mechanism) -> np.ndarray:
    """Largest relative change of an element that is there [cell], of mass fractions [cell, species]."""
    had, has = (fractions @ mechanism.element_matrix.T for fractions in (before, after))
    change = np.abs(has - had) / np.where(had > 0, had, 1.0)
    return np.asarray(change.max(-1))
