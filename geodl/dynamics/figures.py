"""What people look at first: the attractor, a forecast, and the growth of its error."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from geodl.dynamics.forecast import rollout
from geodl.dynamics.skill import error_growth, initial_state, truth_of
from geodl.train.evaluate import SURROGATE, models
from geodl.train.plots import SURROGATE_COLOUR, TRUTH_COLOUR, axes_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geodl.core.surrogate import Surrogate


def figures(surrogate: "Surrogate", test: xr.Dataset) -> "dict[str, Figure]":
    """Attractor, forecast and error growth of a surrogate on test trajectories."""
    truth, unit_time, unit, climate_std = truth_of(surrogate, test)
    path = rollout(surrogate.core, initial_state(truth), len(truth) - 1).cpu().double().numpy()
    names = list(surrogate.family.options["state"])
    units = list(surrogate.family.options["state"].values())
    labels = [f"{name} [{unit}]" for name, unit in zip(names, units, strict=True)]
    dt = surrogate.family.options["dt"]
    drawn = {"Forecast": _forecast(path, truth, labels, np.arange(len(truth)) * dt / unit_time, unit)}
    drawn["Error growth"] = _growth(surrogate, truth, climate_std, dt / unit_time, unit)
    return drawn if len(names) < 2 else {"Attractor": _attractor(path, truth, labels), **drawn}


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


def _forecast(path: np.ndarray, truth: np.ndarray, labels: list[str], times: np.ndarray, unit: str) -> "Figure":
    """Every component of the first start over time."""
    figure, grid = axes_grid(len(labels), width=8.0, height=1.8, columns=1)
    for i, (axis, label) in enumerate(zip(grid, labels, strict=True)):
        axis.plot(times, truth[:, 0, i], color=TRUTH_COLOUR, lw=1.0, label="truth")
        axis.plot(times, path[:, 0, i], color=SURROGATE_COLOUR, lw=1.0, ls="--", label="surrogate")
        axis.set(ylabel=label)
    grid[0].legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    grid[-1].set(xlabel=f"time since the start [{unit}]")
    return figure


def _growth(surrogate: "Surrogate", truth: np.ndarray, climate_std: float, step: float, unit: str) -> "Figure":
    figure, (axis,) = axes_grid(1, width=8.0, height=4.0)
    for name, core in models(surrogate).items():
        growth = error_growth(core, truth, climate_std)
        own = {"color": SURROGATE_COLOUR, "lw": 2.0} if name == SURROGATE else {"lw": 1.0}
        axis.semilogy(np.arange(1, len(growth)) * step, np.maximum(growth[1:], 1e-17), label=name, **own)
    axis.axhline(0.4, color="0.4", ls=":", lw=1.0)
    axis.text(0, 0.45, "limit of a valid forecast", color="0.4", fontsize=8)
    axis.set(xlabel=f"time since the start [{unit}]", ylabel="median normalised error [1]", ylim=(1e-12, 10))
    axis.legend(frameon=False, loc="lower right")
    return figure
