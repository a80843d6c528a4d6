"""How close every model comes to the reference stresses, flow by flow and over all cells."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from torch import Tensor

from geodl.core.contract import Tensors
from geodl.core.surrogate import Surrogate, predict
from geodl.train.evaluate import models
from geodl.train.fit import prepare
from geodl.turbulence.physics.metrics import frobenius_error, largest_norm, nonrealizable_share, r2_six, rmse_six

Rows = slice | np.ndarray


def rmse_ln_k(predicted: Tensor, truth: Tensor) -> Tensor:
    """Root mean square of ln(k/k_true) over cells ``[cell]``, both positive and in the same units."""
    return (predicted.log() - truth.log()).square().mean().sqrt()


# name: score of predicted and true (b, k), what it is, and which values are good
SCORES: dict[str, tuple[Callable[[Tensors, Tensors], Tensor], str, str]] = {
    "frobenius_error": (lambda p, t: frobenius_error(p[0], t[0]), "error F of the anisotropy", "low"),
    "rmse_six": (lambda p, t: rmse_six(p[0], t[0]), "root mean square error of six entries of b", "low"),
    "r2_six": (lambda p, t: r2_six(p[0], t[0]), "coefficient of determination of six entries of b", "high"),
    "nonrealizable_share": (lambda p, t: nonrealizable_share(p[0]), "share of non-realizable cells", "low"),
    "largest_norm": (lambda p, t: largest_norm(p[0]), "largest |b|, at most 0.8165 if realizable", "low"),
    "rmse_ln_k": (lambda p, t: rmse_ln_k(p[1], t[1]), "root mean square of ln(k/k_true)", "low"),
}


def scores(surrogate: Surrogate, test: xr.Dataset) -> xr.Dataset:
    """Every score of ``SCORES`` along ``model`` and ``flow``, and ``<name>_pooled`` over all cells along ``model``.

    Cells count whose reference can be trusted, as the family's ``samples`` choose them; the coordinate ``cells`` is
    their number in each flow. Without a coordinate ``flow`` all cells are one flow. All scores are dimensionless; the
    attribute ``best`` says whether low or high values are good.

    Raises:
        SchemaError, UnitsError, NonFiniteError, DomainError: the test data do not fit the family.
    """
    inputs, truth = prepare(surrogate.family, test, surrogate.core.at()[0])
    predicted = {name: _double(predict(core, inputs)) for name, core in models(surrogate).items()}
    pairs, flows = [(p, _double(truth)) for p in predicted.values()], flows_of(surrogate, test)
    found = dict[str, xr.Variable]()
    for name, (_, about, best) in SCORES.items():
        attrs = {"units": "1", "long_name": about, "best": best}
        each, whole = _values(name, pairs, list(flows.values())), _values(name, pairs, [slice(None)])
        found[name] = xr.Variable(("model", "flow"), each, attrs)
        found[f"{name}_pooled"] = xr.Variable("model", whole[:, 0], {**attrs, "long_name": f"{about}, all cells"})
    cells = ("flow", [len(rows) for rows in flows.values()], {"units": "1", "long_name": "number of cells"})
    return xr.Dataset(found, {"model": list(predicted), "flow": list(flows), "cells": cells})


def flows_of(surrogate: Surrogate, test: xr.Dataset) -> dict[str, np.ndarray]:
    """Rows of the family's samples that belong to each flow, by name."""
    chosen = surrogate.family.samples(test)[0]
    count = chosen["k"].size
    known = "flow" in chosen.coords and chosen["flow"].size == count
    flow = chosen["flow"].values.astype(str) if known else np.full(count, "all cells")
    return {str(name): np.flatnonzero(flow == name) for name in np.unique(flow)}


def _double(tensors: Tensors) -> Tensors:
    return tuple(tensor.double() for tensor in tensors)


def _values(name: str, pairs: Sequence[tuple[Tensors, Tensors]], flows: Sequence[Rows]) -> np.ndarray:
    """A score of every model and flow ``[model, flow]``."""
    score = SCORES[name][0]
    rows = [[float(score(*(tuple(x[cells] for x in side) for side in pair))) for cells in flows] for pair in pairs]
    return np.array(rows)
