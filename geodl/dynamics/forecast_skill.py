"""Skill of forecasts of a chaotic system: normalised error, valid prediction time, error at a lead time."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from geodl.errors import OptionError, SchemaError


@dataclasses.dataclass(frozen=True)
class PredictionTimes:
    """Valid prediction time of each start.

    Attributes:
        times: in Lyapunov times.
        censored: the forecast was still valid at the end of the window, so that ``times`` is only a lower bound.
    """

    times: Float[np.ndarray, "start"]
    censored: Bool[np.ndarray, "start"]


def normalised_error(
    forecast: Float[np.ndarray, "time start component"],
    truth: Float[np.ndarray, "time start component"],
    climate_std: float,
) -> Float[np.ndarray, "time start"]:
    """E(t) = ‖forecast − truth‖₂ / climate_std, dimensionless.

    Args:
        forecast: states in the units of ``climate_std``; NaN and infinity are allowed, and come out as such.
        truth: the true states at the same times.
        climate_std: sqrt of the summed variances of the components over a long true run, not over this window.
    Raises:
        SchemaError: forecast and truth differ in shape.
    Source: Pathak et al. 2018, Chaos 28, 041101, here with the standard deviation of the climate below.
    """
    if forecast.shape != truth.shape:
        raise SchemaError(f"the forecast has shape {forecast.shape}, the truth {truth.shape}: expected the same")
    with np.errstate(over="ignore", invalid="ignore"):  # a forecast that blew up is a result
        return np.asarray(np.sqrt(np.square(forecast - truth).sum(-1)) / climate_std)


def valid_prediction_time(
    forecast: Float[np.ndarray, "time start component"],
    truth: Float[np.ndarray, "time start component"],
    dt: float,
    climate_std: float,
    lyapunov_time: float,
    *,
    threshold: float = 0.4,
) -> PredictionTimes:
    """First output time, without smoothing, at which the normalised error exceeds the threshold or is not finite.

    Args:
        forecast: states at 0, dt, 2 dt, …
        truth: the true states at the same times.
        dt: time between two outputs, in the units of ``lyapunov_time``.
        climate_std: see `normalised_error`.
        lyapunov_time: 1 over the leading Lyapunov exponent.
        threshold: largest normalised error of a valid forecast, dimensionless.
    Raises:
        SchemaError: forecast and truth differ in shape.
    Source: Pathak et al. 2018, Chaos 28, 041101, "valid time".
    """
    failed = ~(normalised_error(forecast, truth, climate_std) <= threshold)  # NaN fails too
    censored = np.asarray(~failed.any(0))
    first = np.where(censored, len(failed) - 1, failed.argmax(0))
    return PredictionTimes(first * (dt / lyapunov_time), censored)


def rmse_at_lead(
    forecast: Float[np.ndarray, "time start component"], truth: Float[np.ndarray, "time start component"], lead: int
) -> float:
    """Root mean square error over starts and components after ``lead`` outputs, in the units of the state.

    Raises:
        SchemaError: forecast and truth differ in shape.
        OptionError: the lead is not within the forecast.
    """
    if not 0 < lead < len(forecast):
        raise OptionError(f"lead is {lead}, expected 1 to {len(forecast) - 1}, the outputs after the start")
    return float(np.sqrt(np.mean(np.square(normalised_error(forecast, truth, 1.0)[lead])) / forecast.shape[-1]))
