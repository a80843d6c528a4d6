"""How long a learned model forecasts: valid prediction times of a surrogate and of its baselines."""

import functools

import numpy as np
import torch
import xarray as xr

from geodl.core.progress import progress
from geodl.core.schema import check
from geodl.core.surrogate import Core, Surrogate
from geodl.dynamics.forecast import rollout
from geodl.dynamics.forecast_skill import valid_prediction_time
from geodl.dynamics.lorenz63 import CLIMATE_STD, LYAPUNOV_TIME
from geodl.dynamics.reference import attractor_starts
from geodl.dynamics.taylor import taylor_trajectory
from geodl.train.evaluate import models

STARTS, HORIZON = 48, 30.0  # starts never seen in training; horizon in Lyapunov times
_TRUTH_SEED = 63_000


@functools.cache
def lorenz63_truth(dt: float) -> np.ndarray:
    """High-precision trajectories ``[time, start, component]`` from starts of their own.

    Taylor series in extended precision stay true about 7 Lyapunov times longer than any float64 model can.
    """
    steps = int(np.ceil(HORIZON * LYAPUNOV_TIME / dt))
    path = taylor_trajectory(attractor_starts(STARTS, _TRUTH_SEED), dt, steps, dtype=np.longdouble)
    return np.asarray(path, dtype=np.float64)


def truth_of(surrogate: Surrogate, test: xr.Dataset) -> tuple[np.ndarray, float, str, float]:
    """Trajectories to forecast, the time that counts as one, its name, and the climate's standard deviation."""
    options = surrogate.family.options
    if options["system"] == "lorenz63":
        return lorenz63_truth(options["dt"]), LYAPUNOV_TIME, "Lyapunov times", CLIMATE_STD
    checked = check(test, surrogate.family.schema.inputs)
    path = checked.to_dataarray("component").transpose("time", ..., "component").values
    path = path.reshape(len(path), -1, path.shape[-1])
    spread = torch.stack([scaling.get_buffer("std") for scaling in surrogate.core.scalings]).square().sum().sqrt()
    return path, 1.0, str(options["time_units"]), float(spread)


def prediction_times(surrogate: Surrogate, test: xr.Dataset) -> xr.Dataset:
    """``valid_prediction_time`` along ``model`` and ``start``, and the share of starts censored by the horizon.

    For a system with known equations the truth is computed anew; otherwise the test trajectories are forecast from
    their first points, and the time is in the units of the data.
    """
    truth, unit_time, unit, climate_std = truth_of(surrogate, test)
    cores, times, censored = models(surrogate), list[np.ndarray](), list[float]()
    with progress("valid prediction times", len(cores)) as advance:
        for done, (name, core) in enumerate(cores.items()):
            advance(done, name)
            path = rollout(core, initial_state(truth), len(truth) - 1).cpu().double().numpy()
            skill = valid_prediction_time(path, truth, surrogate.family.options["dt"], climate_std, unit_time)
            times.append(skill.times)
            censored.append(float(skill.censored.mean()))
    about = f"time until the normalised error exceeds 0.4, in {unit}"
    units = "1" if unit == "Lyapunov times" else unit
    return xr.Dataset(
        {
            "valid_prediction_time": (
                ("model", "start"),
                np.stack(times),
                {"units": units, "long_name": about},
            ),
            "censored": (
                "model",
                censored,
                {"units": "1", "long_name": "share of starts still valid at the horizon"},
            ),
        },
        coords={"model": list(cores)},
    )


def initial_state(truth: np.ndarray) -> tuple[torch.Tensor, ...]:
    """The first states of trajectories as one tensor ``[start]`` per component."""
    return tuple(torch.from_numpy(truth[0].copy()).unbind(-1))


def error_growth(core: Core, truth: np.ndarray, climate_std: float) -> np.ndarray:
    """Median over the starts of the normalised error ``[time]``."""
    path = rollout(core, initial_state(truth), len(truth) - 1).cpu().double().numpy()
    return np.asarray(np.median(np.linalg.norm(path - truth, axis=-1), axis=1) / climate_std)
