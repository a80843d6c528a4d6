"""The family of learned dynamical systems: from a state now to the states at the next lead times."""

import functools
import math
from typing import Annotated, Any, Literal

import torch
import xarray as xr
from pydantic import Field
from torch import Tensor, nn

from geodl.core.contract import Family, Recipe, Tensors
from geodl.core.mlp import Activation
from geodl.core.schema import Axis, Schema, Variable
from geodl.core.settings import Settings
from geodl.dynamics.closure.closure_family import closure_family
from geodl.dynamics.dataset import lorenz63_dataset
from geodl.dynamics.fields import BilinearField, MLPField
from geodl.dynamics.figures import figures
from geodl.dynamics.in_c import code
from geodl.dynamics.maps import persistence, polynomial_map
from geodl.dynamics.neural_ode import NeuralODE
from geodl.dynamics.ode.checks import METHODS, Engine
from geodl.dynamics.skill import prediction_times
from geodl.dynamics.windows import windows
from geodl.errors import OptionError
from geodl.train.baselines import mean

Positive = Annotated[int, Field(gt=0)]

# Full-batch quasi-Newton in double precision reaches the limit of a small smooth model.
_QUASI_NEWTON = {"optimizer": "lbfgs", "dtype": "float64", "threads": 1}
_SETTINGS: dict[str, dict[str, Any]] = {
    "bilinear": {**_QUASI_NEWTON, "epochs": 15, "line_steps": 20},
    "mlp": {**_QUASI_NEWTON, "epochs": 20, "line_steps": 100},
}
_SYSTEM_STRIDE = 1_000_003
_CITATIONS = (
    "Chen, Rubanova, Bettencourt & Duvenaud 2018, Neural ordinary differential equations, arXiv:1806.07366",
    "Fablet, Ouala & Herzet 2018, Bilinear residual neural network for the identification and forecasting of "
    "geophysical dynamics, EUSIPCO",
    "Lorenz 1963, Deterministic nonperiodic flow, J. Atmos. Sci. 20, 130",
)


class Options(Settings):
    """Options of the family.

    Attributes:
        system: "lorenz63" knows its equations; "data" is any series of scalar state variables; "lorenz96" is the
            slow part of the two-scale Lorenz-96 system with a learned closure, whose own options are dt, leads,
            stride, width, depth, activation and substeps.
        state: name and units of each state variable; for lorenz63 x, y and z without units.
        dt: time between two data points, in ``time_units``.
        leads: number of data intervals that one call forecasts and training looks at.
        stride: data points between two training windows; ``leads`` by default, so that each interval is seen once.
        field: the learned right-hand side.
        method: integrator, see `geodl.dynamics.odeint`.
        substeps: steps of a fixed-step method per data interval; by default 8 for the bilinear field, whose accuracy
            the integrator limits, and 1 for the MLP.
        adjoint: how gradients go through the integrator; all three are exact, checkpoint takes the least memory.
        engine: "fused" integrates on the CPU in C that is compiled on first use.
        polynomial_degree: degree of the polynomial baseline; by default the largest up to 6 with at most 500 monomials.
    """

    system: Literal["lorenz63", "data", "lorenz96"] = "lorenz63"
    state: dict[str, str] = Field(default={"x": "1", "y": "1", "z": "1"}, min_length=1)
    dt: Annotated[float, Field(gt=0)] = 0.01
    time_units: str = "1"
    leads: Positive = 8
    stride: Positive | None = None
    field: Literal["mlp", "bilinear"] = "bilinear"
    width: Positive = 32
    depth: Positive = 2
    activation: Activation = "tanh"
    method: Literal[METHODS] = "rk4"  # type: ignore[valid-type]
    substeps: Positive | None = None
    adjoint: Literal["discrete", "checkpoint", "autograd"] = "discrete"
    engine: Engine = "eager"
    polynomial_degree: Positive | None = None


def schema(options: Options) -> Schema:
    """State variables in, the same variables along ``lead`` out."""
    times = tuple(round(options.dt * (k + 1), 12) for k in range(options.leads))
    lead = Axis("lead", times, options.time_units, "time since the initial state")
    inputs = tuple(Variable(name, units, f"{name} at the initial time") for name, units in options.state.items())
    outputs = tuple(
        Variable(name, units, f"{name} at the lead time", dims=("lead",)) for name, units in options.state.items()
    )
    return Schema(inputs, outputs, (lead,))


def network(options: Options) -> NeuralODE:
    """The untrained network."""
    size = len(options.state)
    field: nn.Module
    if options.field == "bilinear":
        field = BilinearField(size)
    else:
        field = MLPField(size, options.width, options.depth, options.activation)
    substeps = options.substeps or {"bilinear": 8, "mlp": 1}[options.field]
    choice = {"method": options.method, "adjoint": options.adjoint, "engine": options.engine}
    return NeuralODE(field, options.leads, substeps=substeps, **choice)


def warm_start(untrained: nn.Module, inputs: Tensors, targets: Tensors) -> None:
    """Show the field the states of the training data and their change over one interval."""
    now: Tensor = torch.stack(inputs, -1)
    untrained.field.warm_start(now, torch.stack([y[:, 0] for y in targets], -1) - now)  # type: ignore[operator, union-attr]


def polynomial_degree(options: Options) -> int:
    """Degree of the polynomial baseline."""
    size = len(options.state)
    affordable = [degree for degree in range(1, 7) if math.comb(size + degree, degree) <= 500]
    return options.polynomial_degree or max(affordable, default=1)


def example(options: Options, seed: int) -> xr.Dataset:
    """A hundred short trajectories under the names and units of the options: of Lorenz-63, side by side if need be."""
    names, systems = list(options.state), list[xr.Dataset]()
    for first in range(0, len(names), 3):
        ours = dict(zip("xyz", names[first : first + 3], strict=False))
        starts = seed + _SYSTEM_STRIDE * first  # no two systems of any two examples share their starts
        ds = lorenz63_dataset(trajectories=100, points=options.leads + 1, dt=options.dt, seed=starts)
        systems.append(ds[list(ours)].rename(ours))
    renamed = xr.merge(systems, combine_attrs="override")
    for name, units in options.state.items():
        renamed[name].attrs["units"] = units
    renamed["time"].attrs["units"] = options.time_units
    return renamed


def make(options: Options) -> Family:
    """The family with its options fixed.

    Raises:
        OptionError: a state of one's own under the name of a system with known equations.
    """
    if options.system == "lorenz96":
        return closure_family(options)
    if options.system == "lorenz63" and options.state != Options().state:
        raise OptionError(
            f"system 'lorenz63' has the state {Options().state}, got {options.state}. "
            f"For your own series say system='data'."
        )
    return Family(
        name="dynamics",
        about=FAMILY.about,
        options=options.jsonable(),
        schema=schema(options),
        build=functools.partial(network, options),
        group="trajectory",
        samples=functools.partial(
            windows,
            names=tuple(options.state),
            dt=options.dt,
            leads=options.leads,
            stride=options.stride or options.leads,
            time_units=options.time_units,
        ),
        example=functools.partial(example, options),
        warm_start=warm_start,
        baselines={
            "mean": mean(),
            "persistence": persistence(options.leads),
            "linear": polynomial_map(1, options.leads),
            "polynomial": polynomial_map(polynomial_degree(options), options.leads),
        },
        generate=functools.partial(lorenz63_dataset, trajectories=20, points=200, dt=options.dt)
        if options.system == "lorenz63"
        else None,
        metrics=prediction_times,
        figures=figures,
        code=code,
        settings=_SETTINGS[options.field],
        citations=_CITATIONS,
    )


FAMILY = Recipe("learned dynamical systems: a state now to the states at the next lead times", Options, make)
