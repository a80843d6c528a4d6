"""How far surrogates are from reference flows around bodies that they have not seen, beside cheaper models."""

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from geodl.core.contract import Claim, Tensors
from geodl.core.surrogate import Surrogate, predict
from geodl.flow import metrics
from geodl.flow.cases.nearest import nearest_case
from geodl.flow.cases.obstacles import Obstacles
from geodl.flow.control_volume import control_volume_forces
from geodl.flow.scores import scores, spacing
from geodl.train.fit import prepare
from geodl.train.metrics import auroc

OURS = "U-Net ensemble"
_BARS = {
    ("velocity_error", "median"): ("<=", 0.015),
    ("field_drag_error", "median"): ("<=", 0.03),
    ("field_drag_error", "p95"): ("<=", 0.08),
    ("speed_in_body", "largest"): ("<=", 1e-6),
    ("divergence", "largest"): ("<=", 1e-5),
}
_SHOWN = {
    "velocity_error": ("median", "mean", "p95"),
    "near_body_error": ("median", "p95"),
    "pressure_error": ("median",),
    "drag_error": ("median", "p95"),
    "field_drag_error": ("median", "p95"),
    "speed_in_body": ("largest",),
    "divergence": ("largest",),
}
_BRIEF = (
    ("velocity_error", "median"),
    ("near_body_error", "median"),
    ("field_drag_error", "median"),
    ("speed_in_body", "largest"),
    ("divergence", "largest"),
)
_WORDS = {
    "velocity_error": "relative error of the velocity",
    "near_body_error": "the same within a frontal height of the body",
    "pressure_error": "relative error of the pressure",
    "drag_error": "error of the drag",
    "field_drag_error": "error of the drag by control volumes",
    "speed_in_body": "speed in the body",
    "divergence": "divergence times spacing",
}


def worst_of_seeds(each: Sequence[xr.Dataset]) -> list[Claim]:
    """Every score of our surrogate, the worst of its seeds."""
    shown = [(score, statistic) for score, statistics in _SHOWN.items() for statistic in statistics]
    return [Claim(_title(OURS, *row), _worst(each, *row), "1", _BARS.get(row)) for row in shown]


def in_brief(name: str, each: Sequence[xr.Dataset]) -> list[Claim]:
    """A few scores of another surrogate, the worst of its seeds; nothing is demanded."""
    return [Claim(_title(name, *row), _worst(each, *row), "1") for row in _BRIEF]


def _title(name: str, score: str, statistic: str) -> str:
    return f"{name}: {_WORDS[score]}, {statistic}"


def _worst(each: Sequence[xr.Dataset], score: str, statistic: str) -> float:
    return max(float(s[score].sel(model="surrogate", statistic=statistic)) for s in each)


def beside(each: Sequence[xr.Dataset], nearest: float) -> list[Claim]:
    """Errors of the mean flow, of the nearest case and of modes, and how much larger they are than ours."""
    ours = max(_median(s, "surrogate") for s in each)
    rivals = {"mean flow": _median(each[0], "mean flow"), "nearest case": nearest, "modes": _median(each[0], "modes")}
    claims = [Claim(f"{name}: {_WORDS['velocity_error']}, median", value, "1") for name, value in rivals.items()]
    bars = {"mean flow": 3.0, "nearest case": 2.0}
    return claims + [
        Claim(f"error of the {name} over that of the {OURS}", rivals[name] / ours, "1", (">=", bar))
        for name, bar in bars.items()
    ]


def _median(each: xr.Dataset, model: str) -> float:
    return float(each["velocity_error"].sel(model=model, statistic="median"))


def nearest_error(surrogate: Surrogate, flows: Obstacles, test: xr.Dataset) -> float:
    """Median error of the nearest training case."""
    made, dtype = surrogate.family, surrogate.core.at()[0]
    inputs, truth = prepare(made, test, dtype)
    found = nearest_case(inputs, prepare(made, flows.train, dtype), spacing(surrogate))
    return float(metrics.velocity_error(found, truth, metrics.fluid(inputs[0])).median())


def reference_forces(surrogate: Surrogate, test: xr.Dataset) -> list[Claim]:
    """What control volumes make of the reference itself: the floor of the drag from a field."""
    (sdf, reynolds), (u, v, p, drag, _) = prepare(surrogate.family, test, torch.float64)
    forces = control_volume_forces((u, v, p), sdf, reynolds=reynolds, spacing=spacing(surrogate))
    error = (forces.drag.mean(1) / drag - 1).abs()
    words = "reference: drag by control volumes against momentum exchange"
    return [
        Claim(f"{words}, median", float(error.median()), "1"),
        Claim(f"{words}, p95", float(error.quantile(0.95)), "1"),
    ]


def drag_coverage(surrogates: Sequence[Surrogate], test: xr.Dataset) -> list[Claim]:
    """Share of the drags inside their 90 % intervals, of the seed that is farthest from 90 %, and their width."""
    found = [_covered(surrogate, test) for surrogate in surrogates]
    farthest = max((share for share, _ in found), key=lambda share: abs(share - 0.9))
    return [
        Claim("share of drags in their 90 % interval, farthest seed", farthest, "1"),
        Claim("distance of that share from 90 %", abs(farthest - 0.9), "1", ("<=", 0.03)),
        Claim("half width of the interval of the drag, as a factor", max(width for _, width in found), "1"),
    ]


def _covered(surrogate: Surrogate, test: xr.Dataset) -> tuple[float, float]:
    inputs, truth = prepare(surrogate.family, test, surrogate.core.at()[0])
    errors = surrogate.intervals.errors(predict(surrogate.core, inputs), truth)[3]
    half = surrogate.intervals.halves()[3]
    return float((errors <= half).double().mean()), float(half.exp())


def vehicles(surrogates: Sequence[Surrogate], flows: Obstacles) -> list[Claim]:
    """Bodies of a kind that was never trained on: how wrong, and whether that is seen."""
    error = max(_median(scores(s, flows.vehicles), "surrogate") for s in surrogates)
    seen = min(_told_apart(s, flows) for s in surrogates)
    flagged = min(float((_distance(s, flows.vehicles) > float(s.guard.threshold)).mean()) for s in surrogates)
    return [
        Claim(f"vehicles: {_WORDS['velocity_error']}, median", error, "1", ("<=", 0.08)),
        Claim("vehicles: AUROC of the distance from the training data", seen, "1", (">=", 0.9)),
        Claim("vehicles: share flagged as out of domain", flagged, "1"),
        Claim("test bodies: share flagged as out of domain", _false_alarms(surrogates, flows.test), "1"),
    ]


def _told_apart(surrogate: Surrogate, flows: Obstacles) -> float:
    """AUROC of the distance from the training data, vehicles against test bodies."""
    unknown, known = _distance(surrogate, flows.vehicles), _distance(surrogate, flows.test)
    return auroc(np.concatenate([unknown, known]), np.arange(len(unknown) + len(known)) < len(unknown))


def _false_alarms(surrogates: Sequence[Surrogate], test: xr.Dataset) -> float:
    return max(float((_distance(s, test) > float(s.guard.threshold)).mean()) for s in surrogates)


def _distance(surrogate: Surrogate, ds: xr.Dataset) -> np.ndarray:
    inputs, _ = prepare(surrogate.family, ds, surrogate.core.at()[0])
    found: np.ndarray = surrogate.guard.score(surrogate.features(inputs)).numpy()
    return found


def kinds(surrogate: Surrogate, test: xr.Dataset) -> list[Claim]:
    """Median error of the velocity around each kind of body, first seed."""
    inputs, truth = prepare(surrogate.family, test, surrogate.core.at()[0])
    errors = _errors(predict(surrogate.core, inputs), truth, inputs).numpy()
    steady = surrogate.family.samples(test)[0]
    labels = steady["shape"].values.astype(str)
    return [
        Claim(f"{OURS}, {kind}: {_WORDS['velocity_error']}, median", float(np.median(errors[labels == kind])), "1")
        for kind in np.unique(labels)
    ]


def _errors(predicted: Tensors, truth: Tensors, inputs: Tensors) -> torch.Tensor:
    return metrics.velocity_error(predicted, truth, metrics.fluid(inputs[0]))
