"""Figures of what `diagnose` finds: one function for each, and all of them at once."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from geodl.train.plots import SURROGATE_COLOUR, TRUTH_COLOUR, axes_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"truth": TRUTH_COLOUR, "forecast": SURROGATE_COLOUR}
STYLES: dict[str, dict[str, Any]] = {
    "truth": {"color": TRUTH_COLOUR, "lw": 2.4, "alpha": 0.45},
    "forecast": {"color": SURROGATE_COLOUR, "lw": 1.1},
}
_EDGE: dict[str, Any] = {"color": "0.4", "lw": 1.0, "ls": ":"}


def diagnostic_figures(found: xr.Dataset) -> "dict[str, Figure]":
    """Every figure that the diagnostics of `geodl.dynamics.chaos.diagnostics.diagnose` allow, by title."""
    drawn = {
        "Error growth": error_growth(found),
        "Marginal distributions": marginals(found),
        "Power spectra": power_spectra(found),
        "Successive maxima": maxima_map(found),
        "Ensemble score": crps_over_lead(found),
        "Spread and error": spread_skill(found),
    }
    if "lyapunov_exponents" not in found:
        return drawn
    return drawn | {"Lyapunov spectrum": exponent_bars(found), "Running exponents": running_exponents(found)}


def error_growth(found: xr.Dataset) -> "Figure":
    """Normalised error over lead time, with the median valid prediction time and the time of the truth itself."""
    figure, (axis,) = axes_grid(1, width=7.0, height=3.8)
    lead, label = _lead(found)
    low, middle, high = (np.where(row > 0, row, np.nan) for row in found["normalised_error"].values)
    axis.fill_between(lead, low, high, color=SURROGATE_COLOUR, alpha=0.2, lw=0, label="10 to 90 % of starts")
    axis.semilogy(lead, middle, color=SURROGATE_COLOUR, label="median")
    axis.axhline(found.attrs["threshold"], **_EDGE)
    _mark(axis, found, "valid_prediction_time", "forecast valid", SURROGATE_COLOUR)
    if "ground_truth_time" in found:
        _mark(axis, found, "ground_truth_time", "truth valid", TRUTH_COLOUR)
    axis.set(xlabel=label, ylabel="normalised error [1]", xlim=(0, lead[-1]))
    axis.legend(frameon=False, loc="lower right")
    return figure


def _mark(axis: "Axes", found: xr.Dataset, name: str, words: str, colour: str) -> None:
    """A vertical line at the median over starts."""
    low, median, high = found[f"{name}_quantiles"].values
    bound = ">" if found[f"{name}_censored"].mean() > 0.5 else ""
    label = f"{words}: {bound}{median:.3g} [{low:.3g}, {high:.3g}]"
    axis.axvline(median, color=colour, lw=1.2, ls="--", label=label)


def exponent_bars(found: xr.Dataset) -> "Figure":
    """Lyapunov exponents with their standard errors, beside those of the truth where they are known."""
    figure, (axis,) = axes_grid(1, width=max(4.5, 0.28 * found.sizes["exponent"]), height=3.6)
    number, values = found["exponent"].values, found["lyapunov_exponents"].values
    known = found.get("lyapunov_exponents_truth")
    width = 0.8 if known is None else 0.4
    shift = 0.0 if known is None else width / 2
    error = np.nan_to_num(found["lyapunov_standard_error"].values)
    label = f"forecast, dimension {float(found['kaplan_yorke']):.3f}"
    bars = [axis.bar(number + shift, values, width, yerr=error, color=SURROGATE_COLOUR, label=label, capsize=2)]
    if known is not None:
        dimension = f", dimension {float(found['kaplan_yorke_truth']):.3f}" if "kaplan_yorke_truth" in found else ""
        bars.append(axis.bar(number - shift, known.values, width, color=TRUTH_COLOUR, label=f"truth{dimension}"))
    for bar in bars if len(number) <= 6 else []:  # the growth that matters is short beside a strong decay
        axis.bar_label(bar, fmt="%.3f", fontsize=7, padding=2)
    axis.margins(y=0.12)
    axis.axhline(0, color="0.4", lw=0.8)
    axis.locator_params(axis="x", integer=True)
    axis.set(xlabel="number of the exponent", ylabel=f"Lyapunov exponent [{_rate(found)}]")
    axis.legend(frameon=False, loc="lower left")
    return figure


def running_exponents(found: xr.Dataset) -> "Figure":
    """Estimates of the exponents over the time that they average: level where they have converged."""
    running = found["lyapunov_running"]
    count = min(running.sizes["exponent"], 6)
    figure, grid = axes_grid(count, width=3.6, height=2.8)
    for i, axis in enumerate(grid):
        axis.plot(found["averaging_time"], running[:, i], color=SURROGATE_COLOUR, lw=1.2, label="forecast")
        if "lyapunov_exponents_truth" in found:
            axis.axhline(
                float(found["lyapunov_exponents_truth"][i]), color=TRUTH_COLOUR, lw=1.0, ls="--", label="truth"
            )
        axis.set(title=f"exponent {i + 1}", xlabel=f"time averaged [{found['averaging_time'].attrs['units']}]")
        _zoom(axis, running[:, i].values)
    _label_rows(grid, f"Lyapunov exponent [{_rate(found)}]")
    grid[0].legend(frameon=False)
    return figure


def _zoom(axis: "Axes", values: np.ndarray) -> None:
    """Leave the first tenth of a running mean out of the limits, where it still jumps."""
    settled = values[len(values) // 10 :]
    settled = settled[np.isfinite(settled)]
    if len(settled):
        room = max(3 * np.ptp(settled), 0.02 * abs(settled[-1]), 1e-3)
        axis.set_ylim(settled[-1] - room, settled[-1] + room)


def marginals(found: xr.Dataset) -> "Figure":
    """Histogram of every component, truth and forecast."""
    figure, grid = _panels(found)
    for axis, name in zip(grid, found["component"].values, strict=False):
        for source, style in STYLES.items():
            axis.plot(found["bin"], found["density"].sel(source=source, component=name), **style, label=source)
        distance = float(found["wasserstein1"].sel(component=name))
        axis.set(title=f"{name}, distance {distance:.2g}", xlabel="value [true std]", ylim=(0, None))
    _label_rows(grid, "probability density [1]")
    grid[0].legend(frameon=False)
    return figure


def power_spectra(found: xr.Dataset) -> "Figure":
    """Power spectral density of every component, truth and forecast, down to where rounding takes over."""
    figure, grid = _panels(found)
    frequency = found["frequency"].values[1:]
    for axis, name in zip(grid, found["component"].values, strict=False):
        power = found["power"].sel(component=name).values[:, 1:]
        for row, (source, style) in zip(power, STYLES.items(), strict=True):
            axis.loglog(frequency, row, **style, label=source)
        axis.set(title=str(name), xlabel=f"frequency [{found['frequency'].attrs['units']}]")
        axis.set_ylim(bottom=max(1e-14 * power[0].max(), power[0].min() / 3))
    _label_rows(grid, f"power over true variance [{found['power'].attrs['units']}]")
    grid[0].legend(frameon=False)
    return figure


def maxima_map(found: xr.Dataset) -> "Figure":
    """Each maximum of a component against the one before, truth and forecast."""
    figure, (axis,) = axes_grid(1, width=4.2, height=4.0)
    for source, size in (("truth", 5.0), ("forecast", 3.0)):
        pairs = found[f"maxima_{source}"].values
        axis.plot(*pairs.T, ".", ms=size, color=COLOURS[source], label=source, rasterized=True, mew=0)
    name = found["maxima_truth"].attrs["long_name"].split(" of ")[1].split(",")[0]
    units = found["maxima_truth"].attrs["units"]
    axis.set(xlabel=f"maximum of {name} [{units}]", ylabel=f"next maximum of {name} [{units}]")
    axis.legend(frameon=False, markerscale=2)
    return figure


def crps_over_lead(found: xr.Dataset) -> "Figure":
    """Ranked probability score of the ensemble for every component, and that of the climate."""
    figure, grid = _panels(found)
    lead, label = _lead(found)
    for axis, name in zip(grid, found["component"].values, strict=False):
        axis.semilogy(lead, found["crps"].sel(component=name), color=SURROGATE_COLOUR, label="ensemble")
        axis.axhline(float(found["crps_climate"].sel(component=name)), color=TRUTH_COLOUR, ls="--", label="climate")
        axis.set(title=str(name), xlabel=label)
    _label_rows(grid, "CRPS [true std]")
    grid[0].legend(frameon=False)
    return figure


def spread_skill(found: xr.Dataset) -> "Figure":
    """Error of the ensemble mean over the spread, lead by lead: on the diagonal where the ensemble is reliable."""
    figure, grid = _panels(found)
    lead, label = _lead(found)
    for axis, name in zip(grid, found["component"].values, strict=False):
        spread, error = (found[key].sel(component=name).values for key in ("spread", "ensemble_error"))
        points = axis.scatter(spread, error, c=lead, s=6, cmap="viridis", rasterized=True)
        ends = [np.nanmin([spread, error]), np.nanmax([spread, error])]
        axis.loglog(ends, ends, color=TRUTH_COLOUR, lw=0.8)
        axis.set(title=str(name), xlabel="spread [true std]")
    _label_rows(grid, "error of the mean [true std]")
    figure.colorbar(points, ax=grid, label=label)
    return figure


def _panels(found: xr.Dataset) -> "tuple[Figure, list[Axes]]":
    """One panel per component, six at most."""
    return axes_grid(min(found.sizes["component"], 6), width=3.6, height=3.0)


def _label_rows(grid: "list[Axes]", label: str) -> None:
    for first in grid[::3]:
        first.set(ylabel=label)


def _lead(found: xr.Dataset) -> tuple[np.ndarray, str]:
    """Lead times in the unit of valid prediction times, and the label of their axis."""
    return found["lead"].values / found.attrs["unit_time"], f"lead time [{found.attrs['lead_unit']}]"


def _rate(found: xr.Dataset) -> str:
    return str(found["lyapunov_exponents"].attrs["units"])
