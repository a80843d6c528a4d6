"""Cases on the data that come with the library: anyone can run them."""

import copy
import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from geodl.core.contract import Claim, family
from geodl.core.files import open_sample
from geodl.core.surrogate import Surrogate, predict
from geodl.train.config import FitConfig
from geodl.train.fit import fit, prepare
from geodl.turbulence.cases.comparison import trained
from geodl.turbulence.datasets.geneva import FLOWS
from geodl.turbulence.datasets.layout import join
from geodl.turbulence.physics.metrics import rmse_nine
from geodl.turbulence.scores import scores

CHANNEL_SEEDS = tuple(range(10))
_CHANNEL = {"epochs": 1000, "batch_size": 64, "validate_every": 1000}  # no early stopping: there is nothing to stop by


def channel590(quick: bool) -> list[Claim]:
    """The example of the first tensor-basis network: 47 points to train on, 11 to test on, without the wall.

    All 47 train the network, and it is taken as it is after a fixed number of epochs.
    """
    ds = open_sample("turbulence-channel590/channel")
    ds = ds.isel(cell=ds["valid_clean"].values.astype(bool))
    train, test = (ds.isel(cell=ds["part"].values == part) for part in ("train", "test"))
    made = family("turbulence", features="pope", width=20, depth=2)
    config = FitConfig.parse({**made.settings, **_CHANNEL, **({"epochs": 20, "validate_every": 20} if quick else {})})
    found = [fit(made, train, train, config=config, seed=s) for s in (CHANNEL_SEEDS[:1] if quick else CHANNEL_SEEDS)]
    inputs, (truth, _) = prepare(made, test, torch.float32)
    errors = [float(rmse_nine(predict(s.core, inputs)[0], truth)) for s in found]
    rivals = {name: float(rmse_nine(predict(r, inputs)[0], truth)) for name, r in found[0].rivals.items()}
    return [
        Claim(
            "channel Re_τ 590: RMSE of nine entries, mean of seeds",
            float(np.mean(errors)), "1", bar=("<=", 0.0188), published=0.0188,
        ),
        Claim("channel Re_τ 590: RMSE of nine entries, worst seed", max(errors), "1"),
        *(Claim(f"channel Re_τ 590: RMSE of nine entries, {name}", value, "1") for name, value in rivals.items()),
    ]  # fmt: skip


def five_flows(seeds: Sequence[int], quick: bool) -> tuple[list[Claim], Surrogate, xr.Dataset]:
    """Each of five flows held out in turn, another to choose by, three to train on; with five invariants.

    Returns:
        claims, the surrogate of the last flow, and that flow.
    """
    whole = {name: open_sample(f"turbulence-geneva/{name}") for name in FLOWS}
    flows = {name: thinned(flow) if quick else flow for name, flow in whole.items()}
    names, claims = list(flows), list[Claim]()
    for number, name in enumerate(names):
        chooser = names[(number + 1) % len(names)]
        train = join([flows[other] for other in names if other not in (name, chooser)], common_only=True)
        found = [trained({"features": "pope"}, train, flows[chooser], seed=s, quick=quick) for s in seeds]
        claims += _held_out(name, [scores(s, flows[name]) for s in found])
    return claims, found[0], flows[names[-1]]


def thinned(ds: xr.Dataset) -> xr.Dataset:
    """Every twentieth cell, for quick runs."""
    return ds.isel(cell=slice(None, None, 20))


def _held_out(flow: str, rows: Sequence[xr.Dataset]) -> list[Claim]:
    """F of a flow of another kind than those trained on, and that of every rival."""
    ours = max(float(row["frobenius_error_pooled"].sel(model="surrogate")) for row in rows)
    rivals = rows[0]["frobenius_error_pooled"].drop_sel(model="surrogate")
    return [
        Claim(f"five flows, {flow} held out: F, five invariants", ours, "1"),
        *(Claim(f"five flows, {flow} held out: F, {r['model'].item()}", float(r), "1") for r in rivals),
    ]


def rotated_hill(surrogate: Surrogate) -> list[Claim]:
    """A solver's own solution on a mesh turned by 90 degrees: prediction(rotated) against Q prediction Qᵀ."""
    precise = dataclasses.replace(surrogate, core=copy.deepcopy(surrogate.core).double())
    original, rotated = (open_sample(f"turbulence-rotated-hill/{name}") for name in ("original", "rotated"))
    turn = rotated["change_of_axes"].values
    there = precise(rotated)["anisotropy"].values
    here = turn @ precise(original)["anisotropy"].values @ turn.T
    worst = float(abs(there - here).max())
    return [Claim("hill on a rotated mesh: largest difference of b", worst, "1", bar=("<=", 2e-8))]
