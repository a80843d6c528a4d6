"""Statistics of long trajectories that do not ask where the state was when: the climate of a system and of a model."""

import numpy as np
from jaxtyping import Float

from geodl.errors import OptionError, SchemaError


def wasserstein1(
    forecast: Float[np.ndarray, "some component"], truth: Float[np.ndarray, "other component"]
) -> Float[np.ndarray, "component"]:
    """Distance between the two marginal distributions of each component, in standard deviations of the truth.

    Args:
        forecast: any number of states, in any order; NaN where a component holds something that is not a number.
        truth: any other number of states in the same units.
    Raises:
        SchemaError: the numbers of components differ, or there is no state.
    Source: Villani 2003, Topics in Optimal Transportation, remark 2.19: ∫ |quantile − quantile|.
    """
    (n, components), (m, expected) = forecast.shape, truth.shape
    if components != expected or not n * m:
        raise SchemaError(
            f"the forecast has shape {forecast.shape}, the truth {truth.shape}: expected equal components"
        )
    # Both quantile functions are constant between levels that are multiples of 1/n or 1/m: integers, counted in 1/(nm).
    levels = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    widths = np.diff(levels, prepend=0) / (n * m)
    with np.errstate(invalid="ignore"):  # a forecast that blew up is a result
        gaps = np.sort(forecast, 0)[(levels - 1) // m] - np.sort(truth, 0)[(levels - 1) // n]
        distance = np.where(np.isfinite(forecast).all(0), widths @ np.abs(gaps), np.nan)
    return np.asarray(distance / truth.std(0))


def power_spectrum(
    path: Float[np.ndarray, "time *rest"], dt: float, *, segments: int = 8
) -> tuple[Float[np.ndarray, "frequency"], Float[np.ndarray, "frequency *rest"]]:
    """Frequencies and power spectral density along time, one-sided: its integral is the variance.

    Args:
        path: states at 0, dt, 2 dt, …; a series with NaN has a spectrum of NaN.
        dt: time between two states.
        segments: Hann windows that are averaged, each overlapping half of the next: more smooth the spectrum, fewer
            resolve lower frequencies.
    Returns:
        frequencies in cycles per unit of time, and the density in squared units of the state times that unit.
    Raises:
        OptionError: dt not positive, segments below 1 or above half the number of states.
    Source: Welch 1967, IEEE Trans. Audio Electroacoustics 15, 70.
    """
    from scipy.signal import welch

    if not (dt > 0 and 1 <= segments <= len(path) // 2):
        raise OptionError(f"dt > 0 and 1 to {len(path) // 2} segments are needed, got dt={dt}, segments={segments}")
    with np.errstate(invalid="ignore", over="ignore"):  # a forecast that blew up is a result
        frequencies, density = welch(path, 1 / dt, nperseg=2 * len(path) // (segments + 1), axis=0)
    return frequencies, density


def autocorrelation(path: Float[np.ndarray, "time *rest"], lags: int) -> Float[np.ndarray, "lag *rest"]:
    """Correlation of every series with itself 0, 1, …, ``lags`` outputs later, dimensionless.

    Every lag is averaged over the pairs that it has, so a long lag is uncertain, not small.

    Raises:
        OptionError: lags below 0, or not within the path.
    Source: Priestley 1981, Spectral Analysis and Time Series.
    """
    if not 0 <= lags < len(path):
        raise OptionError(f"lags is {lags}, expected 0 to {len(path) - 1}")
    anomaly = path - path.mean(0)
    transform = np.fft.rfft(anomaly, 2 * len(path), axis=0)  # zeros behind: no lag wraps around
    products = np.fft.irfft(np.abs(transform) ** 2, axis=0)[: lags + 1]
    pairs = (len(path) - np.arange(lags + 1)).reshape(-1, *[1] * (path.ndim - 1))
    return np.asarray(products / pairs / anomaly.var(0))


def successive_maxima(series: Float[np.ndarray, "time"]) -> Float[np.ndarray, "pair 2"]:
    """Every local maximum beside the next one, in the units of the series: for z of Lorenz-63 almost a function.

    A maximum between two outputs is taken from the parabola through the three highest.

    Source: Lorenz 1963, J. Atmos. Sci. 20, 130, figure 4.
    """
    before, middle, after = series[:-2], series[1:-1], series[2:]
    top = (middle > before) & (middle >= after) & np.isfinite(middle)  # a forecast that blew up ends as a result
    before, middle, after = before[top], middle[top], after[top]
    maxima = middle - (after - before) ** 2 / (8 * (before - 2 * middle + after))
    return np.stack([maxima[:-1], maxima[1:]], -1)


def bounded_share(
    path: Float[np.ndarray, "time *member component"],
    mean: Float[np.ndarray, "component"],
    std: Float[np.ndarray, "component"],
    limit: float = 10.0,
) -> float:
    """Share of members that stay within ``limit`` standard deviations of the mean at all times; NaN has left.

    Args:
        path: states of every member.
        mean: of the truth, in the units of the state.
        std: of the truth, in the units of the state.
        limit: in standard deviations, dimensionless.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # a forecast that blew up is a result
        return float((np.abs(path - mean) < limit * std).all((0, -1)).mean())
