"""Figures that every family shares; each has labelled axes with units."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

SURROGATE_COLOUR, TRUTH_COLOUR = "#1b6ca8", "#222222"


def axes_grid(count: int, *, width: float = 4.2, height: float = 3.2, columns: int = 3) -> tuple[Figure, list]:  # type: ignore[type-arg]
    """A figure with ``count`` axes in rows of at most ``columns``; made without pyplot, so nothing stays open."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for unused in grid[count:]:
        unused.set_axis_off()
    return figure, list(grid[:count])


def loss_curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Training and validation loss per epoch, on a logarithmic axis."""
    figure, (axis,) = axes_grid(1, width=6.0, height=3.4)
    for key, colour in (("train", TRUTH_COLOUR), ("valid", SURROGATE_COLOUR)):
        points = [(entry["epoch"], entry[key]) for entry in history if key in entry]
        axis.semilogy(*zip(*points, strict=True), color=colour, label={"train": "training", "valid": "validation"}[key])
    axis.set(xlabel="epoch", ylabel="loss (scaled variables) [1]")
    axis.legend(frameon=False)
    return figure


def predicted_against_true(predicted: xr.Dataset, truth: xr.Dataset, names: Sequence[str]) -> Figure:
    """One panel per output: predicted over true values, and the diagonal where they agree."""
    figure, grid = axes_grid(len(names))
    for axis, name in zip(grid, names, strict=True):
        dims = truth[name].dims
        x, y = truth[name].values.ravel(), predicted[name].transpose(*dims).values.ravel()
        some = np.random.default_rng(0).choice(x.size, min(x.size, 4000), replace=False)
        axis.plot(x[some], y[some], ".", ms=2, color=SURROGATE_COLOUR, rasterized=True)
        ends = [x.min(), x.max()]
        axis.plot(ends, ends, color=TRUTH_COLOUR, lw=0.8)
        units = truth[name].attrs.get("units", "1")
        axis.set(xlabel=f"true {name} [{units}]", ylabel=f"predicted {name} [{units}]", title=name)
    return figure


def scores_by_model(scores: xr.Dataset, names: Sequence[str]) -> Figure:
    """Root mean square error of every model per output, averaged over trailing dimensions, on a logarithmic axis."""
    figure, grid = axes_grid(len(names))
    for axis, name in zip(grid, names, strict=True):
        score = scores[f"rmse_{name}"]
        mean = np.sqrt((score**2).mean([d for d in score.dims if d != "model"]))
        colours = [SURROGATE_COLOUR if m == "surrogate" else "0.65" for m in score["model"].values]
        axis.barh([str(m) for m in score["model"].values], mean, color=colours)
        axis.set_xscale("log")
        axis.invert_yaxis()
        axis.set(xlabel=f"root mean square error [{score.attrs['units']}]", title=name)
    return figure
