"""Measure a surrogate on test data, with its baselines beside it."""

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr

from geodl.core.contract import Tensors
from geodl.core.schema import Variable
from geodl.core.surrogate import Core, Surrogate, predict
from geodl.train import metrics
from geodl.train.fit import prepare

SURROGATE = "surrogate"


def models(surrogate: Surrogate) -> dict[str, Core]:
    """The surrogate and its baselines by name, each with the same call."""
    return {SURROGATE: surrogate.core, **surrogate.rivals}


def evaluate(surrogate: Surrogate, test: xr.Dataset) -> xr.Dataset:
    """Scores per model and output, with units: ``rmse_<name>``, ``mae_<name>``, ``r2_<name>`` along ``model``, and
    for the surrogate ``coverage_<name>`` of its intervals and ``in_domain``, the share of samples it trusts.

    The family's own metrics are added. Trailing dimensions of an output, such as lead times, are kept.

    Raises:
        SchemaError, UnitsError, NonFiniteError, DomainError: the test data do not fit the family.
    """
    inputs, truth = prepare(surrogate.family, test, surrogate.core.at()[0])
    predicted = {name: predict(core, inputs) for name, core in models(surrogate).items()}
    schema = surrogate.family.schema
    scores: dict[str, xr.DataArray] = {}
    for i, variable in enumerate(schema.outputs):
        scores |= _scores(variable, {name: tensors[i] for name, tensors in predicted.items()}, truth[i])
    scores |= _coverage(surrogate, predicted[SURROGATE], truth)
    scores["in_domain"] = xr.DataArray(
        float(surrogate.in_domain(inputs).double().mean()),
        attrs={"units": "1", "long_name": "share of test samples inside the domain of validity"},
    )
    axes = {a.name: (a.name, np.asarray(a.labels), {"units": a.units, "long_name": a.about}) for a in schema.axes}
    ds = xr.Dataset(scores)
    ds = ds.assign_coords({"model": list(predicted)} | {name: axis for name, axis in axes.items() if name in ds.dims})
    ds.attrs = {
        "title": f"scores of a {surrogate.family.name} surrogate",
        "geodl_model_sha256": surrogate.sha256,
    }
    return ds if surrogate.family.metrics is None else ds.merge(surrogate.family.metrics(surrogate, test))


def _scores(variable: Variable, predicted: Mapping[str, torch.Tensor], truth: torch.Tensor) -> dict[str, xr.DataArray]:
    kinds = {
        "rmse": (metrics.rmse, variable.units, "root mean square error"),
        "mae": (metrics.mean_absolute_error, variable.units, "mean absolute error"),
        "r2": (metrics.r2, "1", "coefficient of determination"),
    }
    return {
        f"{kind}_{variable.name}": xr.DataArray(
            np.stack([score(p, truth).numpy() for p in predicted.values()]),
            dims=("model", *variable.dims),
            attrs={"units": units, "long_name": f"{about} of {variable.name}"},
        )
        for kind, (score, units, about) in kinds.items()
    }


def _coverage(surrogate: Surrogate, predicted: Tensors, truth: Tensors) -> dict[str, xr.DataArray]:
    intervals = surrogate.intervals
    errors = zip(surrogate.family.schema.outputs, intervals.errors(predicted, truth), intervals.halves(), strict=True)
    return {
        f"coverage_{variable.name}": xr.DataArray(
            (error <= half.to(error)).double().mean(0).numpy(),
            dims=variable.dims if error.ndim > 1 else (),
            attrs={"units": "1", "long_name": f"share of {variable.name} inside its {intervals.level:.0%} interval"},
        )
        for variable, error, half in errors
    }
