"""Neural ODEs in C: what the sources in the folder c read of a surrogate."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch

from geodl.core.code import Argument, Code, DenseLayers
from geodl.core.schema import Schema
from geodl.core.surrogate import Surrogate, predict
from geodl.dynamics.fields import BilinearField, MLPField
from geodl.dynamics.neural_ode import NeuralODE
from geodl.dynamics.ode.tableau import TABLEAUS
from geodl.errors import ExportError
from geodl.exports.guard import SOURCE as GUARD
from geodl.exports.guard import guard_tables

FOLDER = Path(__file__).with_name("c")
SPREAD = 0.5  # of the states to check by, in standard deviations
STATUS = "ok", "out of domain: the forecast is not to be relied upon; where a number is none it is NaN"


def code(surrogate: Surrogate) -> Code:
    """A neural ODE as C.

    Raises:
        ExportError: its integrator chooses its own steps or is implicit, or its field is not one of the family.
    """
    network, schema = surrogate.core.network, surrogate.family.schema
    assert isinstance(network, NeuralODE)
    kind, sizes, tables = _field(network)
    tableau = TABLEAUS.get(network.choice["method"])
    if tableau is None or tableau.adaptive:
        raise ExportError(
            f"method {network.choice['method']!r} chooses its own steps: only fixed explicit ones go to C"
        )
    square = [[*row, *[0.0] * (tableau.stages - len(row))] for row in tableau.a]
    return Code(
        call="predict",
        arguments=_arguments(schema),
        axes={"lead": tuple(map(str, schema.axes[0].labels))},
        status=STATUS,
        sizes={
            "STATE": len(schema.inputs), "FEATURES": len(schema.inputs), "LEADS": network.leads,
            "SUBSTEPS": network.choice["substeps"], "STAGES": tableau.stages, **sizes,
        },
        tables={
            "A": np.array(square), "B": np.array(tableau.b), **_scales(surrogate), **tables,
            **guard_tables(surrogate.guard),
        },
        sources=(GUARD, FOLDER / f"field_{kind}.h", FOLDER / "forecast.h"),
        dense="FIELD" if kind == "mlp" else "",
        fingerprint=surrogate.sha256,
        double=surrogate.core.at()[0] == torch.float64,
        inputs=functools.partial(_inputs, surrogate),
        answer=functools.partial(_answer, surrogate),
    )  # fmt: skip


def _arguments(schema: Schema) -> tuple[Argument, ...]:
    ins = (Argument(v.name, v.units, v.about) for v in schema.inputs)
    outs = (Argument(f"{v.name}_after", v.units, v.about, "out", v.dims) for v in schema.outputs)
    return (*ins, *outs)


def _field(network: NeuralODE) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Which source, and its sizes and tables."""
    field = network.field
    if isinstance(field, BilinearField):
        weights = field.weights.detach().double().numpy()
        return "bilinear", {}, {"CONSTANT": field.constant.detach().double().numpy(), "WEIGHTS": weights}
    if not isinstance(field, MLPField):
        raise ExportError(f"a field of the kind {type(field).__name__} cannot be written in C")
    layers = DenseLayers.of(field.network)
    widest = max(max(weight.shape) for weight, _ in layers.layers)
    sizes = {"LAYERS": len(layers.layers), "WIDEST": widest, "ACTIVATION": layers.activation}
    return "mlp", sizes, {"FIELD": layers, "RATE": field.rate.double().numpy()}


def _scales(surrogate: Surrogate) -> dict[str, np.ndarray]:
    scalings = [surrogate.core._scaling(i) for i in surrogate.core._inputs]
    return {
        "MEAN": np.array([float(scaling.mean) for scaling in scalings]),
        "STD": np.array([float(scaling.std) for scaling in scalings]),
    }


def _inputs(surrogate: Surrogate, count: int, seed: int) -> tuple[np.ndarray, ...]:
    """States like those of training: the distribution that the guard knows."""
    guard, scales = surrogate.guard, _scales(surrogate)
    normal = np.random.default_rng(seed).normal(0, SPREAD, (count, len(guard.mean)))
    seen = guard.mean.numpy() + normal @ np.linalg.inv(guard.whiten.numpy())
    return tuple((seen * scales["STD"] + scales["MEAN"]).T.copy())


def _answer(surrogate: Surrogate, *states: np.ndarray) -> tuple[np.ndarray, ...]:
    """What Python makes of states, and whether they are known."""
    given = tuple(torch.from_numpy(np.asarray(state)).to(surrogate.core.at()[0]) for state in states)
    with torch.no_grad():
        later = [x.numpy() for x in predict(surrogate.core, given)]
    return *later, (~surrogate.in_domain(given)).numpy().astype(np.int8)
