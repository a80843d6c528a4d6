"""A closure at a glance: what it says at every X, how far it forecasts, and the climate that it makes."""

from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from geodl.dynamics.closure.two_scale import subgrid_tendency
from geodl.dynamics.forecast import rollout
from geodl.train.evaluate import SURROGATE, models
from geodl.train.plots import SURROGATE_COLOUR, TRUTH_COLOUR, axes_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geodl.core.surrogate import Core, Surrogate

_COLOURS = {SURROGATE: SURROGATE_COLOUR, "Wilks": "#d1762f", "no closure": "0.6", "mean": "#8a6fb0"}
_POINTS = 3000  # of a scatter plot
_WORDS = {"x": "X [1]", "time": "time since the start [1]"}


def figures(surrogate: "Surrogate", test: xr.Dataset) -> "dict[str, Figure]":
    """Tendency against X, error growth, marginal distribution and Hovmöller diagram on test trajectories."""
    dtype, device = surrogate.core.at()
    truth = torch.from_numpy(test["X"].transpose("time", "member", "site").values).to(device, dtype)
    steps = len(truth) - 1
    paths = {name: forecast_path(core, truth[0], steps) for name, core in models(surrogate).items()}
    known, times = truth.double().cpu().numpy(), surrogate.family.options["dt"] * np.arange(steps + 1)
    return {
        "Subgrid tendency": _scatter(surrogate, truth),
        "Error growth": _growth(paths, known, times),
        "Marginal distribution": _marginal(paths, known),
        "Hovmoeller": _hovmoeller(paths[SURROGATE], known, times),
    }


def forecast_path(core: "Core", start: Tensor, steps: int) -> np.ndarray:
    """Slow sites ``[time, member, site]`` of a model from its starts ``[member, site]``."""
    return np.asarray(rollout(core, (start,), steps)[..., 0].double().cpu().numpy())


@torch.no_grad()
def _scatter(surrogate: "Surrogate", truth: Tensor) -> "Figure":
    """The tendency that the truth has, that the network gives in the same states, and the polynomial."""
    network, now = surrogate.core.network, truth[:-1].flatten(0, -2)
    true = subgrid_tendency(truth, surrogate.family.options["dt"]).flatten()
    given = network.field.learned(truth.new_zeros(()), now).flatten()  # type: ignore[operator, union-attr]
    x = now.flatten()
    some = torch.from_numpy(np.random.default_rng(0).choice(x.numel(), min(x.numel(), _POINTS), replace=False))
    figure, (axis,) = axes_grid(1, width=6.0, height=4.2)
    points = {"ls": "", "marker": ".", "ms": 2.5, "rasterized": True}
    axis.plot(x.cpu()[some], true.cpu()[some], color="0.7", label="truth", **points)
    axis.plot(x.cpu()[some], given.cpu()[some], color=SURROGATE_COLOUR, label="network", **points)
    if "Wilks" in surrogate.rivals:
        line = torch.linspace(float(x.min()), float(x.max()), 200)
        axis.plot(line, _polynomial(surrogate, line), color=_COLOURS["Wilks"], lw=1.6, label="Wilks")
    axis.set(xlabel=_WORDS["x"], ylabel="subgrid tendency of X [1]")
    axis.legend(frameon=False, markerscale=4)
    return figure


def _polynomial(surrogate: "Surrogate", x: Tensor) -> Tensor:
    coefficients = surrogate.rivals["Wilks"].network.get_buffer("coefficients").cpu()
    return (coefficients * x[:, None] ** torch.arange(len(coefficients))).sum(1)


def _growth(paths: dict[str, np.ndarray], truth: np.ndarray, times: np.ndarray) -> "Figure":
    """Median over the members of the error in units of the climate's standard deviation."""
    figure, (axis,) = axes_grid(1, width=6.0, height=3.6)
    scale = np.sqrt(truth.reshape(-1, truth.shape[-1]).var(0).sum())
    for name, path in paths.items():
        with np.errstate(over="ignore", invalid="ignore"):  # a forecast that blew up is a result
            growth = np.median(np.linalg.norm(path - truth, axis=-1) / scale, axis=1)
        axis.semilogy(times[1:], growth[1:], color=_COLOURS[name], lw=2.0 if name == SURROGATE else 1.2, label=name)
    axis.axhline(0.4, color="0.4", ls=":", lw=1.0)
    axis.text(times[-1], 0.37, "limit of a valid forecast", color="0.4", fontsize=8, ha="right", va="top")
    axis.set(xlabel=_WORDS["time"], ylabel="median normalised error [1]", xlim=(0, times[-1]))
    axis.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.05))
    return figure


def _marginal(paths: dict[str, np.ndarray], truth: np.ndarray) -> "Figure":
    """Densities of X over sites, members and the second half of the time, when the starts are forgotten."""
    figure, (axis,) = axes_grid(1, width=6.0, height=3.6)
    edges, half = np.linspace(truth.min() - 1, truth.max() + 1, 61), len(truth) // 2
    drawn = {"truth": truth, **{name: path for name, path in paths.items() if name != "mean"}}
    for name, path in drawn.items():
        density, _ = np.histogram(path[half:], edges, density=True)
        axis.stairs(density, edges, color=_COLOURS.get(name, TRUTH_COLOUR), lw=1.4, label=name)
    axis.set(xlabel=_WORDS["x"], ylabel="probability density [1]", xlim=(edges[0], edges[-1]))
    axis.legend(frameon=False)
    return figure


def _hovmoeller(path: np.ndarray, truth: np.ndarray, times: np.ndarray) -> "Figure":
    """X of the first member over site and time: truth, surrogate, and their difference."""
    figure, grid = axes_grid(3, width=3.2, height=5.0)
    sites, limit = np.arange(1, truth.shape[-1] + 1), float(np.abs(truth[:, 0]).max())
    panels = {"truth": truth[:, 0], "surrogate": path[:, 0], "surrogate − truth": path[:, 0] - truth[:, 0]}
    for axis, (title, values) in zip(grid, panels.items(), strict=True):
        mesh = axis.pcolormesh(sites, times, values, cmap="RdBu_r", vmin=-limit, vmax=limit, rasterized=True)
        axis.set(xlabel="site", title=title, xticks=sites)
    grid[0].set(ylabel=_WORDS["time"])
    figure.colorbar(mesh, ax=grid, label=_WORDS["x"], shrink=0.7)
    return figure
