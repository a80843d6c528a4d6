"""Assertions that a scheme or a family keeps its promises; public, so that a new family can test itself."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from geodl.core.contract import Family
from geodl.core.pack import pack
from geodl.core.schema import check
from geodl.core.surrogate import Surrogate, load
from geodl.errors import DomainError, GeodlError, SchemaError, UnitsError
from geodl.train.config import FitConfig
from geodl.train.evaluate import SURROGATE, evaluate
from geodl.train.fit import fit
from geodl.train.split import Split, split

_SHORT = {"epochs": 4, "checkpoint_every": 1, "line_steps": 2}


def observed_order(errors: Sequence[float], steps: Sequence[float]) -> list[float]:
    """Slopes of log error over log step between neighbours: the order of accuracy that a scheme really has."""
    points = list(zip(errors, steps, strict=True))
    return [math.log(e1 / e2) / math.log(h1 / h2) for (e1, h1), (e2, h2) in itertools.pairwise(points)]


def assert_refused(error: type[GeodlError], call: Callable[[], Any], *words: str) -> None:
    """The call raises this kind of error, and its message holds the words."""
    message = None
    try:
        call()
    except error as caught:
        message = str(caught)
    assert message is not None, f"{error.__name__} was not raised"
    missing = [word for word in words if word not in message]
    assert not missing, f"the message lacks {missing}: {message}"


def assert_contract(family: Family, folder: Path) -> None:
    """Everything that DESIGN promises of any family, on its own example data; ``folder`` is for files.

    Raises:
        AssertionError: a promise is broken.
    """
    parts = split(family.example(0), family.group)
    config = FitConfig.parse({**family.settings, **_SHORT})
    surrogate = fit(family, parts.train, parts.valid, config=config, seed=1, show=False)
    inputs = family.samples(parts.test)[0][[variable.name for variable in family.schema.inputs]]
    assert_same_seed_same_bits(family, parts, config, surrogate)
    assert_resumes_exactly(family, parts, config, surrogate, folder)
    assert_bundle_round_trip(surrogate, inputs, folder)
    assert_core_is_physical_and_differentiable(surrogate, inputs)
    assert_refuses_bad_input(surrogate, inputs)
    assert_flags_the_unknown(surrogate, inputs)
    assert_baselines_beside_metrics(surrogate, parts.test)


def assert_same_seed_same_bits(family: Family, parts: Split, config: FitConfig, surrogate: Surrogate) -> None:
    """A second fit with the same seed gives the same bundle, byte for byte."""
    again = fit(family, parts.train, parts.valid, config=config, seed=1, show=False)
    assert again.to_bytes() == surrogate.to_bytes(), "fit twice with one seed gave different bundles"


def assert_resumes_exactly(family: Family, parts: Split, config: FitConfig, surrogate: Surrogate, folder: Path) -> None:
    """A run that is stopped after half of its epochs and resumed ends with the same bundle."""
    calls = itertools.count()
    stop_after = 2 * max(config.epochs // 2, 1)

    def interrupted(*arguments: Any) -> torch.Tensor:
        if next(calls) > stop_after:
            raise KeyboardInterrupt
        return family.loss(*arguments)

    stopping = dataclasses.replace(family, loss=interrupted)
    try:
        fit(stopping, parts.train, parts.valid, config=config, seed=1, folder=folder / "run", show=False)
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("the run was not interrupted")
    resumed = fit(family, parts.train, parts.valid, config=config, seed=1, folder=folder / "run", show=False)
    assert resumed.to_bytes() == surrogate.to_bytes(), "stopped and resumed gave another bundle than never stopped"


def assert_bundle_round_trip(surrogate: Surrogate, inputs: xr.Dataset, folder: Path) -> None:
    """Save, load, predict: identical bits, and every prediction carries units, interval, flag and model hash."""
    surrogate.save(folder / "bundle.safetensors", overwrite=True)
    again = load(folder / "bundle.safetensors")
    before, after = surrogate(inputs), again(inputs)
    xr.testing.assert_identical(before, after)
    assert after.attrs["geodl_model_sha256"] == surrogate.sha256 == again.sha256
    for variable in surrogate.family.schema.outputs:
        assert after[variable.name].attrs["units"] == variable.units
        assert bool((after[f"{variable.name}_low"] <= after[f"{variable.name}_high"]).all())
    assert after["in_domain"].dtype == bool


def assert_core_is_physical_and_differentiable(surrogate: Surrogate, inputs: xr.Dataset) -> None:
    """``core`` takes and gives physical units in schema order, as the Dataset door does, and gradients flow through."""
    schema = surrogate.family.schema
    dtype = surrogate.core.at()[0]
    tensors = tuple(
        x.requires_grad_() for x in pack(check(inputs, schema.inputs, axes=schema.axes), schema.inputs, dtype)
    )
    outputs = surrogate.core(*tensors)
    assert len(outputs) == len(schema.outputs)
    predicted = surrogate(inputs)
    for variable, output in zip(schema.outputs, outputs, strict=True):
        np.testing.assert_allclose(
            predicted[variable.name].values.ravel(), output.detach().numpy().ravel(), rtol=1e-5, atol=1e-30
        )
    gradients = torch.autograd.grad(sum(output.sum() for output in outputs), tensors, allow_unused=True)
    assert any(g is not None and bool((g != 0).any()) for g in gradients), "no gradient reaches the inputs"


def assert_refuses_bad_input(surrogate: Surrogate, inputs: xr.Dataset) -> None:
    """A missing variable, foreign units and a missing dimension are refused by name; a transposed array is not."""
    first = surrogate.family.schema.inputs[0]
    assert_refused(SchemaError, lambda: surrogate(inputs.drop_vars(first.name)), first.name, "missing")
    foreign = inputs.copy()
    foreign[first.name] = foreign[first.name].assign_attrs(units="mol kg-1")
    assert_refused(UnitsError, lambda: surrogate(foreign), first.name, "mol kg-1")
    if first.dims:
        renamed = inputs.rename({first.dims[0]: "elsewhere"})
        assert_refused(SchemaError, lambda: surrogate(renamed), first.name, first.dims[0])
    turned = surrogate(inputs.transpose(*reversed(list(inputs.dims))))
    for variable in surrogate.family.schema.outputs:
        straight = surrogate(inputs)[variable.name]
        xr.testing.assert_allclose(turned[variable.name].transpose(*straight.dims), straight, rtol=1e-5)


def assert_flags_the_unknown(surrogate: Surrogate, inputs: xr.Dataset) -> None:
    """NaN and values far outside are flagged, or refused by name with ``outside="raise"``."""
    first = surrogate.family.schema.inputs[0]
    for bad in (np.nan, 1e6):
        spoiled = inputs.copy(deep=True)
        values = spoiled[first.name].astype("float64")
        spoiled[first.name] = xr.full_like(values, bad).assign_attrs(values.attrs)
        assert not bool(surrogate(spoiled)["in_domain"].any()), f"{bad} in '{first.name}' was not flagged"
        assert_refused(DomainError, lambda ds=spoiled: surrogate(ds, outside="raise"), "outside the domain")  # type: ignore[misc]


def assert_baselines_beside_metrics(surrogate: Surrogate, test: xr.Dataset) -> None:
    """Every score along ``model`` has the surrogate, at least one baseline, and units."""
    scores = evaluate(surrogate, test)
    models = [str(name) for name in scores["model"].values]
    assert models[0] == SURROGATE
    assert len(models) >= 2, f"no baseline beside the surrogate: {models}"
    for variable in surrogate.family.schema.outputs:
        score = scores[f"rmse_{variable.name}"]
        assert score.attrs["units"] == variable.units
        assert bool(np.isfinite(score).all())
