"""Velocities that follow when a solver takes the predicted stress."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from geodl.core.contract import Claim
from geodl.core.surrogate import Surrogate
from geodl.turbulence.a_posteriori.comparison import BASELINE, CORRECTED, TRUTH
from geodl.turbulence.a_posteriori.corrected_channel import channel_with
from geodl.turbulence.a_posteriori.corrected_duct import duct_with
from geodl.turbulence.datasets.channel_patel import channel_dns

DUCTS = ("AR_1_Ret_180", "AR_7_Ret_180")  # the first trained on, the second not
VELOCITY, STRENGTH = 0.05, 0.4


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


def channel395(surrogates: Sequence[Surrogate], folder: Path) -> list[Claim]:
    """Mean velocity of a channel at Re_τ 395, worst seed."""
    truth = channel_dns(folder)
    solved = [channel_with(surrogate, 395.0, truth=truth) for surrogate in surrogates]
    worst = max(float(_of(s, "velocity_error", CORRECTED)) for s in solved)
    return [
        Claim("channel Re_τ 395: velocity error over the centreline", worst, "1", bar=("<=", 0.03)),
        Claim(
            "channel Re_τ 395: velocity error without closure", float(_of(solved[0], "velocity_error", BASELINE)), "1"
        ),
    ]
