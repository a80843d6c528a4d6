"""One batch of labelled states: trajectories, states along them and beside them, and each of these a step later."""

import functools
import json

import numpy as np
import xarray as xr

from geodl.chemistry.data.layout import reaction_dataset
from geodl.chemistry.data.perturb import perturb
from geodl.chemistry.data.plan import FLAME_SAMPLES, Plan
from geodl.chemistry.data.trajectories import Trajectory, trajectory
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.reference import CanteraChemistry, import_cantera
from geodl.chemistry.state import OK, State

Arrays = dict[str, np.ndarray]
STARTS = 40  # one of so many states is the very start, where no radical exists yet


@functools.lru_cache(maxsize=1)
def labelling(mechanism: str, constant: str, rtol: float, atol: float) -> CanteraChemistry:
    """The solver of this process; it takes longer to make than a trajectory."""
    return CanteraChemistry(mechanism, constant=constant, rtol=rtol, atol=atol, mole=False)


def make_batch(plan: Plan, numbers: range) -> xr.Dataset:
    """The labelled states of these trajectories; what failed is missing, counted and named in ``failed``."""
    chemistry = labelling(plan.mechanism, plan.constant, plan.rtol, plan.atol)
    failed: list[tuple[int, str]] = []
    made = [arrays for number in numbers if (arrays := _labelled(plan, number, chemistry, failed))]
    values = {name: np.concatenate([arrays[name] for arrays in made]) for name in made[0]} if made else {}
    ds = reaction_dataset(values, chemistry.mechanism) if values else xr.Dataset()
    return ds.assign_attrs(failed=json.dumps(failed))


def _labelled(plan: Plan, number: int, chemistry: CanteraChemistry, failed: list[tuple[int, str]]) -> Arrays:
    """Labelled states of one trajectory; what failed is added to ``failed``, as labels lost and why."""
    samples = plan.samples * (FLAME_SAMPLES if number < plan.flames else 1)
    try:
        path = trajectory(plan, number, chemistry)
    except import_cantera().CanteraError as error:
        failed.append((samples, f"trajectory {number}: {_reason(error)}"))
        return {}
    arrays = _states(plan, np.random.default_rng([plan.seed, number, 1]), path, samples, chemistry.mechanism)
    after = chemistry.advance(*(arrays[name] for name in ("temperature", "pressure", "mass_fraction", "dt")))
    arrays |= _ends(plan, arrays, after, chemistry.mechanism)
    arrays["trajectory"] = np.full(samples, number)
    good = after.status == OK
    if lost := samples - int(good.sum()):
        failed.append((lost, f"trajectory {number}, {path.kind}: {lost} of {samples} steps"))
    return {name: values[good] for name, values in arrays.items()}


def _reason(error: Exception) -> str:
    """What Cantera says below the line that names where it was thrown."""
    lines = str(error).strip("*\n ").splitlines()
    return next(filter(None, map(str.strip, lines[1:])), lines[0])


def _states(plan: Plan, rng: np.random.Generator, path: Trajectory, samples: int, mechanism: Mechanism) -> Arrays:
    """Evenly along the trajectory, at random within equal parts of it, some moved off it."""
    way = (np.arange(samples) + rng.uniform(size=samples)) / samples
    way[: samples // STARTS + 1] = 0
    temperature, pressure, fractions = path.at(way, plan.span("dt")[0])
    moved = (rng.uniform(size=samples) < plan.perturbed) & (way > 0)
    temperature[moved], fractions[moved] = perturb(rng, temperature[moved], fractions[moved], mechanism.element_matrix)
    return {
        "temperature": temperature,
        "pressure": pressure,
        "mass_fraction": fractions,
        "dt": plan.time_steps(rng, samples),
        "kind": np.full(samples, path.kind),
        "perturbed": moved,
        "initial_temperature": np.full(samples, path.initial_temperature),
        "equivalence_ratio": np.full(samples, path.phi),
    }


def _ends(plan: Plan, before: Arrays, after: State, mechanism: Mechanism) -> Arrays:
    """States after the step; at constant volume, pressure follows from the gas law."""
    temperature, fractions = np.asarray(after.temperature), np.maximum(np.asarray(after.mass_fraction), 0)
    pressure = before["pressure"]
    if plan.constant == "volume":
        amount = (fractions / mechanism.weights).sum(1) / (before["mass_fraction"] / mechanism.weights).sum(1)
        pressure = pressure * amount * temperature / before["temperature"]
    return {"temperature_end": temperature, "pressure_end": pressure, "mass_fraction_end": fractions}
