"""Maps of a flow: speed, pressure and streamlines, with the body, alone or beside a prediction."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from geodl.errors import SchemaError
from geodl.train.plots import axes_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BODY_COLOUR, OUTLINE_COLOUR = "0.7", "0.2"
WIDTH = 4.3  # inches, of one map
MOST_LINES = 20  # streamlines from side to side
_EDDY_LINES = (-0.3, -0.1, -0.02, 0.02, 0.1, 0.3)  # in what flows between two of the others: eddies turn over little
_QUANTILE = 0.999  # of what is drawn: single cells at sharp corners do not set the colours of all others

What = Literal["speed", "pressure", "streamlines"]


class Look(NamedTuple):
    """How a field is drawn.

    Attributes:
        centred: whether the middle colour stands for zero.
    """

    label: str
    units: str
    cmap: str
    centred: bool = False


LOOKS: dict[What, Look] = {
    "speed": Look("speed / inflow speed", "1", "viridis"),
    "pressure": Look("p / (density U²)", "1", "RdBu_r", centred=True),
    "streamlines": Look("stream function / U", "m", "viridis"),
}


@dataclasses.dataclass(frozen=True)
class Flow:
    """One flow on the centres of its cells, in inflow speeds.

    Attributes:
        x, y: centres in m.
        body: positive in the fluid, negative in the body ``[y, x]``.
        u, v, p: ``[y, x]``.
    """

    x: np.ndarray
    y: np.ndarray
    body: np.ndarray
    u: np.ndarray
    v: np.ndarray
    p: np.ndarray

    @classmethod
    def of(cls, ds: xr.Dataset) -> "Flow":
        """One sample of a Dataset.

        Raises:
            SchemaError: it has another number of flows than one, or lacks a field.
        """
        body = next((name for name in ("sdf", "mask") if name in ds), None)
        if body is None or not {"u", "v", "p", "x", "y"} <= set(ds.variables):
            raise SchemaError(
                f"a flow has u, v, p, and sdf or mask, along y and x; this one has {sorted(map(str, ds.variables))}"
            )
        ds = ds[[body, "u", "v", "p"]].squeeze(drop=True)
        if set(ds["u"].dims) != {"y", "x"}:
            raise SchemaError(f"one flow can be drawn, and these are {dict(ds.sizes)}: choose one with isel(sample=0)")
        first, *fields = (ds[name].transpose("y", "x").values.astype(np.float64) for name in (body, "u", "v", "p"))
        return cls(ds["x"].values, ds["y"].values, first if body == "sdf" else 0.5 - first, *fields)

    def field(self, what: What) -> np.ndarray:
        """What a map of that name shows ``[y, x]``."""
        if what == "streamlines":
            return stream_function(self.u, float(self.y[1] - self.y[0]))
        speed: np.ndarray = np.hypot(self.u, self.v)
        return speed if what == "speed" else self.p


def stream_function(u: Float[np.ndarray, "*n y x"], spacing: float) -> Float[np.ndarray, "*n y x"]:
    """What flows below each cell centre, ∫ u dy from the lower side, in units of u times m.

    Its contours are streamlines, as far as the velocity keeps mass.
    """
    whole: np.ndarray = np.cumsum(u, axis=-2)
    return spacing * (whole - u / 2)


def flow_figure(flow: xr.Dataset, predicted: xr.Dataset | None = None, *, title: str = "") -> "Figure":
    """Maps of speed, pressure and streamlines of one flow; with a prediction, of both and of their difference.

    Args:
        flow: u, v in inflow speeds U, p in density U², and sdf (m) or mask, all [y, x]; one sample.
        predicted: u, v, p on the same cells.
    Raises:
        SchemaError: there is more than one flow, or a field is missing.
    """
    truth = Flow.of(flow)
    if predicted is None:
        return _alone(truth, title)
    body = {name: flow[name].squeeze(drop=True) for name in ("sdf", "mask") if name in flow}
    found = predicted[["u", "v", "p"]].squeeze(drop=True).assign(body)
    return compared(truth, Flow.of(found), title, ("reference", "prediction"))


def flow_map(axis: "Axes", flow: xr.Dataset, what: What = "speed") -> Any:
    """One map of one flow, without a colour bar; its title says what the colours reach from and to.

    Raises:
        SchemaError: there is more than one flow, or a field is missing.
    """
    one, look = Flow.of(flow), LOOKS[what]
    limits = _limits([one.field(what)], one.body, centred=look.centred)
    axis.set_title(f"{look.label}: {limits[0]:.2g} to {limits[1]:.3g} [{look.units}]", fontsize=10)
    return _draw(axis, one, one.field(what), look, limits)


def _alone(flow: Flow, title: str) -> "Figure":
    figure, axes = axes_grid(3, width=WIDTH, height=2.6)
    for axis, (what, look) in zip(axes, LOOKS.items(), strict=True):
        field = flow.field(what)
        _with_bar(axis, flow, field, look, _limits([field], flow.body, centred=look.centred))
    figure.suptitle(title)
    return figure


def compared(truth: Flow, predicted: Flow, title: str, columns: tuple[str, str]) -> "Figure":
    """Rows of speed, pressure and streamlines; columns of reference and prediction in the same colours, difference."""
    figure, axes = axes_grid(9, width=WIDTH, height=2.3)
    for row, (what, look) in enumerate(LOOKS.items()):
        left, middle, right = axes[3 * row : 3 * row + 3]
        pair = [truth.field(what), predicted.field(what)]
        limits = _limits(pair, truth.body, centred=look.centred)
        _draw(left, truth, pair[0], look, limits)
        _with_bar(middle, predicted, pair[1], look, limits)
        off, error = Look("difference", look.units, "PuOr_r", centred=True), pair[1] - pair[0]
        _with_bar(right, truth, error, off, _limits([error], truth.body, centred=True))
    for axis, words in zip(axes, (*columns, "difference"), strict=False):
        axis.set_title(words, fontsize=10)
    figure.suptitle(title)
    return figure


def _limits(fields: Sequence[np.ndarray], body: np.ndarray, *, centred: bool) -> tuple[float, float]:
    """Of the colours, from the fluid alone."""
    values = np.concatenate([field[body > 0] for field in fields])
    most = float(np.quantile(np.abs(values), _QUANTILE)) or 1.0
    return (-most, most) if centred else (0.0, most)


def _with_bar(axis: "Axes", flow: Flow, field: np.ndarray, look: Look, limits: tuple[float, float]) -> None:
    shown = _draw(axis, flow, field, look, limits)
    axis.figure.colorbar(shown, ax=axis, aspect=14, pad=0.02).set_label(f"{look.label} [{look.units}]")


def _draw(axis: "Axes", flow: Flow, field: np.ndarray, look: Look, limits: tuple[float, float]) -> Any:
    """A field in colours, streamlines if it is their function, and the body over them."""
    style: dict[str, Any] = {"cmap": look.cmap, "vmin": limits[0], "vmax": limits[1], "rasterized": True}
    shown = axis.pcolormesh(flow.x, flow.y, field, shading="nearest", **style)
    if look is LOOKS["streamlines"]:
        axis.contour(flow.x, flow.y, field, _levels(flow, field), colors="white", linewidths=0.5)
    inside = [min(float(flow.body.min()), -1.0), 0.0]
    axis.contourf(flow.x, flow.y, flow.body, inside, colors=BODY_COLOUR, zorder=3)
    axis.contour(flow.x, flow.y, flow.body, [0.0], colors=OUTLINE_COLOUR, linewidths=0.8, zorder=3)
    axis.set(aspect="equal", xlabel="x [m]", ylabel="y [m]")
    return shown


def _levels(flow: Flow, stream: np.ndarray) -> np.ndarray:
    """As much fluid between any two lines, and more lines close to the value of the body."""
    solid = flow.body <= 0
    at_body = float(stream[solid].mean()) if solid.any() else 0.0
    apart = float(np.ptp(stream)) / MOST_LINES
    steps = np.delete(np.arange(-MOST_LINES, MOST_LINES + 1.0), MOST_LINES)
    return np.sort(at_body + apart * np.concatenate([steps, _EDDY_LINES]))
