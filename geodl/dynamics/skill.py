"""How long a learned model forecasts: valid prediction times of a surrogate and of its baselines."""

import dataclasses
import functools

import numpy as np
import torch
import xarray as xr

from geodl.core.progress import progress
from geodl.core.schema import check
from geodl.core.surrogate import Core, Surrogate
from geodl.dynamics.chaos.forecast_skill import PredictionTimes, normalised_error, valid_prediction_time
from geodl.dynamics.forecast import rollout
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


@dataclasses.dataclass(frozen=True)
class Truth:
    """Trajectories to forecast, and how forecasts of them are judged.

    Attributes:
        path: true states ``[time, start, component]``.
        scale: per component, such that the norm of (error / scale) is the normalised error.
        unit_time: the time that counts as one.
        unit: its name.
    """

    path: np.ndarray
    scale: np.ndarray
    unit_time: float
    unit: str

    def error(self, path: np.ndarray) -> np.ndarray:
        """Normalised error ``[time, start]`` of forecasts from the same starts."""
        return normalised_error(path / self.scale, self.path / self.scale, 1.0)


def truth_of(surrogate: Surrogate, test: xr.Dataset) -> Truth:
    """High-precision trajectories of a system with known equations, or the test trajectories of any other.

    Lorenz-63 errors are divided by the climate's standard deviation, as published. Components of other data have units
    of their own, so each is divided by its own standard deviation in the training data, and the mean is taken.
    """
    options = surrogate.family.options
    if options["system"] == "lorenz63":
        return Truth(lorenz63_truth(options["dt"]), np.full(3, CLIMATE_STD), LYAPUNOV_TIME, "Lyapunov times")
    checked = check(test, surrogate.family.schema.inputs)
    path = checked.to_dataarray("component").transpose("time", ..., "component").values
    std = np.array([float(scaling.get_buffer("std")) for scaling in surrogate.core.scalings])
    return Truth(path.reshape(len(path), -1, len(std)), std * np.sqrt(len(std)), 1.0, str(options["time_units"]))


def prediction_times(surrogate: Surrogate, test: xr.Dataset) -> xr.Dataset:
    """``valid_prediction_time`` along ``model`` and ``start``, and the share of starts censored by the horizon.

    For a system with known equations the truth is computed anew; otherwise the test trajectories are forecast from
    their first points, and the time is in the units of the data.
    """
    truth, dt = truth_of(surrogate, test), surrogate.family.options["dt"]
    cores, skills = models(surrogate), list[PredictionTimes]()
    with progress("valid prediction times", len(cores)) as advance:
        for done, (name, core) in enumerate(cores.items()):
            advance(done, name)
            path = forecast_of(core, truth)
            skills.append(valid_prediction_time(path / truth.scale, truth.path / truth.scale, dt, 1.0, truth.unit_time))
    about = f"time until the normalised error exceeds 0.4, in {truth.unit}"
    units = "1" if truth.unit == "Lyapunov times" else truth.unit
    times = np.stack([skill.times for skill in skills])
    censored = [float(skill.censored.mean()) for skill in skills]
    return xr.Dataset(
        {
            "valid_prediction_time": (("model", "start"), times, {"units": units, "long_name": about, "best": "high"}),
            "censored": ("model", censored, {"units": "1", "long_name": "share of starts still valid at the horizon"}),
        },
        coords={"model": list(cores)},
    )


def forecast_of(core: Core, truth: Truth) -> np.ndarray:
    """What a model makes of the true starts ``[time, start, component]``."""
    start = tuple(torch.from_numpy(truth.path[0].copy()).unbind(-1))
    return np.asarray(rollout(core, start, len(truth.path) - 1).cpu().double().numpy())
