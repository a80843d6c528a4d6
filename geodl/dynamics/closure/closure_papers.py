"""Claims about closures of the two-scale Lorenz-96 system, measured on runs that no model has seen."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from geodl.core.contract import Claim, Reproduction, family
from geodl.core.progress import progress
from geodl.core.surrogate import Surrogate
from geodl.dynamics.chaos.crps import crps_ensemble
from geodl.dynamics.chaos.forecast_skill import rmse_at_lead, valid_prediction_time
from geodl.dynamics.chaos.statistics import bounded_share, wasserstein1
from geodl.dynamics.closure.closure import AR1Noise, ClosedLorenz96, LocalNetworkClosure, WilksClosure, train_offline
from geodl.dynamics.closure.two_scale import subgrid_tendency, two_scale_dataset
from geodl.train.config import FitConfig
from geodl.train.fit import fit
from geodl.train.metrics import r2, rmse

SEEDS, SPEEDS = (0, 1, 2), (10.0, 4.0)
DT = 0.005
FORECAST, ENSEMBLE, SPUN_UP = 5.0, 1.0, 5.0  # times: of a forecast, of an ensemble, for a long run to forget its start
OPTIONS: dict[str, Any] = {"system": "lorenz96", "dt": DT, "leads": 40, "stride": 10, "field": "mlp", "width": 32}
NOTE = (
    "K = 8, J = 32, h = 1, b = 10, F = 20; time in units of the model (MTU, about five days). Worst of the seeds. "
    "RMSE and R² of the subgrid tendency on test runs. VPT: valid prediction time, until the error exceeds 0.4 times "
    "the climate's standard deviation, from 192 starts. CRPS of X from 48 starts, 40 members, with first-order "
    "autoregressive noise from each closure's own residuals. W1: distance of the marginal distribution of X from that "
    "of the test runs, in its standard deviations. Stable: share of 100 members within 10 standard deviations for 100 "
    "MTU. All forecasts by RK4 with a step of 0.005, the truth with 0.001."
)


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is computed."""

    members: tuple[int, int, int] = (12, 4, 48)  # runs to train, to choose the weights, to test
    points: int = 4000
    ensemble: int = 40
    long_members: int = 100
    long_time: float = 100.0


_QUICK = Size(members=(4, 2, 6), points=1010, ensemble=10, long_members=10, long_time=7.0)


@dataclasses.dataclass(frozen=True)
class Runs:
    """The truth at one speed, divided by runs; ``path`` are the test runs ``[time, member, site]``."""

    speed: float
    parts: tuple[xr.Dataset, xr.Dataset, xr.Dataset]

    @classmethod
    def of(cls, speed: float, size: Size) -> "Runs":
        ds = two_scale_dataset(sum(size.members), size.points, DT, seed=int(speed), speed=speed)
        first, second = np.cumsum(size.members)[:2]
        train, valid, test = slice(0, first), slice(first, second), slice(second, None)
        return cls(speed, (ds.isel(member=train), ds.isel(member=valid), ds.isel(member=test)))

    def path(self, part: int, like: Tensor) -> Tensor:
        values = self.parts[part]["X"].transpose("time", "member", "site").values
        return torch.from_numpy(values).to(like)


def lorenz96_closure(*, quick: bool = False, device: str = "cpu") -> Reproduction:
    """No closure, the polynomial of Wilks, and a network trained offline and through the solver, side by side.

    Source: Wilks 2005, Q. J. R. Meteorol. Soc. 131, 389; Rasp 2020, Geosci. Model Dev. 13, 2185.
    """
    seeds, speeds, size = (SEEDS[:1], SPEEDS[:1], _QUICK) if quick else (SEEDS, SPEEDS, Size())
    made, scores, surrogates, tests = family("dynamics", **OPTIONS), list[xr.Dataset](), list[Surrogate](), []
    settings = FitConfig.parse({**made.settings, "device": device, **({"epochs": 1} if quick else {})})
    for speed in speeds:
        runs = Runs.of(speed, size)
        tests.append(runs.parts[2].isel(time=slice(0, round(FORECAST / DT))))
        online = [fit(made, *runs.parts[:2], config=settings, seed=seed) for seed in seeds]
        surrogates.append(online[0])
        scores.append(_scores(runs, dict(zip(seeds, online, strict=True)), size))
    data = xr.concat(scores, "speed").assign_coords(speed=list(speeds))
    for key, words, _ in _ROWS:
        data[key].attrs = {"units": "1", "long_name": words}
    data["valid_prediction_time"].attrs = {"units": "1", "long_name": "time until the normalised error exceeds 0.4"}
    data["speed"].attrs = {"units": "1", "long_name": "speed of the fast variables, c"}
    claims = tuple(claim for speed in speeds for claim in _claims(data.sel(speed=speed), f"c = {speed:g}"))
    return Reproduction(claims, data, surrogates[0], tests[0], seeds, NOTE)


def _scores(runs: Runs, online: Mapping[int, Surrogate], size: Size) -> xr.Dataset:
    """Scores of every closure along ``model`` and ``seed``; those without weights to draw are the same for each."""
    like = next(next(iter(online.values())).core.parameters()).detach()
    now, tendency = _samples(runs.path(0, like))
    closures: dict[str, list[nn.Module]] = {
        "no closure": [WilksClosure(0).to(like)],
        "Wilks": [WilksClosure().fit(now, tendency)],
        "offline": [_offline(seed, now, tendency) for seed in online],
        "online": [surrogate.core.get_submodule("network.field.learned") for surrogate in online.values()],
    }
    measured, done = list[xr.Dataset](), 0
    with progress(f"scores, c = {runs.speed:g}", sum(map(len, closures.values()))) as advance:
        for name, drawn in closures.items():
            scores = list[xr.Dataset]()
            for closure in drawn:
                advance(done, name)
                scores.append(measure(ClosedLorenz96(closure, 1, dt=DT), runs, size))
                done += 1
            measured.append(xr.concat(scores * (len(online) // len(drawn)), "seed"))
    return xr.concat(measured, "model").assign_coords(model=list(closures), seed=list(online))


def _samples(path: Tensor) -> tuple[Tensor, Tensor]:
    """Every tenth state, and its subgrid tendency."""
    return path[:-1][::10].flatten(0, 1), subgrid_tendency(path, DT)[::10].flatten(0, 1)


def _offline(seed: int, now: Tensor, tendency: Tensor) -> LocalNetworkClosure:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        closure = LocalNetworkClosure(width=OPTIONS["width"]).to(now)
    train_offline(closure, now, tendency, seed=seed)
    return closure


@torch.no_grad()
def measure(model: ClosedLorenz96, runs: Runs, size: Size) -> xr.Dataset:
    """Scores of a closure: of its tendency, of forecasts, of an ensemble, and of its climate."""
    like = next(iter([*model.parameters(), *model.field.learned.buffers()]))
    truth = runs.path(2, like)
    climate = truth.flatten(0, 1).double().cpu().numpy()
    scores = _tendency_scores(model, truth) | _forecast_scores(model, truth, float(np.sqrt(climate.var(0).sum())))
    scores["crps"] = _ensemble_score(model, runs, truth, size)
    starts = truth[0].repeat(-(-size.long_members // truth.shape[1]), 1)[: size.long_members]
    # More members than test runs: those that share a start are set apart, and soon have nothing in common.
    starts = starts + 0.01 * torch.randn(starts.shape, generator=torch.Generator().manual_seed(0)).to(starts)
    path = model.path(starts, round(size.long_time / DT), every=20).double().cpu().numpy()
    scores["stable"] = bounded_share(path, climate.mean(0), climate.std(0))
    settled = path[round(SPUN_UP / DT) // 20 :].reshape(-1, 1)
    scores["w1"] = float(wasserstein1(settled, climate[::20].reshape(-1, 1))[0])
    return xr.Dataset(scores)


def _tendency_scores(model: ClosedLorenz96, truth: Tensor) -> dict[str, Any]:
    now, true = _samples(truth)
    given = model.field.learned(now.new_zeros(()), now)
    return {"rmse": float(rmse(given.flatten(), true.flatten())), "r2": float(r2(given.flatten(), true.flatten()))}


def _forecast_scores(model: ClosedLorenz96, truth: Tensor, climate_std: float) -> dict[str, Any]:
    """From starts that lie ``FORECAST`` apart in every test run."""
    steps = round(FORECAST / DT)
    pieces = torch.cat([truth[k : k + steps] for k in range(0, len(truth) - steps + 1, steps)], 1)
    forecast = model.path(pieces[0], steps - 1).double().cpu().numpy()
    known = pieces.double().cpu().numpy()
    times = valid_prediction_time(forecast, known, DT, climate_std, 1.0).times
    return {
        "valid_prediction_time": ("start", times),
        "vpt": float(np.median(times)),
        "vpt_p10": float(np.quantile(times, 0.1)),
        "rmse_half": rmse_at_lead(forecast, known, round(0.5 / DT)),
    }


def _ensemble_score(model: ClosedLorenz96, runs: Runs, truth: Tensor, size: Size) -> float:
    """CRPS at the end of an ensemble forecast, mean over test runs and sites."""
    seen = runs.path(0, truth)
    residual = subgrid_tendency(seen, DT) - model.field.learned(seen.new_zeros(()), seen[:-1])
    steps = round(ENSEMBLE / DT)
    path = AR1Noise.of(residual).ensemble(model, truth[0], steps, members=size.ensemble)
    return float(crps_ensemble(path[-1], truth[steps]).mean())


_ROWS = (
    ("rmse", "RMSE of the tendency", "1"),
    ("r2", "R² of the tendency", "1"),
    ("vpt", "VPT, median", "MTU"),
    ("vpt_p10", "VPT, 10th percentile", "MTU"),
    ("rmse_half", "RMSE of X after 0.5 MTU", "1"),
    ("crps", "CRPS after 1 MTU", "1"),
    ("w1", "W1 of X", "1"),
    ("stable", "stable", "1"),
)
_HIGH_IS_GOOD = ("r2", "vpt", "vpt_p10", "stable")


def _claims(scores: xr.Dataset, about: str) -> list[Claim]:
    """Worst seed of every score; the network trained through the solver must beat the polynomial, and all be stable."""
    claims = list[Claim]()
    for key, words, unit in _ROWS:
        worst = scores[key].min("seed") if key in _HIGH_IS_GOOD else scores[key].max("seed")
        for name in worst["model"].values:
            bar = _bar(key, str(name), float(worst.sel(model="Wilks")))
            claims.append(Claim(f"{about}, {name}: {words}", float(worst.sel(model=name)), unit, bar=bar))
    return claims


def _bar(key: str, name: str, of_polynomial: float) -> tuple[str, float] | None:
    if key == "stable":
        return (">=", 1.0) if name in ("offline", "online") else None
    if name != "online" or key in ("rmse", "r2"):  # of the tendency, what is trained on it knows more
        return None
    return (">=" if key in _HIGH_IS_GOOD else "<=", of_polynomial)
