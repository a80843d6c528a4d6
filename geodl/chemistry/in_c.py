"""Emulators of kinetics in C: what the sources in the folder c read of a surrogate."""

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from geodl.chemistry.emulator import MOST_PARTS, EmulatedChemistry
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.state import NEGATIVE_TOLERANCE, SUM_TOLERANCE
from geodl.chemistry.surrogate import kinetics_network, projection
from geodl.chemistry.surrogate.box_cox import FLOOR, FLOOR_ROOT, POWER
from geodl.chemistry.surrogate.dense import Dense
from geodl.chemistry.surrogate.domain import HIDDEN, DomainNetwork
from geodl.chemistry.surrogate.features import NUMBERS, PRESSURE, PRESSURE_COLUMN, TEMPERATURE, TIME
from geodl.chemistry.surrogate.kinetics_network import KineticsNetwork
from geodl.chemistry.surrogate.projection import Projection
from geodl.core.code import Argument, Code, DenseLayers
from geodl.core.guard import Guard
from geodl.core.surrogate import Surrogate
from geodl.exports.guard import ROUNDING, guard_tables
from geodl.exports.guard import SOURCE as GUARD

SOURCES = [GUARD, *(Path(__file__).with_name("c") / name for name in ("projection.h", "thermo.h", "kinetics.h"))]
SPREAD, RANGE, LONGEST = 0.5, (300.0, 3000.0), 2.5e-6  # of cells to check by: standard deviations, K, s
ARGUMENTS = (
    Argument("temperature", "K", "temperature"),
    Argument("pressure", "Pa", "pressure"),
    Argument("mass_fraction", "1", "mass fractions, their sum 1 to 1e-4, none below -1e-6", sizes=("species",)),
    Argument("dt", "s", "time step"),
    Argument("longest", "s", "longer time steps are taken in up to 8 equal parts; 0: never", "option"),
    Argument("temperature_after", "K", "temperature after the time step", "out"),
    Argument("mass_fraction_after", "1", "mass fractions after the time step", "out", ("species",)),
)
STATUS = (
    "ok",
    "frozen: too cold to react, unchanged",
    "out of domain: the answer is not to be relied upon; what is no cell at all stays unchanged",
    "clipped: the projection onto the elements had to be limited, not to be relied upon",
)


def code(surrogate: Surrogate) -> Code:
    """An emulator of combustion as C."""
    network, guard = surrogate.core.network, surrogate.guard
    assert isinstance(network, KineticsNetwork)
    mechanism = Mechanism.from_record(dict(surrogate.family.options["mechanism"]))
    return Code(
        call="advance",
        arguments=ARGUMENTS,
        axes={"species": mechanism.species},
        status=STATUS,
        sizes=_sizes(network, mechanism),
        tables={**_physics(network), **_networks(network), **guard_tables(guard)},
        sources=tuple(SOURCES),
        dense="DENSE",
        fingerprint=mechanism.fingerprint,
        double=surrogate.core.at()[0] == torch.float64,
        inputs=functools.partial(inputs, network, guard, mechanism),
        answer=functools.partial(answer, surrogate),
    )


def inputs(
    network: KineticsNetwork, guard: Guard, mechanism: Mechanism, count: int, seed: int
) -> tuple[np.ndarray | float, ...]:
    """Cells like those of training: the distribution that the guard knows, back from features to a state."""
    normal = np.random.default_rng(seed).normal(0, SPREAD, (count, len(guard.mean)))
    seen = guard.mean.numpy() + normal @ np.linalg.inv(guard.whiten.numpy())
    t, p, dt = seen[:, 0] * TEMPERATURE, np.exp(seen[:, PRESSURE_COLUMN]) * PRESSURE, np.exp(seen[:, 3]) * TIME
    y = np.zeros((count, len(mechanism.species)))
    y[:, network.active] = seen[:, NUMBERS : network.state].clip(FLOOR_ROOT) ** (1 / POWER)
    left = [i for i in range(len(mechanism.species)) if i not in network.active][:1]
    y[:, left] = (1 - y.sum(1, keepdims=True)).clip(0)
    return t.clip(*RANGE), p, y / y.sum(1, keepdims=True), dt, LONGEST


def answer(
    surrogate: Surrogate, t: np.ndarray, p: np.ndarray, y: np.ndarray, dt: np.ndarray, longest: float
) -> tuple[np.ndarray, ...]:
    """What Python makes of cells."""
    after = EmulatedChemistry(surrogate, longest=longest or math.inf).advance(t, p, y, dt)
    return np.asarray(after.temperature), np.asarray(after.mass_fraction), np.asarray(after.status)


def _sizes(network: KineticsNetwork, mechanism: Mechanism) -> dict[str, int]:
    hidden = network.shape.hidden
    features = len(network.scale.mean)
    return {
        "SPECIES": len(mechanism.species),
        "ACTIVE": len(network.active),
        "ELEMENTS": network.projection.rows,
        "BREAKS": len(network.thermo._breaks),
        "STATE": network.state,
        "FEATURES": features,
        "MEMBERS": len(network.dense),
        "LAYERS": len(hidden) + 1,
        "MOST_PARTS": MOST_PARTS,
        "SWEEPS": projection._SWEEPS,
        "WIDEST": max(max(hidden, default=0) + features, 2 * len(network.active), HIDDEN),
    }


def _physics(network: KineticsNetwork) -> dict[str, Any]:
    thermo = network.thermo
    rows = thermo._enthalpy if network.shape.constant == "pressure" else thermo._energy
    return {
        **projection_tables(network.projection, network.active),
        "THERMO": rows.numpy(),
        "BREAK": np.concatenate([thermo._breaks.numpy().ravel(), [thermo._hottest]]),
        "COLDEST": thermo._coldest,
        "FROZEN_BELOW": network.shape.frozen_below,
        "SLIGHT": projection._SLIGHT,
        "SUM_TOLERANCE": SUM_TOLERANCE,
        "NEGATIVE_TOLERANCE": NEGATIVE_TOLERANCE,
    }


def projection_tables(onto: Projection, active: Sequence[int]) -> dict[str, Any]:
    """What projection.h reads, and the columns of the species that it acts on."""
    return {
        "COLUMN": np.array(active),
        "ELEMENT": onto._matrix.numpy(),
        "PAIR": onto._products.numpy(),
        "COUNTING": onto._counting.numpy().astype(int),
        "SMALLEST_FACTOR": projection.SMALLEST_FACTOR,
        "SINGULAR": projection._SINGULAR,
        "LEAST": projection._LEAST,
        "ABSENT": projection._ABSENT,
        "EXACT": projection._EXACT,
    }


def _networks(network: KineticsNetwork) -> dict[str, Any]:
    scale, species = network.scale, slice(NUMBERS, network.state)
    return {
        "FLOOR": FLOOR,
        "FLOOR_ROOT": FLOOR_ROOT,
        "TEMPERATURE": TEMPERATURE,
        "PRESSURE": PRESSURE,
        "PER_TIME": 1 / TIME,
        "ENERGY": kinetics_network._ENERGY,
        "FOLDS": kinetics_network._FOLDS,
        "SLOWEST": kinetics_network._SLOWEST,
        "FASTEST": kinetics_network._FASTEST,
        "MEAN": scale.mean.double().numpy(),
        "PER_STD": 1 / scale.std.double().numpy(),
        "TWICE_STD": (2 * scale.std)[species].double().numpy(),
        "DENSE": [dense_member(member) for member in network.dense],
        "DOMAIN": DenseLayers.of(network.domain.dense),
        "DOMAIN_LEAST": _least(network.domain),
        "BUDGET": DenseLayers.of(network.budget.dense),
        "BUDGET_LEAST": _least(network.budget),
        "LARGEST_CORRECTION": network.largest_correction,
        "LARGEST_SPREAD": network.largest_spread,
    }


def dense_member(member: nn.Module) -> DenseLayers:
    """One of the dense networks of an ensemble."""
    assert isinstance(member, Dense)
    return DenseLayers.of(member.deep, member.straight)


def _least(network: DomainNetwork) -> float:
    return float(network.least) - ROUNDING * torch.finfo(network.least.dtype).eps
