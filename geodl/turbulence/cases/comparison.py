"""Errors on whole flows that no model was trained on, beside everything that is cheaper."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr

from geodl.core.contract import Claim, family
from geodl.core.surrogate import Surrogate
from geodl.errors import MissingPackageError
from geodl.train.config import FitConfig
from geodl.train.fit import fit, prepare
from geodl.turbulence.forest import random_forest
from geodl.turbulence.physics.eddy_viscosity import linear_eddy_viscosity
from geodl.turbulence.physics.metrics import frobenius_error, pooled
from geodl.turbulence.physics.tensor_basis import components, from_components
from geodl.turbulence.physics.velocity_gradient import strain_rate
from geodl.turbulence.scores import flows_of, scores

OURS, PLAIN, POPE = "tensor-basis network", "plain network", "tensor-basis network of five invariants"
KINDS: dict[str, dict[str, Any]] = {OURS: {}, PLAIN: {"basis": "fixed"}, POPE: {"features": "pope"}}
QUICK = {"epochs": 2, "batch_size": 1024}
_BARS = {"pooled": 0.090, "AR_7_Ret_180": 0.060}
_FOREST_CELLS = 120_000


def trained(
    options: dict[str, Any], train: xr.Dataset, valid: xr.Dataset, *, seed: int, quick: bool, device: str = "cpu"
) -> Surrogate:
    """A surrogate of the family with its own settings; quick ones are small and only show that it works."""
    made = family("turbulence", **options, **({"members": 2} if quick else {}))
    config = FitConfig.parse({**made.settings, "device": device, **(QUICK if quick else {})})
    return fit(made, train, valid, config=config, seed=seed)


def compare(
    train: xr.Dataset, valid: xr.Dataset, seeds: Sequence[int], quick: bool, device: str
) -> dict[str, list[Any]]:
    """Surrogates of every kind, one per seed."""
    return {
        kind: [trained(options, train, valid, seed=seed, quick=quick, device=device) for seed in seeds]
        for kind, options in KINDS.items()
    }


def comparison(
    found: dict[str, list[Surrogate]], train: xr.Dataset, valid: xr.Dataset
) -> tuple[list[Claim], xr.Dataset]:
    """Claims on F of every model and flow, and a Dataset of all scores along ``seed``, ``model`` and ``flow``."""
    clean = {kind: [scores(s, valid) for s in surrogates] for kind, surrogates in found.items()}
    published = [scores(s, valid.drop_vars("valid_clean", errors="ignore")) for s in found[OURS]]
    errors = {kind: _worst([s.sel(model="surrogate") for s in each]) for kind, each in clean.items()}
    first = clean[OURS][0]
    for rival in ("training mean", "quadratic eddy viscosity"):
        errors[rival] = _errors(first.sel(model=rival))
    errors["k-ω SST"] = _sst(found[OURS][0], valid)
    errors |= _forest(found[OURS][0], train, valid)
    claims = [_error_claim(model, flow, value) for model, row in errors.items() for flow, value in row.items()]
    claims += _best(errors)
    masks = _worst([s.sel(model="surrogate") for s in published])
    claims += [Claim(f"{OURS}: F, mask of published scores, {flow}", value, "1") for flow, value in masks.items()]
    claims += _more(clean[OURS])
    table = xr.concat(clean[OURS], "seed").assign_coords(seed=[s.record.seed for s in found[OURS]])
    return claims, table


def _errors(row: xr.Dataset) -> dict[str, float]:
    """F of every flow, and over all their cells."""
    each = {str(flow): float(row["frobenius_error"].sel(flow=flow)) for flow in row["flow"].values}
    return {**each, "pooled": float(row["frobenius_error_pooled"])}


def _worst(rows: Sequence[xr.Dataset]) -> dict[str, float]:
    """Of several seeds the largest F, flow by flow."""
    each = [_errors(row) for row in rows]
    return {flow: max(row[flow] for row in each) for flow in each[0]}


def _error_claim(model: str, flow: str, value: float) -> Claim:
    bar = ("<=", _BARS[flow]) if model == OURS and flow in _BARS else None
    return Claim(f"{model}: F, {flow}", value, "1", bar=bar)


def _best(errors: dict[str, dict[str, float]]) -> list[Claim]:
    """The tensor-basis network against the best of the rivals on the flow where it does worst."""
    ours = errors[OURS]
    return [
        Claim(f"{OURS}: F over that of {rival}, worst flow", max(ours[f] / row[f] for f in row), "1", bar=("<=", 1.0))
        for rival, row in errors.items()
        if rival not in (OURS, POPE)
    ]


def _more(rows: Sequence[xr.Dataset]) -> list[Claim]:
    """R², realizability and energy, worst seed and flow."""
    ours = [row.sel(model="surrogate") for row in rows]
    return [
        Claim(f"{OURS}: R² of six entries, lowest", min(float(r["r2_six"].min()) for r in ours), "1"),
        Claim(f"{OURS}: RMS of ln(k/k_true), largest", max(float(r["rmse_ln_k"].max()) for r in ours), "1"),
        Claim(
            f"{OURS}: share of non-realizable cells",
            max(float(r["nonrealizable_share"].max()) for r in ours),
            "1",
            bar=("<=", 0.0),
        ),
        Claim(f"{OURS}: largest |b|", max(float(r["largest_norm"].max()) for r in ours), "1", bar=("<=", 0.8165)),
    ]


def by_flow(surrogate: Surrogate, test: xr.Dataset, predicted: torch.Tensor) -> dict[str, float]:
    """F of any prediction for the cells that the family's samples choose, per flow and pooled."""
    truth = prepare(surrogate.family, test, torch.float64)[1][0]
    rows = flows_of(surrogate, test)
    errors = {flow: frobenius_error(predicted[cells], truth[cells]) for flow, cells in rows.items()}
    counts = torch.tensor([float(len(cells)) for cells in rows.values()], dtype=torch.float64)
    whole = pooled(torch.stack(list(errors.values())), counts)
    return {**{flow: float(error) for flow, error in errors.items()}, "pooled": float(whole)}


def _sst(surrogate: Surrogate, test: xr.Dataset) -> dict[str, float]:
    """The linear model with the eddy viscosity that the RANS itself wrote."""
    chosen = surrogate.family.samples(test)[0]
    gradient, k, viscosity = (
        torch.from_numpy(chosen[name].values.astype(np.float64))
        for name in ("velocity_gradient", "k", "eddy_viscosity")
    )
    return by_flow(surrogate, test, linear_eddy_viscosity(strain_rate(gradient), k, viscosity))


def _forest(surrogate: Surrogate, train: xr.Dataset, test: xr.Dataset) -> dict[str, dict[str, float]]:
    """A random forest on the same features; nothing where scikit-learn is not installed."""
    seen, truth = _seen(surrogate, train)
    some = np.random.default_rng(0).choice(len(seen), min(_FOREST_CELLS, len(seen)), replace=False)
    try:
        predict = random_forest(seen[some], truth[some], seed=0)
    except MissingPackageError:
        return {}
    predicted = from_components(torch.from_numpy(predict(_seen(surrogate, test)[0])))
    return {"random forest": by_flow(surrogate, test, predicted)}


def _seen(surrogate: Surrogate, ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Features and true components of the cells that the family's samples choose."""
    inputs, outputs = prepare(surrogate.family, ds, torch.float64)
    return surrogate.features(inputs).double().numpy(), components(outputs[0]).numpy()
