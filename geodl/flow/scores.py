"""How close every model comes to the reference flows, and whether it keeps walls and mass."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from torch import Tensor

from geodl.core.contract import Tensors
from geodl.core.surrogate import Surrogate, predict
from geodl.flow import metrics
from geodl.flow.control_volume import control_volume_forces
from geodl.train.evaluate import models
from geodl.train.fit import prepare

Case = tuple[Tensors, Tensors, Tensor, Tensor, float]  # predicted, truth, sdf, reynolds, spacing


def _drag_error(case: Case) -> Tensor:
    return (case[0][3] / case[1][3] - 1).abs()


def _field_drag_error(case: Case) -> Tensor:
    predicted, truth, sdf, reynolds, spacing = case
    forces = control_volume_forces((predicted[0], predicted[1], predicted[2]), sdf, reynolds=reynolds, spacing=spacing)
    return (forces.drag.mean(1) / truth[3] - 1).abs()


# name: score of each case, and what it is; low values are good
SCORES: dict[str, tuple[Callable[[Case], Tensor], str]] = {
    "velocity_error": (
        lambda c: metrics.velocity_error(c[0], c[1], metrics.fluid(c[2])),
        "relative error of the velocity over the fluid",
    ),
    "near_body_error": (
        lambda c: metrics.velocity_error(c[0], c[1], metrics.near_body(c[2], c[4])),
        "relative error of the velocity within a frontal height of the body",
    ),
    "pressure_error": (
        lambda c: metrics.pressure_error(c[0][2], c[1][2], metrics.fluid(c[2])),
        "relative error of the pressure without its mean",
    ),
    "drag_error": (_drag_error, "relative error of the drag coefficient"),
    "field_drag_error": (_field_drag_error, "relative error of the drag by control volumes from the predicted field"),
    "speed_in_body": (lambda c: metrics.speed_in_body(c[0], c[2]), "largest speed in the body in inflow speeds"),
    "divergence": (
        lambda c: metrics.largest_divergence(c[0], c[2]),
        "largest divergence in inflow speeds over the spacing",
    ),
}
_STATISTICS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "median": lambda values: np.median(values, axis=-1),
    "mean": lambda values: values.mean(-1),
    "p95": lambda values: np.quantile(values, 0.95, axis=-1),
    "largest": lambda values: values.max(-1),
}


def scores(surrogate: Surrogate, test: xr.Dataset) -> xr.Dataset:
    """Every score of ``SCORES`` along ``model`` and ``statistic``, dimensionless; low values are good.

    Raises:
        SchemaError, UnitsError, NonFiniteError, DomainError: the test data do not fit the family.
    """
    inputs, truth = prepare(surrogate.family, test, surrogate.core.at()[0])
    predicted = {name: predict(core, inputs) for name, core in models(surrogate).items()}
    sdf, reynolds = inputs
    cases: list[Case] = [(p, truth, sdf, reynolds, spacing(surrogate)) for p in predicted.values()]
    found = {
        name: xr.Variable(
            ("model", "statistic"),
            np.stack([summary(score(case).double().numpy()) for case in cases]),
            {"units": "1", "long_name": about, "best": "low"},
        )
        for name, (score, about) in SCORES.items()
    }
    return xr.Dataset(found, {"model": list(predicted), "statistic": list(_STATISTICS)})


def summary(values: np.ndarray) -> np.ndarray:
    """Median, mean, 95th percentile and largest of the cases ``[statistic]``."""
    return np.stack([statistic(values) for statistic in _STATISTICS.values()])


def spacing(surrogate: Surrogate) -> float:
    """Width of a cell in metres."""
    axis = surrogate.family.schema.axis("x")
    assert axis is not None
    return float(axis.labels[1] - axis.labels[0])
