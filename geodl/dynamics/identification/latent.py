"""Partial observation: fields of more components than are observed, and forecasts from a window of what is observed."""

import dataclasses

import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor, nn

from geodl.dynamics.fields import BilinearField
from geodl.dynamics.identification.gauss_newton import AbstractLinearised, Dense, levenberg_marquardt
from geodl.dynamics.identification.hidden import hidden_components
from geodl.dynamics.identification.observation import Observation, components, require_observed
from geodl.dynamics.identification.shooting import Shooting, cut, filled, identify, series_of
from geodl.dynamics.identification.trajectories import Trajectories, derivative
from geodl.errors import OptionError, SchemaError

_USUAL = Shooting(iterations=20, tolerance=1e-3)  # the gauge of hidden components never stops drifting


@dataclasses.dataclass(frozen=True)
class PartialModel:
    """A field whose first components are the observed ones, scaled; its time counts data intervals.

    Attributes:
        field: the identified field.
        mean, std: of the observed components, in their units.
        states: of the training series, where an unknown state is first sought.
        misfit: root mean square of the residuals of the training series, over the noise assumed.
        shooting: how the field was integrated, and is.
    """

    field: nn.Module
    mean: Float[Tensor, "d"]
    std: Float[Tensor, "d"]
    states: Float[Tensor, "time series n"]
    misfit: float
    shooting: Shooting

    @property
    def observation(self) -> Observation:
        """The observed components of a scaled state."""
        return Observation(components(*range(len(self.mean))))


def fit_partial(
    observations: xr.DataArray | Float[Tensor, "time series d"],
    size: int,
    *,
    window: int = 100,
    noise: float | None = None,
    shooting: Shooting = _USUAL,
) -> PartialModel:
    """A bilinear field of ``size`` components identified from series of fewer; evenly sampled, NaN where missing.

    Hidden components are known up to an affine map at best, which leaves forecasts of the observed ones as they are.

    Args:
        window: data intervals from one start to the next; about one Lyapunov time.
        noise: standard deviation of the noise, in the units of the data; by default a thousandth of theirs.
    Raises:
        OptionError: the size is not larger than the number of observed components, or the series are too short.
        NonFiniteError: infinite values, or no value at all.
        DivergedError: no bilinear system of this size came near the data.
    Source: Ouala et al. 2020, Learning latent dynamics for partially observed chaotic systems, Chaos 30, 103121
        (arXiv:1907.02452), for the augmented state; multiple shooting in place of a gradient descent.
    """
    values = series_of(observations)
    if size <= values.shape[-1]:
        raise OptionError(f"size is {size}, expected more than the {values.shape[-1]} observed components")
    full = filled(values)
    mean, std = full.mean((0, 1)), full.std((0, 1))
    full = (full - mean) / std
    hidden = hidden_components(full.cpu().double().numpy(), size - full.shape[-1])
    guess = torch.cat([full, torch.from_numpy(hidden).to(full)], -1)
    field = BilinearField(size).to(full)
    settled = guess[len(guess) // 4 :]  # the hidden components remember what was before the series began
    field.warm_start(settled[1:-1].flatten(0, 1), (settled[2:] - settled[:-2]).flatten(0, 1) / 2)
    observation = Observation(components(*range(len(mean))), (1e-3 * std if noise is None else noise) / std)
    fitted = identify(
        field, (values - mean) / std, observation, dt=1.0, window=window, guess=guess, shooting=shooting
    )  # fmt: skip
    return PartialModel(fitted.field, mean, std, fitted.states, fitted.misfit, shooting)


@dataclasses.dataclass(frozen=True)
class Inferred:
    """States at the first time of each window, and the root mean square of the whitened residuals that they leave."""

    states: Float[Tensor, "series n"]
    misfit: Float[Tensor, "series"]


def infer_start(
    field: nn.Module,
    window: Float[Tensor, "time series d"],
    observation: Observation,
    *,
    candidates: Float[Tensor, "candidate series n"],
    dt: float | Tensor = 1.0,
    shooting: Shooting = _USUAL,
) -> Inferred:
    """The state u_0 of each series that minimises Σ_k ‖H Φᵏ(u_0) − x_k‖²_{R⁻¹}, with the field frozen.

    Args:
        window: observed values, NaN where missing.
        candidates: where to start; of the states that they lead to the best is taken.
        dt: as in `identify`.
    Raises:
        SchemaError: candidates for another number of series.
        NonFiniteError: infinite values, or no value at all.
    """
    if candidates.shape[1] != window.shape[1]:
        raise SchemaError(f"there are candidates for {candidates.shape[1]} series, the window holds {window.shape[1]}")
    require_observed(window)
    for part in (4, 2, 1):  # a long window has many minima; its beginning leads to the right one
        length = max(-(-(len(window) - 1) // part), 1) + 1
        times = dt[:length] if isinstance(dt, Tensor) else dt
        inferred = _inferred(field, window[:length], observation, candidates, times, shooting)
        candidates = inferred.states[None]
    return inferred


def _inferred(
    field: nn.Module,
    window: Tensor,
    observation: Observation,
    candidates: Tensor,
    dt: float | Tensor,
    shooting: Shooting,
) -> Inferred:
    """The best of what each candidate leads to."""
    tried, series, n = candidates.shape
    windows = cut(window, len(window) - 1, dt=dt)
    values, times = windows.values.repeat(1, tried, 1), windows.times.repeat(1, tried)
    trajectories = Trajectories(field, times, method=shooting.method, substeps=shooting.substeps)

    def linearise(starts: Tensor) -> AbstractLinearised:
        rows = derivative(observation, trajectories.tangents(starts, shared=False), values)
        return Dense(rows[..., 0], rows[..., 1:])

    solution = levenberg_marquardt(
        linearise, candidates.flatten(0, 1), iterations=shooting.iterations, tolerance=shooting.tolerance
    )
    cost, best = solution.cost.reshape(tried, series).min(0)
    states = solution.unknowns.reshape(tried, series, n)[best, torch.arange(series, device=best.device)]
    return Inferred(states, (2 * cost / (~torch.isnan(window)).sum((0, 2)).clamp(min=1)).sqrt())


def nearest_states(
    model: PartialModel, window: Float[Tensor, "time series d"], count: int
) -> Float[Tensor, "candidate series n"]:
    """The training states whose next observed values are nearest to those of each (scaled) window."""
    length = min(len(window), len(model.states))
    bank = model.states[..., : window.shape[-1]].unfold(0, length, 1).permute(0, 1, 3, 2).flatten(0, 1)
    states = model.states[: len(model.states) - length + 1].flatten(0, 1)
    count, nearest = min(count, len(states)), list[Tensor]()
    for one in window[:length].unbind(1):
        distance = (bank - one).nan_to_num().square().sum((1, 2))
        nearest.append(states[distance.topk(count, largest=False).indices])
    return torch.stack(nearest, 1)


@torch.no_grad()
def forecast_partial(
    model: PartialModel, window: Float[Tensor, "time series d"], steps: int, *, candidates: int = 4
) -> Float[Tensor, "lead series d"]:
    """Forecast of the observed components at the last time of a window and ``steps`` data intervals on, in their units.

    Args:
        window: observed values in their units, never seen in training; NaN where missing.
        candidates: training states from which the state at the beginning of the window is sought.
    """
    scaled = (window - model.mean) / model.std
    near = nearest_states(model, scaled, candidates)
    start = infer_start(model.field, scaled, model.observation, candidates=near, shooting=model.shooting).states
    times = torch.arange(len(window) + steps).to(start)[:, None].expand(-1, len(start))
    path = Trajectories(
        model.field, times, method=model.shooting.method, substeps=model.shooting.substeps
    ).states(start)  # fmt: skip
    return model.observation.apply(path[len(window) - 1 :]) * model.std + model.mean
