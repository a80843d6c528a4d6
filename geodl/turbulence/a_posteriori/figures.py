"""What a correction did to a flow: the section of a duct, the profile of a channel."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from geodl.errors import SchemaError
from geodl.turbulence.a_posteriori.comparison import BASELINE, CORRECTED, TRUTH
from geodl.turbulence.a_posteriori.grid import DuctGrid
from geodl.turbulence.a_posteriori.stress import field

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def duct_section(compared: xr.Dataset) -> "Figure":
    """U as contours and the secondary flow as arrows, one panel per model, all in half heights and bulk velocities.

    Args:
        compared: what ``duct_with`` returns.
    Raises:
        SchemaError: there is no ``position`` or ``volume``.
        ShapeError: the cells are not a structured quarter duct.
    """
    from geodl.train.plots import axes_grid

    grid = DuctGrid.from_centres(field(compared, "position"), field(compared, "volume"))
    height, aspect = grid.y.faces[-1], grid.z.faces[-1] / grid.y.faces[-1]
    panels = {str(name): grid.fold(compared["velocity"].sel(model=name).values) for name in compared["model"].values}
    bulk = grid.average(next(iter(panels.values()))[..., 0])
    width = min(3.2 * aspect, 11.0)
    columns = 3 if aspect < 1.5 else 1
    figure, axes = axes_grid(len(panels), width=width + 1.0, height=width / aspect + 0.8, columns=columns)
    fastest = max(u[..., 0].max() for u in panels.values()) / bulk
    levels = np.arange(0, fastest + 0.1, 0.1)
    for axis, (name, velocity) in zip(axes, panels.items(), strict=True):
        drawn = axis.contourf(*_closed(grid, velocity[..., 0] / bulk, height), levels)
        strongest = float(np.hypot(velocity[..., 1], velocity[..., 2]).max() / bulk)
        if strongest > 1e-6:
            _arrows(axis, grid, velocity / bulk, height)
        axis.set(xlabel="z / h [1]", ylabel="y / h [1]", title=f"{name}: in section up to {strongest:.1%}")
        axis.set(xlim=(0, aspect), ylim=(0, 1), aspect="equal")
    figure.colorbar(drawn, ax=axes, label="U / bulk velocity [1]", format="%.1f", shrink=0.9)
    return figure


def _closed(grid: DuctGrid, field: np.ndarray, height: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z, y and values that reach the symmetries, where the field is level, and the walls, where it is zero."""
    z, y = (np.concatenate([[0], line.centres, line.faces[-1:]]) / height for line in (grid.z, grid.y))
    values = np.pad(np.pad(field, ((1, 0), (1, 0)), mode="edge"), ((0, 1), (0, 1)))
    return z, y, values.T


def _arrows(axis: "Axes", grid: DuctGrid, velocity: np.ndarray, height: float) -> None:
    """In-plane velocity on an even lattice; an arrow of 1 % of the bulk velocity is as long as one of its steps."""
    aspect, step = grid.z.faces[-1] / height, 0.08
    z, y = np.arange(step / 2, aspect, step), np.arange(step / 2, 1, step)
    rows, columns = (np.abs(line.centres[:, None] / height - at).argmin(0) for line, at in ((grid.z, z), (grid.y, y)))
    v, w = (velocity[np.ix_(rows, columns)][..., i].T for i in (1, 2))
    axis.quiver(z, y, w, v, color="white", angles="xy", scale_units="xy", scale=0.01 / step, units="xy", width=0.008)


def channel_profile(compared: xr.Dataset) -> "Figure":
    """U+ over y+ of every model.

    Args:
        compared: what ``channel_with`` returns.
    Raises:
        SchemaError: there is no ``wall_distance``.
    """
    from geodl.train.plots import SURROGATE_COLOUR, TRUTH_COLOUR, axes_grid

    if "wall_distance" not in compared:
        raise SchemaError(
            f"'wall_distance' is missing among {sorted(map(str, compared.data_vars))}: give channel_with's."
        )
    styles = {
        TRUTH: {"color": TRUTH_COLOUR, "ls": "", "marker": "o", "ms": 3, "mfc": "none", "markevery": 6},
        BASELINE: {"color": "0.6", "lw": 1.2},
        CORRECTED: {"color": SURROGATE_COLOUR, "lw": 1.8},
    }
    figure, (axis,) = axes_grid(1, width=6.0, height=4.0)
    for name in map(str, compared["model"].values):
        profile = compared["velocity"].sel(model=name).isel(i=0)
        axis.semilogx(compared["wall_distance"], profile, label=_label(compared, name), **styles[name])
    axis.set(xlabel="y u_tau / nu [1]", ylabel="U / u_tau [1]", xlim=(0.5, None))
    axis.legend(frameon=False)
    return figure


def _label(compared: xr.Dataset, name: str) -> str:
    label = str(compared.attrs.get("turbulence_model", name)) if name == BASELINE else name
    if "velocity_error" not in compared or name == TRUTH:
        return label
    return f"{label}: off by {float(compared['velocity_error'].sel(model=name)):.1%} of the centreline"
