"""Numbers of surrogates as claims: single steps, ignition, and the worst of several seeds."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from geodl.chemistry.cases.delays import STILL
from geodl.chemistry.cases.fuels import Bars
from geodl.core.contract import Claim
from geodl.train.evaluate import SURROGATE

_ONE_STEP = {
    "temperature_change_error": ("median", "p95"),
    "species_change_error": ("median", "p95"),
    "element_error": ("largest",),
}


def worst_of_seeds(each: Sequence[Sequence[Claim]], worst: Callable[[list[float]], float] = max) -> list[Claim]:
    """The same claims of several seeds, each with its worst value: the largest, or ``min`` where high is good."""
    rows = zip(*each, strict=True)
    return [dataclasses.replace(same[0], measured=worst([claim.measured for claim in same])) for same in rows]


def beside(name: str, claims: Sequence[Claim]) -> list[Claim]:
    """Claims about something else that stands beside; nothing is demanded of it."""
    return [dataclasses.replace(claim, claim=f"{name}: {claim.claim}", bar=None) for claim in claims]


def delay_claims(found: xr.Dataset, bars: Bars) -> list[Claim]:
    """Delays, end temperatures and elements of one roll-out, see `geodl.chemistry.cases.delays.judged`."""
    error = np.abs(found["delay_error"].values[found["ignites"].values])
    end = np.abs(found["end_temperature_error"].values[found["burnt"].values])
    largest = None if bars.delay_largest is None else ("<=", bars.delay_largest)
    words = f"dt {found.attrs['dt']:g} s, error of the"
    delay, temperature = f"{words} ignition delay", f"{words} temperature at the end"
    claims = [Claim(f"{words} elements at the end, relative", float(found["element_drift"].max()), "1")]
    if len(error):
        claims += [
            Claim(f"{delay}, median of {len(error)}", float(np.median(error)), "1", ("<=", bars.delay_median)),
            Claim(f"{delay}, p95", float(np.quantile(error, 0.95)), "1", ("<=", bars.delay_p95)),
            Claim(f"{delay}, largest", float(error.max()), "1", largest),
        ]
    if len(end):
        claims += [
            Claim(f"{temperature}, median of {len(end)}", float(np.median(end)), "K"),
            Claim(f"{temperature}, largest", float(end.max()), "K", ("<=", bars.end_temperature)),
        ]
    return claims


def still_claims(found: xr.Dataset, hold: float) -> list[Claim]:
    """How much the temperature moves where nothing ignites, for roll-outs of at least ``hold`` s."""
    rise = found["rise"].values[found["still"].values]
    if found.attrs["horizon"] < hold or not len(rise):
        return []
    words = f"dt {found.attrs['dt']:g} s, {len(rise)} cases that must not ignite in {found.attrs['horizon']:g} s"
    return [Claim(f"{words}: largest change of temperature", float(rise.max()), "K", ("<=", STILL))]


def one_step_claims(scores: xr.Dataset) -> list[Claim]:
    """Errors of single steps on held-out trajectories, of the surrogate and of its baselines."""
    rows = [
        (str(model), name, statistic)
        for name, statistics in _ONE_STEP.items()
        for statistic in statistics
        for model in scores["model"].values
    ]
    return [
        Claim(
            f"{'' if model == SURROGATE else f'{model}: '}one step, {scores[name].attrs['long_name']}, {statistic}",
            float(scores[name].sel(model=model, statistic=statistic)),
            "1",
        )
        for model, name, statistic in rows
    ]
