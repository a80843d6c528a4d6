"""How close every model comes to the solver in one step, what it does to the elements, and what it says of itself."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.state import CLIPPED, FROZEN
from geodl.core.contract import Tensors
from geodl.core.surrogate import Surrogate, predict
from geodl.train.evaluate import models
from geodl.train.fit import prepare

LEAST_KELVIN, LEAST_FRACTION = 1.0, 1e-6  # smaller changes count as so large
STATISTICS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "median": np.median,
    "p95": lambda values: np.quantile(values, 0.95),
    "largest": np.max,
}


def temperature_change_error(predicted: Tensors, truth: Tensors, inputs: Tensors) -> Tensor:
    """Error of the temperature over its change, of at least 1 K ``[sample]``."""
    change = (truth[0] - inputs[0]).abs().clamp(min=LEAST_KELVIN)
    return (predicted[0] - truth[0]).abs() / change


def species_change_error(predicted: Tensors, truth: Tensors, inputs: Tensors) -> Tensor:
    """Errors of all mass fractions over their changes, of at least 1e-6 together ``[sample]``."""
    change = (truth[1] - inputs[2]).abs().sum(1).clamp(min=LEAST_FRACTION)
    return (predicted[1] - truth[1]).abs().sum(1) / change


def element_error(predicted: Tensors, inputs: Tensors, mechanism: Mechanism) -> Tensor:
    """Largest change of an element over its amount, in the precision of the fractions ``[sample]``."""
    rows = torch.from_numpy(mechanism.element_matrix).T
    had, has = inputs[2].double() @ rows, predicted[1].double() @ rows
    return ((has - had).abs() / torch.where(had > 0, had, 1.0)).amax(1)


def scores(surrogate: Surrogate, test: xr.Dataset) -> xr.Dataset:
    """Errors of one step along ``model`` and ``statistic``, and shares of cells by status; low values are good.

    Raises:
        SchemaError, UnitsError, NonFiniteError, DomainError: the test data do not fit the family.
        MechanismError: the test data are of another mechanism.
    """
    mechanism = Mechanism.from_record(dict(surrogate.family.options["mechanism"]))
    inputs, truth = prepare(surrogate.family, test, surrogate.core.at()[0])
    predicted = {name: predict(core, inputs) for name, core in models(surrogate).items()}
    errors = {
        "temperature_change_error": ("temperature change", lambda p: temperature_change_error(p, truth, inputs)),
        "species_change_error": ("changes of the mass fractions", lambda p: species_change_error(p, truth, inputs)),
        "element_error": ("amount of an element", lambda p: element_error(p, inputs, mechanism)),
    }
    found = {
        name: xr.Variable(
            ("model", "statistic"),
            np.array([_summary(error(p).double().numpy()) for p in predicted.values()]),
            {"units": "1", "long_name": f"relative error of the {about}", "best": "low"},
        )
        for name, (about, error) in errors.items()
    }
    return xr.Dataset(found | _shares(surrogate, inputs), {"model": list(predicted), "statistic": list(STATISTICS)})


def _summary(values: np.ndarray) -> list[float]:
    return [float(statistic(values)) for statistic in STATISTICS.values()]


def _shares(surrogate: Surrogate, inputs: Tensors) -> dict[str, xr.Variable]:
    """Of the cells that the surrogate says something special of."""
    answer = surrogate.judged(inputs)
    status = answer.diagnostics[0].round().long()
    shares = {
        "frozen": (status == FROZEN, "too cold to react"),
        "clipped": (status == CLIPPED, "whose projection was limited"),
        "out_of_domain": (~answer.trusted, "outside the domain of validity, or with a doubtful answer"),
    }
    return {
        f"share_{name}": xr.Variable((), float(rows.double().mean()), {"units": "1", "long_name": f"cells {about}"})
        for name, (rows, about) in shares.items()
    }
