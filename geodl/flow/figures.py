"""What people look at first: the median and the worst prediction, drag, and errors by kind of body."""

import dataclasses
from typing import TYPE_CHECKING, Literal

import numpy as np
import xarray as xr

from geodl.core.contract import Tensors
from geodl.core.surrogate import Answer, Surrogate, predict
from geodl.flow import metrics
from geodl.flow.control_volume import control_volume_forces
from geodl.flow.maps import Flow, compared
from geodl.flow.scores import spacing
from geodl.train.evaluate import SURROGATE
from geodl.train.fit import prepare
from geodl.train.plots import SURROGATE_COLOUR, TRUTH_COLOUR, axes_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TICKS = tuple(digit * 10.0**power for power in range(-4, 5) for digit in (1, 2, 5))


@dataclasses.dataclass(frozen=True)
class Judged:
    """Test flows with all that was predicted of them.

    Attributes:
        inputs, truth: sdf and reynolds; u, v, p, drag and lift.
        answer: what the surrogate says.
        field_drag: by control volumes from the predicted fields ``[sample, box]``.
        rivals: outputs of the baselines by name.
        kinds: of the bodies ``[sample]``.
    """

    surrogate: Surrogate
    inputs: Tensors
    truth: Tensors
    answer: Answer
    field_drag: np.ndarray
    rivals: dict[str, Tensors]
    kinds: np.ndarray

    @classmethod
    def of(cls, surrogate: Surrogate, test: xr.Dataset) -> "Judged":
        """Everything predicted once."""
        inputs, truth = prepare(surrogate.family, test, surrogate.core.at()[0])
        answer = surrogate.judged(inputs)
        u, v, p, *_ = answer.outputs
        forces = control_volume_forces((u, v, p), inputs[0], reynolds=inputs[1], spacing=spacing(surrogate))
        rivals = {name: predict(core, inputs) for name, core in surrogate.rivals.items()}
        kinds = _kinds(surrogate.family.samples(test)[0], len(inputs[0]))
        return cls(surrogate, inputs, truth, answer, forces.drag.double().numpy(), rivals, kinds)

    def errors(self, outputs: Tensors) -> dict[str, np.ndarray]:
        """Of velocity and drag of every flow, in percent ``[sample]``."""
        velocity = metrics.velocity_error(outputs, self.truth, metrics.fluid(self.inputs[0]))
        drag = (outputs[3] / self.truth[3] - 1).abs()
        return {"velocity": 100 * velocity.double().numpy(), "drag": 100 * drag.double().numpy()}

    def drag(self) -> dict[str, np.ndarray]:
        """Reynolds number, true drag, that of the head with its interval, and that of the field ``[sample]``."""
        tensors = {
            "reynolds": self.inputs[1],
            "truth": self.truth[3],
            "head": self.answer.outputs[3],
            "low": self.answer.low[3],
            "high": self.answer.high[3],
        }
        return {name: x.double().numpy() for name, x in tensors.items()} | {"field": self.field_drag.mean(1)}

    def flow(self, outputs: Tensors, row: int) -> Flow:
        """One flow of many outputs."""
        axes = (self.surrogate.family.schema.axis(name) for name in ("x", "y"))
        x, y = (np.array(axis.labels, dtype=float) for axis in axes if axis is not None)
        return Flow(x, y, *(field[row].double().numpy() for field in (self.inputs[0], *outputs[:3])))

    @property
    def colours(self) -> dict[str, str]:
        """One for every kind of body."""
        return {str(kind): f"C{i % 10}" for i, kind in enumerate(np.unique(self.kinds))}


def _kinds(inputs: xr.Dataset, count: int) -> np.ndarray:
    if "shape" in inputs.coords and inputs["shape"].size == count:
        return inputs["shape"].values.ravel().astype(str)
    return np.full(count, "all bodies")


def figures(surrogate: Surrogate, test: xr.Dataset) -> "dict[str, Figure]":
    """The median and the worst flow, drag over the Reynolds number and over the true drag, errors by kind of body.

    Raises:
        SchemaError, UnitsError, NonFiniteError, DomainError: the test data do not fit the family.
    """
    judged = Judged.of(surrogate, test)
    order = np.argsort(judged.errors(judged.answer.outputs)["velocity"])
    return {
        "Median flow": _case(judged, int(order[len(order) // 2])),
        "Worst flow": _case(judged, int(order[-1])),
        "Drag polar": _polar(judged),
        "Drag, predicted over true": _drag(judged),
        "Errors by kind of body": _by_kind(judged),
    }


def _case(judged: Judged, row: int) -> "Figure":
    drag = {name: float(values[row]) for name, values in judged.drag().items()}
    error = float(judged.errors(judged.answer.outputs)["velocity"][row])
    title = f"{judged.kinds[row]}, Re {drag['reynolds']:.3g}: relative error of the velocity {error:.3g} %"
    found = f"prediction: Cd {drag['head']:.3f} by the head, {drag['field']:.3f} by the field"
    truth, predicted = (judged.flow(outputs, row) for outputs in (judged.truth, judged.answer.outputs))
    return compared(truth, predicted, title, (f"reference: Cd {drag['truth']:.3f}", found))


def _polar(judged: Judged) -> "Figure":
    """Drag over the Reynolds number, of the head and of the field, each beside the reference."""
    figure, axes = axes_grid(2, width=6.4, height=4.6)
    drag, level = judged.drag(), judged.surrogate.intervals.level
    spans = {"head": (drag["low"], drag["high"]), "field": (judged.field_drag.min(1), judged.field_drag.max(1))}
    titles = (f"by the head, with its {level:.0%} interval", "by the field, with the range over three boxes")
    for axis, (name, span), title in zip(axes, spans.items(), titles, strict=True):
        for kind, colour in judged.colours.items():
            rows = judged.kinds == kind
            re = drag["reynolds"][rows]
            axis.vlines(re, span[0][rows], span[1][rows], color=colour, lw=0.8, alpha=0.6)
            axis.plot(re, drag[name][rows], ".", ms=5, color=colour, label=kind.replace("_", " "))
        axis.plot(
            drag["reynolds"], drag["truth"], "o", ms=5, mfc="none", mew=0.5, color=TRUTH_COLOUR, label="reference"
        )
        axis.set(xlabel="Reynolds number [1]", ylabel="drag coefficient [1]", title=title, xscale="log")
        axis.set_ylim(*_around(drag["truth"]))
        _plain_ticks(axis, "x")
    axes[0].legend(frameon=False, fontsize=8, ncols=2)
    return figure


def _around(values: np.ndarray) -> tuple[float, float]:
    """Limits with room for intervals beside the values."""
    room = 0.15 * float(np.ptp(values))
    return max(float(values.min()) - room, 0.0), float(values.max()) + room


def _drag(judged: Judged) -> "Figure":
    """Predicted over true drag, of the head and of the field, and the band of the head's interval."""
    figure, (axis,) = axes_grid(1, width=5.4, height=5.2)
    drag = judged.drag()
    ends = np.array(_around(drag["truth"]))
    factors = [float(np.median(drag[end] / drag["head"])) for end in ("low", "high")]
    label = f"{judged.surrogate.intervals.level:.0%} interval of the head"
    axis.fill_between(ends, ends / factors[1], ends / factors[0], color=SURROGATE_COLOUR, alpha=0.12, lw=0, label=label)
    axis.plot(ends, ends, color=TRUTH_COLOUR, lw=0.8)
    axis.plot(drag["truth"], drag["field"], "x", ms=4, mew=0.8, color="C1", label="by the field")
    axis.plot(drag["truth"], drag["head"], ".", ms=5, color=SURROGATE_COLOUR, label="by the head")
    axis.set(xlabel="true drag coefficient [1]", ylabel="predicted drag coefficient [1]", xlim=ends, ylim=ends)
    axis.legend(frameon=False)
    return figure


def _by_kind(judged: Judged) -> "Figure":
    """A point for every flow and model, and the median of each kind."""
    figure, axes = axes_grid(2, width=6.4, height=4.4)
    models = {SURROGATE: judged.answer.outputs, **judged.rivals}
    for i, (name, outputs) in enumerate(models.items()):
        colour = SURROGATE_COLOUR if name == SURROGATE else f"C{i}"
        shift = 0.24 * (i - (len(models) - 1) / 2)
        for axis, errors in zip(axes, judged.errors(outputs).values(), strict=True):
            _strip(axis, [errors[judged.kinds == kind] for kind in judged.colours], shift, colour, name)
    for axis, what in zip(axes, ("velocity", "drag"), strict=True):
        points = np.concatenate([judged.errors(outputs)[what] for outputs in models.values()])
        axis.set_ylim(0.8 * float(np.quantile(points, 0.02)), 1.2 * float(points.max()))  # some are right by chance
        axis.set(yscale="log", ylabel=f"relative error of the {what} [%]", xlabel="kind of body")
        axis.set_xticks(range(len(judged.colours)), [kind.replace("_", "\n") for kind in judged.colours], fontsize=8)
        _plain_ticks(axis, "y")
    axes[0].legend(frameon=False, markerscale=3)
    return figure


def _strip(axis: "Axes", groups: list[np.ndarray], shift: float, colour: str, label: str) -> None:
    """Points of each group around a place of its own, a line at their median."""
    for place, values in enumerate(groups):
        around = place + shift + np.linspace(-0.08, 0.08, len(values))
        axis.plot(around, values, ".", ms=3, alpha=0.6, label=None if place else label, color=colour)
        axis.plot(place + shift + np.array([-0.1, 0.1]), [np.median(values)] * 2, lw=1.6, color=colour)


def _plain_ticks(axis: "Axes", which: Literal["x", "y"]) -> None:
    """Numbers in the place of powers of ten, of which a range such as 5 to 40 has one."""
    low, high = axis.get_xlim() if which == "x" else axis.get_ylim()
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    (axis.set_xticks if which == "x" else axis.set_yticks)(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
