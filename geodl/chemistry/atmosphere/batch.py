"""One batch of boxes that live side by side, and the samples that are taken of them."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from geodl.chemistry.atmosphere.box import DAY, AirChemistry, Boxes, Step, steps, whole_steps
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes
from geodl.chemistry.atmosphere.reference import MicmChemistry
from geodl.chemistry.state import OK

LABELS = "rosenbrock_dae6"  # for what it costs, errors are five times smaller than those of "rosenbrock"
_VARIABLES = {
    "temperature": ("K", "temperature"),
    "pressure": ("Pa", "pressure"),
    "photolysis": ("1", "share of the shipped photolysis rates"),
    "dt": ("s", "time step"),
    "concentration": ("mol m-3", "concentration"),
    "emission": ("mol m-3 s-1", "emission during the time step"),
    "concentration_end": ("mol m-3", "concentration after the time step"),
}
_LABELS = {
    "box": ("1", "number of the box; states that belong together"),
    "time": ("s", "time since midnight of the first day of the box"),
    "perturbed": ("1", "whether the state was moved off the path of its box at random"),
}
_RECORDS = 2**32 - 1  # in the place of the number of a box, for what all boxes share


def make_batch(plan: Plan, numbers: range) -> xr.Dataset:
    """The samples of these boxes; those that the solver gave up are missing, and counted in ``failed``."""
    path, labels = _chemistries(plan)
    boxes = draw_boxes(plan, path.mechanism, numbers)
    rngs = [np.random.default_rng([plan.seed, number, 1]) for number in numbers]
    parts = [_samples(plan, labels, boxes, *record, rngs=rngs) for record in _records(plan, path, boxes)]
    values = {name: np.stack([part[name] for part in parts], 1) for name in parts[0]}  # [box, record, ...]
    values["box"] = np.broadcast_to(np.array(numbers)[:, None], values["dt"].shape)
    good = values.pop("status") == OK
    return _dataset({name: array[good] for name, array in values.items()}, path.mechanism, int((~good).sum()))


def _chemistries(plan: Plan) -> tuple[AirChemistry, AirChemistry]:
    """Solvers of lives and of labels: states need only be likely, labels exact."""
    path = MicmChemistry(plan.mechanism)
    return path, MicmChemistry(plan.mechanism, solver=LABELS, rtol=plan.rtol, atol=plan.atol)


def _records(plan: Plan, path: AirChemistry, boxes: Boxes) -> Iterator[tuple[Step, float, bool]]:
    """Steps of life that are recorded, drawn from the seed alone, with the time step of their samples.

    And whether these must be moved off the path, because the step was recorded before.
    """
    number = whole_steps(plan.days * DAY, plan.step)
    rng = np.random.default_rng([plan.seed, _RECORDS])
    count = np.bincount(_drawn(rng, number, plan), minlength=number)
    for step, times in zip(steps(path, boxes, number=number, dt=plan.step), count, strict=True):
        for again in range(times):
            drawn = float(plan.draw(rng, "dt"))
            yield step, drawn if rng.uniform() < plan.off_step else plan.step, again > 0


def _drawn(rng: np.random.Generator, number: int, plan: Plan) -> np.ndarray:
    """Numbers of the steps: a share even in the logarithm of time, the others even in time."""
    early = round(plan.early * plan.records)
    first = np.floor((number + 1.0) ** rng.uniform(size=early)).astype(int) - 1
    late = plan.records - early
    return np.concatenate([first, rng.choice(number, late, replace=late > number)])


def _samples(
    plan: Plan,
    labels: AirChemistry,
    boxes: Boxes,
    step: Step,
    dt: float,
    again: bool,
    *,
    rngs: list[np.random.Generator],
) -> dict[str, np.ndarray]:
    """One sample of each box."""
    noise = np.array([_noise(plan, rng, boxes.concentration.shape[1], again) for rng in rngs])
    noise[:, [labels.mechanism.index(name) for name in labels.mechanism.given]] = 0
    before = step.before * np.exp(noise)
    state = labels.advance(
        boxes.temperature, boxes.pressure, before, dt, photolysis=step.photolysis, emission=boxes.emission
    )
    return {
        "temperature": boxes.temperature,
        "pressure": boxes.pressure,
        "photolysis": step.photolysis,
        "dt": np.full(len(boxes), dt),
        "concentration": before,
        "emission": boxes.emission,
        "concentration_end": np.asarray(state.concentration),
        "time": np.full(len(boxes), step.time),
        "perturbed": noise.any(1),
        "status": np.asarray(state.status),
    }


def _noise(plan: Plan, rng: np.random.Generator, species: int, always: bool) -> np.ndarray:
    """What is added to the logarithms of one sample."""
    scale = plan.noise * rng.uniform() * (rng.uniform() < plan.perturbed or always)
    return np.asarray(scale * rng.standard_normal(species))


def _dataset(values: dict[str, np.ndarray], mechanism: LumpedMechanism, failed: int) -> xr.Dataset:
    variables = {name: _variable(values[name], *words) for name, words in _VARIABLES.items()}
    coords = {name: _variable(values[name], *words) for name, words in _LABELS.items()}
    coords["species"] = xr.Variable("species", np.array(mechanism.species), {"long_name": "name of the species"})
    return xr.Dataset(variables, coords, {"failed": failed})


def _variable(array: np.ndarray, units: str, about: str) -> xr.Variable:
    return xr.Variable(("sample", "species")[: array.ndim], array, {"units": units, "long_name": about})
