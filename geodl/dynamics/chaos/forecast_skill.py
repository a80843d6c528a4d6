"""Skill of forecasts of a chaotic system: normalised error, valid prediction time, error at a lead time."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from geodl.errors import NonFiniteError, OptionError, SchemaError


@dataclasses.dataclass(frozen=True)
class PredictionTimes:
    """Valid prediction time of each start.

    Attributes:
        times: in Lyapunov times.
        censored: the forecast was still valid at the end of the window, so that ``times`` is only a lower bound.
    """

    times: Float[np.ndarray, "start"]
    censored: Bool[np.ndarray, "start"]

    def capped(self, ground_truth: "PredictionTimes") -> "PredictionTimes":
        """Times no later than those at which the truth itself is in doubt; starts that reach them are censored.

        Args:
            ground_truth: of the same starts, from `ground_truth_time`.
        Raises:
            SchemaError: another number of starts.
        """
        if self.times.shape != ground_truth.times.shape:
            raise SchemaError(f"{ground_truth.times.shape} starts of the truth, expected {self.times.shape}")
        reached = (self.times >= ground_truth.times) & ~ground_truth.censored
        return PredictionTimes(np.minimum(self.times, ground_truth.times), self.censored | reached)


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


def ground_truth_time(
    truth: Float[np.ndarray, "time start component"],
    other: Float[np.ndarray, "time start component"],
    dt: float,
    climate_std: float,
    lyapunov_time: float,
    *,
    threshold: float = 0.4,
) -> PredictionTimes:
    """How long two independent truths agree: no forecast of either can be judged for longer.

    Args:
        truth: states at 0, dt, 2 dt, …
        other: the same trajectories in another precision, by another method, or with another order or step.
        dt: as the rest, see `valid_prediction_time`.
    Raises:
        SchemaError: the truths differ in shape.
        NonFiniteError: one of them holds NaN or infinity.
    """
    for path in (truth, other):
        if not np.isfinite(path).all():
            raise NonFiniteError("a truth holds NaN or infinity: integrate it again, with a smaller step")
    return valid_prediction_time(other, truth, dt, climate_std, lyapunov_time, threshold=threshold)


def spread_and_error(
    ensemble: Float[np.ndarray, "member time start component"], truth: Float[np.ndarray, "time start component"]
) -> tuple[Float[np.ndarray, "time component"], Float[np.ndarray, "time component"]]:
    """Root mean spread of the members, and root mean square error of their mean, over starts, in units of the state.

    The spread carries the factor sqrt((M + 1) / M), so that both agree for a reliable ensemble of any size.

    Raises:
        SchemaError: ensemble and truth differ in shape.
        OptionError: fewer than two members.
    Source: Fortin et al. 2014, J. Hydrometeor. 15, 1708.
    """
    members = len(ensemble)
    if ensemble.shape[1:] != truth.shape:
        raise SchemaError(f"the members have shape {ensemble.shape[1:]}, the truth {truth.shape}: expected the same")
    if members < 2:
        raise OptionError(f"the ensemble has {members} members, expected at least 2")
    with np.errstate(over="ignore", invalid="ignore"):  # a forecast that blew up is a result
        variance = ensemble.var(0, ddof=1).mean(1) * (members + 1) / members
        error = np.square(ensemble.mean(0) - truth).mean(1)
    return np.sqrt(variance), np.sqrt(error)


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
