"""Lorenz-63 seen in part or through noise: what multiple shooting identifies, measured on unseen series."""

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor, nn

from geodl.dynamics.chaos.forecast_skill import valid_prediction_time
from geodl.dynamics.chaos.lyapunov import lyapunov_spectrum, orbit
from geodl.dynamics.dataset import lorenz63_dataset
from geodl.dynamics.fields import BilinearField
from geodl.dynamics.identification.gauss_newton import Dense, levenberg_marquardt
from geodl.dynamics.identification.latent import PartialModel, fit_partial, forecast_partial
from geodl.dynamics.identification.observation import Observation
from geodl.dynamics.identification.shooting import identify, series_of
from geodl.dynamics.identification.trajectories import Trajectories, derivative
from geodl.dynamics.lorenz63 import CLIMATE_STD, LYAPUNOV_TIME
from geodl.dynamics.ode.solve import odeint
from geodl.dynamics.skill import lorenz63_truth
from geodl.train.baselines import least_squares, polynomial_features

DT, POINTS, NOISE = 0.01, 4000, 1e-3
STARTS, WINDOW, AHEAD = 64, 100, 200  # unseen series, intervals to infer a state from, and to forecast
_UNSEEN = 90_000  # added to the seed: trajectories that nothing is fitted to
_HORIZON = 18.0  # Lyapunov times of the forecasts from true starts

Numbers = dict[str, float]


def partial_case(seed: int, quick: bool = False) -> tuple[Numbers, xr.Dataset]:
    """Only x is observed, without noise: one series of 4000 points, a bilinear field of three components.

    Returns:
        Root mean square and largest error of x one and four intervals after a window of an unseen series, in which the
        state is inferred; the leading Lyapunov exponent of the learned field, per unit of time; training misfit in the
        units of x. With them the forecast and true x of each start, along ``lead`` and ``start``.
    """
    data = lorenz63_dataset(trajectories=1, points=POINTS, dt=DT, seed=seed)[["x"]].to_dataarray("component")
    model = fit_partial(data, 3, window=16 if quick else WINDOW)
    unseen = lorenz63_dataset(
        trajectories=8 if quick else STARTS, points=WINDOW + AHEAD + 1, dt=DT, seed=_UNSEEN + seed
    )
    x = series_of(unseen[["x"]].to_dataarray("component"))
    forecast = forecast_partial(model, x[: WINDOW + 1], AHEAD)
    error = (forecast - x[WINDOW:]).abs()[..., 0]
    numbers = {
        "rmse_1": float(error[1].square().mean().sqrt()),
        "rmse_4": float(error[4].square().mean().sqrt()),
        "largest_4": float(error[4].max()),
        "lyapunov_exponent": leading_exponent(model, *((300, 50) if quick else (10_000, 1000))),
        "misfit": model.misfit * 1e-3 * float(model.std),
    }
    paths = {
        "forecast": (("lead", "start"), forecast[..., 0].numpy()),
        "truth": (("lead", "start"), x[WINDOW:, :, 0].numpy()),
    }
    return numbers, xr.Dataset(paths, coords={"lead": DT * np.arange(AHEAD + 1)})


def leading_exponent(model: PartialModel, steps: int, warm_up: int) -> float:
    """Leading Lyapunov exponent of a learned field, per unit of time, over 64 members that start at training states."""
    starts = model.states.flatten(0, 1)
    starts = starts[:: max(len(starts) // 64, 1)][:64]
    one = torch.arange(2).to(starts)

    def step(state: Tensor) -> Tensor:
        return odeint(model.field, state, one, method="rk4", substeps=model.shooting.substeps, adjoint="autograd")[1]

    return float(lyapunov_spectrum(step, starts, DT, steps=steps, warm_up=warm_up, exponents=1).exponents[0])


def noisy_case(seed: int, quick: bool = False) -> tuple[Numbers, xr.Dataset]:
    """All components are observed with noise of 1e-3: 20 series of 200 points, each one window of 1.8 Lyapunov times.

    Returns:
        Median valid prediction times in Lyapunov times from 48 true starts, of the bilinear field by multiple shooting,
        of the same field by one-step least squares, and of the polynomial map; with them the times of each start.
    """
    data = lorenz63_dataset(trajectories=20, points=200, dt=DT, seed=seed, noise=NOISE).to_dataarray("component")
    values = series_of(data)
    shot = identify(
        warm_bilinear(values, DT), data, Observation(std=NOISE), dt=DT, window=25 if quick else 199
    )  # fmt: skip
    times = {
        "multiple shooting": field_times(shot.field),
        "one-step least squares": field_times(one_step_field(values)),
        "polynomial map": polynomial_times(values),
    }
    numbers = {name: float(np.median(each)) for name, each in times.items()} | {"misfit": shot.misfit}
    stacked = (("model", "start"), np.stack(list(times.values())))
    return numbers, xr.Dataset({"valid_prediction_time": stacked}, coords={"model": list(times)})


def warm_bilinear(values: Float[Tensor, "time series n"], dt: float) -> BilinearField:
    """A bilinear field that explains central differences."""
    field = BilinearField(values.shape[-1]).to(values)
    field.warm_start(values[1:-1].flatten(0, 1), (values[2:] - values[:-2]).flatten(0, 1) / (2 * dt))
    return field


def one_step_field(values: Float[Tensor, "time series n"]) -> nn.Module:
    """Least squares through the integrator on single intervals, each from the observed value as if it had no noise."""
    field, (now, later) = warm_bilinear(values, DT), (values[:-1].flatten(0, 1), values[1:].flatten(0, 1))
    trajectories = Trajectories(field, DT * torch.arange(2).to(values)[:, None].expand(-1, len(now)))

    def linearise(parameters: Tensor) -> Dense:
        trajectories.take(parameters[0])
        path = trajectories.tangents(now, shared=True)[1:]
        rows = derivative(Observation(), path, later[None]).flatten(0, 1)[None]
        return Dense(rows[..., 0], rows[..., 1 + now.shape[1] :])

    trajectories.take(levenberg_marquardt(linearise, trajectories.vector[None]).unknowns[0])
    return field


def polynomial_times(values: Float[Tensor, "time series n"]) -> np.ndarray:
    """Valid prediction times of the map z + Φ(z) W, of the degree from 2 to 6 that turns out best."""
    mean, std = values.mean((0, 1)), values.std((0, 1))
    z, times = (values - mean) / std, list[np.ndarray]()
    for degree in range(2, 7):
        weights = least_squares(polynomial_features(z[:-1].flatten(0, 1), degree), (z[1:] - z[:-1]).flatten(0, 1))

        def step(state: Tensor, degree: int = degree, weights: Tensor = weights) -> Tensor:
            return state + polynomial_features(state, degree) @ weights

        path = orbit(step, (torch.from_numpy(lorenz63_truth(DT)[0]) - mean) / std, _steps())
        times.append(prediction_times(path * std + mean))
    return max(times, key=np.median)


@torch.no_grad()
def field_times(field: nn.Module) -> np.ndarray:
    """Valid prediction times of a field, integrated so finely that the integrator is no limit."""
    start = torch.from_numpy(lorenz63_truth(DT)[0])
    return prediction_times(odeint(field, start, DT * torch.arange(_steps() + 1).to(start), method="rk4", substeps=4))


def prediction_times(path: Float[Tensor, "time start 3"]) -> np.ndarray:
    """Valid prediction times from the true starts, in Lyapunov times."""
    truth = lorenz63_truth(DT)[: len(path)]
    return valid_prediction_time(path.numpy(), truth, DT, CLIMATE_STD, LYAPUNOV_TIME).times


def _steps() -> int:
    return int(_HORIZON * LYAPUNOV_TIME / DT)
