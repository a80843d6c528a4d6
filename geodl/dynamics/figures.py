"""What people look at first: the attractor, a forecast, and the growth of its error."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from geodl.dynamics.skill import Truth, forecast_of, truth_of
from geodl.train.evaluate import SURROGATE, models
from geodl.train.plots import SURROGATE_COLOUR, TRUTH_COLOUR, axes_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geodl.core.surrogate import Surrogate


def figures(surrogate: "Surrogate", test: xr.Dataset) -> "dict[str, Figure]":
    """Attractor, forecast and error growth of a surrogate on test trajectories."""
    truth = truth_of(surrogate, test)
    path = forecast_of(surrogate.core, truth)
    labels = [f"{name} [{units}]" for name, units in surrogate.family.options["state"].items()]
    times = np.arange(len(path)) * surrogate.family.options["dt"] / truth.unit_time
    drawn = {"Forecast": _forecast(path, truth, labels, times), "Error growth": _growth(surrogate, truth, times)}
    return drawn if len(labels) < 2 else {"Attractor": _attractor(path, truth.path, labels), **drawn}


def _attractor(path: np.ndarray, truth: np.ndarray, labels: list[str]) -> "Figure":
    """First against last component, truth beside surrogate, all starts."""
    figure, grid = axes_grid(2, width=4.8, height=4.0)
    for axis, states, title, colour in zip(
        grid, (truth, path), ("truth", "surrogate"), (TRUTH_COLOUR, SURROGATE_COLOUR), strict=True
    ):
        axis.plot(states[:, :8, 0], states[:, :8, -1], lw=0.25, color=colour)
        axis.set(xlabel=labels[0], ylabel=labels[-1], title=title)
    low, high = truth.reshape(-1, truth.shape[-1]).min(0), truth.reshape(-1, truth.shape[-1]).max(0)
    for axis in grid:
        axis.set(xlim=(low[0], high[0]), ylim=(low[-1], high[-1]))
    return figure


def _forecast(path: np.ndarray, truth: Truth, labels: list[str], times: np.ndarray) -> "Figure":
    """Every component of the first start over time."""
    figure, grid = axes_grid(len(labels), width=8.0, height=1.8, columns=1)
    for i, (axis, label) in enumerate(zip(grid, labels, strict=True)):
        axis.plot(times, truth.path[:, 0, i], color=TRUTH_COLOUR, lw=1.0, label="truth")
        axis.plot(times, path[:, 0, i], color=SURROGATE_COLOUR, lw=1.0, ls="--", label="surrogate")
        axis.set(ylabel=label)
    grid[0].legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    grid[-1].set(xlabel=f"time since the start [{truth.unit}]")
    return figure


def _growth(surrogate: "Surrogate", truth: Truth, times: np.ndarray) -> "Figure":
    """Median over the starts of the normalised error of every model."""
    figure, (axis,) = axes_grid(1, width=8.0, height=4.0)
    for k, (name, core) in enumerate(models(surrogate).items()):
        growth = np.median(truth.error(forecast_of(core, truth)), axis=1)
        own = {"color": SURROGATE_COLOUR, "lw": 2.0} if name == SURROGATE else {"color": f"C{k}", "lw": 1.0}
        axis.semilogy(times[1:], np.maximum(growth[1:], 1e-17), label=name, **own)
    axis.axhline(0.4, color="0.4", ls=":", lw=1.0)
    axis.text(times[-1], 0.3, "limit of a valid forecast", color="0.4", fontsize=8, ha="right", va="top")
    axis.set(xlabel=f"time since the start [{truth.unit}]", ylabel="median normalised error [1]", ylim=(1e-12, 10))
    axis.legend(frameon=False, loc="lower right")
    return figure
