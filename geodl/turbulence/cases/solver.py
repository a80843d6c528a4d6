"""Velocities that follow when a solver takes the predicted stress."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.integrate import cumulative_trapezoid

from geodl.core.contract import Claim, family
from geodl.core.files import open_sample
from geodl.core.surrogate import Surrogate
from geodl.train.config import FitConfig
from geodl.train.fit import fit
from geodl.turbulence.a_posteriori.comparison import BASELINE, CORRECTED, TRUTH
from geodl.turbulence.a_posteriori.corrected_channel import channel_with
from geodl.turbulence.a_posteriori.corrected_duct import duct_with
from geodl.turbulence.a_posteriori.measured_channel import reference_channel, wall_law
from geodl.turbulence.datasets.channel_patel import channel_dns

DUCTS = ("AR_1_Ret_180", "AR_7_Ret_180")  # the first trained on, the second not
VELOCITY, STRENGTH, RE_TAU = 0.05, 0.4, 395.0


def ducts(surrogates: Sequence[Surrogate], flows: xr.Dataset) -> list[Claim]:
    """Streamwise velocity and secondary flow of two ducts, worst seed."""
    claims = list[Claim]()
    for name in DUCTS:
        flow = flows.isel(cell=flows["flow"].values == name)
        claims += _duct_claims(name, [duct_with(surrogate, flow) for surrogate in surrogates])
    return claims


def _duct_claims(name: str, solved: Sequence[xr.Dataset]) -> list[Claim]:
    """The secondary flow has the right sign where its correlation with the true one is positive."""
    ratios = [float(_of(s, "secondary_strength", CORRECTED) / _of(s, "secondary_strength", TRUTH)) for s in solved]
    alike = min(float(_of(s, "secondary_correlation", CORRECTED)) for s in solved)
    errors = [float(_of(s, "velocity_error", CORRECTED)) for s in solved]
    return [
        Claim(f"duct {name}: velocity error", max(errors), "1", bar=("<=", VELOCITY)),
        Claim(f"duct {name}: velocity error of k-ω SST", float(_of(solved[0], "velocity_error", BASELINE)), "1"),
        Claim(f"duct {name}: correlation of the secondary flow", alike, "1", bar=(">=", 0.5)),
        Claim(f"duct {name}: strength of the secondary flow over the true one, least", min(ratios), "1"),
        Claim(f"duct {name}: strength of the secondary flow over the true one, largest", max(ratios), "1"),
        Claim(f"duct {name}: strength off by", max(abs(r - 1) for r in ratios), "1", bar=("<=", STRENGTH)),
    ]


def _of(solved: xr.Dataset, name: str, model: str) -> np.ndarray:
    return solved[name].sel(model=model).values


def channel_surrogate(seed: int, quick: bool) -> Surrogate:
    """Trained on one channel at Re_τ 590, with the fields of k-ω SST; those of Wilcox's model choose the weights.

    Both have the same reference, the normal stresses of a simulation and the law of the wall: see
    ``reference_channel``. They are of no use to judge by.
    """
    stresses = open_sample("turbulence-channel590/channel")
    train, chooser = (reference_channel(stresses, model=model) for model in ("sst", "wilcox"))
    made = family("turbulence", **({"members": 2} if quick else {}))
    config = FitConfig.parse({**made.settings, "epochs": 20 if quick else 200})
    return fit(made, train, chooser, config=config, seed=seed)


def channel395(everything: Sequence[Surrogate], seeds: Sequence[int], quick: bool, folder: Path) -> list[Claim]:
    """Mean velocity of a channel at Re_τ 395 with a surrogate that knows one channel, worst seed; and its rivals.

    Args:
        everything: surrogates that were trained on other flows than channels.
        folder: where the profiles of the direct simulation lie.
    """
    truth = channel_dns(folder)
    dedicated = [channel_with(channel_surrogate(seed, quick), RE_TAU, truth=truth) for seed in seeds]
    others = [channel_with(surrogate, RE_TAU, truth=truth) for surrogate in everything]
    wilcox = channel_with(everything[0], RE_TAU, truth=truth, model="wilcox")
    rows = {
        "k-ω SST": _error(dedicated[:1], BASELINE),
        "k-ω of Wilcox": _error([wilcox], BASELINE),
        "law of the wall": _law_error(truth),
        "network of hills, step and ducts": _error(others, CORRECTED),
    }
    about = f"channel Re_τ {RE_TAU:g}: largest velocity error over the centreline"
    ours = Claim(f"{about}, network of a channel at 590", _error(dedicated, CORRECTED), "1", bar=("<=", 0.03))
    return [ours, *(Claim(f"{about}, {name}", value, "1") for name, value in rows.items())]


def _error(solved: Sequence[xr.Dataset], model: str) -> float:
    return max(float(_of(one, "velocity_error", model)) for one in solved)


def _law_error(truth: xr.Dataset) -> float:
    """Of the law by which the training velocity was made."""
    y = np.linspace(0, RE_TAU, 20_001)[1:]
    velocity = y[0] + cumulative_trapezoid(wall_law(y, RE_TAU), y, initial=0)  # U = y next to the wall
    found = np.interp(truth["y_plus"].values, np.append(0, y), np.append(0, velocity))
    return float(abs(found - truth["mean_velocity"].values).max() / truth["mean_velocity"].values.max())
