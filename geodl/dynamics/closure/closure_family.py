"""The two-scale Lorenz-96 system as a member of the family: slow sites now to slow sites at the next lead times."""

import functools
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from geodl.core.contract import Baseline, Family, Tensors
from geodl.core.schema import Axis, Schema, Variable
from geodl.dynamics.closure.closure import (
    ONLINE,
    ClosedLorenz96,
    LocalNetworkClosure,
    WilksClosure,
    train_offline,
    train_online,
)
from geodl.dynamics.closure.closure_figures import figures
from geodl.dynamics.closure.two_scale import subgrid_tendency, two_scale_dataset
from geodl.dynamics.lorenz96 import SITES
from geodl.dynamics.windows import windows
from geodl.train.baselines import State, mean

if TYPE_CHECKING:
    from geodl.dynamics.family import Options

ABOUT = "closure of the two-scale Lorenz-96 system: slow sites now to slow sites at the next lead times"
CURRICULUM = (4, 16)  # leads of the roll-outs that the network is trained on before those of the options
_SETTINGS = {**ONLINE.jsonable(), "clip": 1.0}
_CITATIONS = (
    "Lorenz 1996, Predictability: a problem partly solved, ECMWF seminar on predictability 1",
    "Wilks 2005, Effects of stochastic parametrizations in the Lorenz '96 system, Q. J. R. Meteorol. Soc. 131, 389",
    "Rasp 2020, Coupled online learning as a way to tackle instabilities and biases in neural network "
    "parameterizations, Geosci. Model Dev. 13, 2185",
)


def closure_family(options: "Options") -> Family:
    """The family of these options: K = 8, F = 20, a network as closure, trained through the solver."""
    return Family(
        name="dynamics",
        about=ABOUT,
        options=options.jsonable(),
        schema=schema(options),
        build=functools.partial(model, options),
        group="member",
        samples=functools.partial(
            windows, names=("X",), dt=options.dt, leads=options.leads, stride=options.stride or options.leads,
            time_units="1",
        ),
        example=lambda seed: two_scale_dataset(100, options.leads + 2, options.dt, seed=seed, spin_up=0.5),
        warm_start=curriculum,
        baselines={"mean": mean(), "no closure": polynomial(options, 0), "Wilks": polynomial(options, 4)},
        generate=functools.partial(two_scale_dataset, members=64, points=1000, dt=options.dt),
        figures=figures,
        settings=_SETTINGS,
        citations=_CITATIONS,
    )  # fmt: skip


def schema(options: "Options") -> Schema:
    """X at the sites in, X at the sites along ``lead`` out, in its own units: one network sees every site alike."""
    times = tuple(round(options.dt * (k + 1), 12) for k in range(options.leads))
    axes = (
        Axis("lead", times, "1", "time since the initial state"),
        Axis("site", tuple(range(1, SITES + 1)), "1", "place on the ring"),
    )
    now = Variable("X", "1", "slow variable at the initial time", dims=("site",), scale="none")
    later = Variable("X", "1", "slow variable at the lead time", dims=("lead", "site"), scale="none")
    return Schema((now,), (later,), axes)


def model(options: "Options") -> ClosedLorenz96:
    """The untrained network in the one-scale equations."""
    closure = LocalNetworkClosure(width=options.width, depth=options.depth, activation=options.activation)
    return ClosedLorenz96(closure, options.leads, dt=options.dt, substeps=options.substeps or 1)


def curriculum(untrained: nn.Module, inputs: Tensors, targets: Tensors) -> None:
    """Regression on the subgrid tendency, then roll-outs of growing length up to the one that is asked for."""
    (slow,), (path,) = inputs, targets
    closure, dt, substeps = untrained.field.learned, untrained.dt, untrained.substeps  # type: ignore[union-attr]
    train_offline(closure, slow, first_tendency(slow, path, dt))  # type: ignore[arg-type]
    for leads in (leads for leads in CURRICULUM if leads < untrained.leads):  # type: ignore[operator]
        train_online(ClosedLorenz96(closure, leads, dt=dt, substeps=substeps), slow, path)  # type: ignore[arg-type]


def first_tendency(slow: Tensor, path: Tensor, dt: float) -> Tensor:
    """The subgrid tendency at the start of each window ``[sample, site]``."""
    return subgrid_tendency(torch.stack([slow, path[:, 0]]), dt)[0]


def polynomial(options: "Options", degree: int) -> Baseline:
    """The equations with a polynomial closure in the place of the network; of degree zero, with none."""

    def fit(inputs: Tensors, outputs: Tensors) -> State:
        closure = WilksClosure(degree)
        if degree:
            closure.fit(inputs[0], first_tendency(inputs[0], outputs[0], options.dt))
        return {"coefficients": closure.coefficients.to(inputs[0])}

    def predict(state: State, inputs: Tensors) -> Tensors:
        closure = WilksClosure(degree)
        closure.coefficients = state["coefficients"]
        closed: Tensors = ClosedLorenz96(closure, options.leads, dt=options.dt, substeps=options.substeps or 1)(*inputs)
        return closed

    return Baseline(f"polynomial closure of degree {degree}" if degree else "no closure", fit, predict)
