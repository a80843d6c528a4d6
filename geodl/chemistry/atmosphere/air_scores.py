"""How far a surrogate of air is from the solver: in one step beside its baselines, and over days of its own."""

from collections.abc import Iterable

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from geodl.chemistry.atmosphere.box import Boxes
from geodl.chemistry.atmosphere.error_versus_cost import FLOOR, SPECIES
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.chemistry.atmosphere.reference import MicmChemistry
from geodl.chemistry.scores import STATISTICS
from geodl.chemistry.state import CLIPPED
from geodl.core.contract import Tensors
from geodl.core.surrogate import Surrogate, predict
from geodl.train.evaluate import models
from geodl.train.fit import prepare

HOURS = 24  # records of a day


def relative_error(predicted: Float[Tensor, " sample"], truth: Float[Tensor, " sample"]) -> Float[Tensor, " sample"]:
    """Of one species, relative to what is there, or to a thousandth of the mean where there is less."""
    there, about = truth.double(), predicted.double()
    return (about - there).abs() / there.clamp(min=FLOOR * float(there.mean()))


def family_error(predicted: Tensors, inputs: Tensors, mechanism: LumpedMechanism) -> Float[Tensor, " sample"]:
    """Largest change of a conserved family beside what was emitted, over its amount, in the precision given."""
    rows = torch.from_numpy(mechanism.family_matrix).double().T
    had, has = (inputs[2] + inputs[4] * inputs[5][:, None]).double() @ rows, predicted[0].double() @ rows
    return ((has - had).abs() / torch.where(had > 0, had, 1.0)).amax(1)


def scores(surrogate: Surrogate, test: xr.Dataset) -> xr.Dataset:
    """Errors of one step along ``model`` and ``statistic``, and shares of cells that are doubted; low values are good.

    ``relative_error_<species>`` of O3, NO2, OH and PAN as far as the mechanism has them, and ``family_error``.

    Raises:
        SchemaError, UnitsError, NonFiniteError, DomainError: the test data do not fit the family.
        MechanismError: the test data are of another mechanism.
    """
    mechanism = LumpedMechanism.from_record(dict(surrogate.family.options["mechanism"]))
    inputs, (truth,) = prepare(surrogate.family, test, surrogate.core.at()[0])
    predicted = {name: predict(core, inputs) for name, core in models(surrogate).items()}
    found = {}
    for name in judged_species(mechanism.species):
        column = mechanism.index(name)
        errors = [relative_error(p[0][:, column], truth[:, column]) for p in predicted.values()]
        found[f"relative_error_{name}"] = _variable(errors, f"relative error of {name}")
    if mechanism.families:
        errors = [family_error(p, inputs, mechanism) for p in predicted.values()]
        found["family_error"] = _variable(errors, "relative error of a conserved family")
    return xr.Dataset(found | _shares(surrogate, inputs), {"model": list(predicted), "statistic": list(STATISTICS)})


def exact(mechanism: str) -> MicmChemistry:
    """The solver that days are measured against: far closer than any surrogate, and a month does not take it hours.

    Raises:
        MechanismError: there is no such mechanism.
        MissingPackageError: MUSICA is not installed.
    """
    return MicmChemistry(mechanism, solver="rosenbrock_dae6", rtol=1e-4, atol=1e-16)


def judged_species(species: Iterable[str]) -> list[str]:
    """O3, NO2, OH and PAN, as far as there are; of a mechanism that has none of them its first species."""
    names = [str(name) for name in species]
    return [name for name in SPECIES if name in names] or names[:1]


def _variable(errors: list[Tensor], about: str) -> xr.Variable:
    values = [[float(statistic(error.numpy())) for statistic in STATISTICS.values()] for error in errors]
    return xr.Variable(("model", "statistic"), values, {"units": "1", "long_name": about, "best": "low"})


def _shares(surrogate: Surrogate, inputs: Tensors) -> dict[str, xr.Variable]:
    answer = surrogate.judged(inputs)
    shares = {
        "clipped": (answer.diagnostics[0].round().long() == CLIPPED, "whose projection was limited"),
        "out_of_domain": (~answer.trusted, "outside the domain of validity, or with a doubtful answer"),
    }
    return {
        f"share_{name}": xr.Variable((), float(rows.double().mean()), {"units": "1", "long_name": f"cells {about}"})
        for name, (rows, about) in shares.items()
    }


def roll_out_scores(run: xr.Dataset, truth: xr.Dataset, mechanism: LumpedMechanism) -> xr.Dataset:
    """How far boxes are from the reference on each day of a roll-out that is recorded every hour.

    Args:
        run, truth: of `geodl.chemistry.atmosphere.box.roll_out`, over whole days.
    Returns:
        bias [day, box, species], what there is on a day over what there should be, less one, where a day and all boxes
        together are ``mean_bias`` [day, species] (Keller & Evans 2019, GMD 12, 1209); error [day, species], median of
        the relative errors at the hours of a day in all boxes.
    """
    species = judged_species(mechanism.species)
    about, there = (_days(ds["concentration"].sel(species=species).values) for ds in (run, truth))
    floor = FLOOR * there.max((0, 1))
    error = np.abs(about - there) / np.maximum(there, floor)
    found = {
        "bias": (("day", "box", "species"), about.sum(1) / there.sum(1) - 1),
        "mean_bias": (("day", "species"), about.sum((1, 2)) / there.sum((1, 2)) - 1),
        "error": (("day", "species"), np.median(error, (1, 2))),
    }
    ds = xr.Dataset({name: (dims, values, {"units": "1"}) for name, (dims, values) in found.items()})
    return ds.assign_coords(day=np.arange(1, len(there) + 1), species=species)


def _days(hours: np.ndarray) -> np.ndarray:
    """[day, hour, box, species] of records that begin with the start."""
    return hours[1:].reshape(-1, HOURS, *hours.shape[1:])


def family_budget(
    mechanism: LumpedMechanism, boxes: Boxes, time: Float[np.ndarray, " time"], *, dt: float = 300.0
) -> Float[np.ndarray, "time box family"]:
    """What conserved families come to in mol m-3 after steps of boxes that mix, whatever the chemistry does.

    Emission and dilution are linear: n steps are a geometric series.

    Args:
        time: s since the start, from the first step on.
    """
    matrix = mechanism.family_matrix.T
    start, background = boxes.concentration @ matrix, boxes.background @ matrix
    steps, rate = np.round(time / dt)[:, None, None], boxes.dilution[:, None] * dt
    emitted = boxes.emission @ matrix * dt * np.expm1(-rate * steps) / np.expm1(-rate)
    return np.asarray(background + (start - background) * np.exp(-rate * (steps - 1)) + emitted)


def family_drift(run: xr.Dataset, boxes: Boxes, mechanism: LumpedMechanism, *, dt: float = 300.0) -> float:
    """Largest relative error of a conserved family over a roll-out of boxes that mix."""
    expected = family_budget(mechanism, boxes, run["time"].values[1:], dt=dt)
    has = run["concentration"].values[1:] @ mechanism.family_matrix.T
    return float((np.abs(has - expected) / expected).max())
