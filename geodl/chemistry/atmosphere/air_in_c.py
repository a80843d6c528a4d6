"""Emulators of air in C: what the sources in the folder c read of a surrogate."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch

from geodl.chemistry.atmosphere import air_features, air_network
from geodl.chemistry.atmosphere.air_emulator import UNDERSHOOT, EmulatedAir
from geodl.chemistry.atmosphere.air_network import AirNetwork
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.chemistry.in_c import dense_member, projection_tables
from geodl.chemistry.surrogate import projection
from geodl.core.code import Argument, Code
from geodl.core.surrogate import Surrogate
from geodl.errors import ExportError
from geodl.exports.guard import SOURCE as GUARD
from geodl.exports.guard import guard_tables

SOURCES = [GUARD, *(Path(__file__).parents[1] / "c" / name for name in ("projection.h", "air.h"))]
SPREAD = 0.5  # of cells to check by, in standard deviations
DT = 300.0  # s, of the same
ARGUMENTS = (
    Argument("temperature", "K", "temperature"),
    Argument("pressure", "Pa", "pressure"),
    Argument(
        "concentration", "mol m-3", "concentrations; M, N2, O2 and H2O act, and stay as they are", "in", ("species",)
    ),
    Argument("photolysis", "1", "share of the shipped photolysis rates"),
    Argument("emission", "mol m-3 s-1", "emission during the step", "in", ("species",)),
    Argument("dt", "s", "time step"),
    Argument("concentration_after", "mol m-3", "concentrations after the time step", "out", ("species",)),
)
STATUS = (
    "ok",
    "frozen: does not occur",
    "out of domain: the answer is not to be relied upon; what is no cell at all stays unchanged",
    "clipped: the projection onto the families had to be limited, not to be relied upon",
)


def code(surrogate: Surrogate) -> Code:
    """An emulator of air as C.

    Raises:
        ExportError: a mechanism without conserved families.
    """
    network = surrogate.core.network
    assert isinstance(network, AirNetwork)
    mechanism = LumpedMechanism.from_record(dict(surrogate.family.options["mechanism"]))
    if not network.families:
        raise ExportError(f"{mechanism.name} conserves no family: an emulator of it cannot be written in C")
    return Code(
        call="advance",
        arguments=ARGUMENTS,
        axes={"species": mechanism.species},
        status=STATUS,
        sizes=_sizes(network, mechanism),
        tables={
            **projection_tables(network.projection, network.active),
            **_constants(network, mechanism),
            **_networks(network),
            **guard_tables(surrogate.guard),
        },
        sources=tuple(SOURCES),
        dense="DENSE",
        fingerprint=mechanism.fingerprint,
        double=surrogate.core.at()[0] == torch.float64,
        inputs=functools.partial(inputs, surrogate, mechanism),
        answer=functools.partial(answer, surrogate),
    )


def inputs(surrogate: Surrogate, mechanism: LumpedMechanism, count: int, seed: int) -> tuple[np.ndarray, ...]:
    """Cells like those of training: concentrations around those that the guard knows, in air that emits as shipped."""
    random, network = np.random.default_rng(seed), surrogate.core.network
    assert isinstance(network, AirNetwork)
    t, p = random.uniform(270, 300, count), random.uniform(9e4, 1e5, count)
    c = np.tile(mechanism.row(mechanism.concentration), (count, 1))
    logs = surrogate.guard.mean.numpy()[air_features.NUMBERS : -1] + SPREAD * random.normal(size=(count, network.seen))
    c[:, network.active[: network.seen]] = (np.exp(logs) - air_network.UNLEARNED).clip(0)
    c[:, network.absent] = 0
    emission = random.uniform(0, 1, (count, 1)) * mechanism.row(mechanism.emission)
    return t, p, c, random.uniform(0, 1, count), emission, np.full(count, DT)


def answer(
    surrogate: Surrogate, t: np.ndarray, p: np.ndarray, c: np.ndarray, light: np.ndarray, emission: np.ndarray,
    dt: np.ndarray,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """What Python makes of cells, which have one time step."""
    after = EmulatedAir(surrogate).advance(t, p, c, float(dt[0]), photolysis=light, emission=emission)
    return np.asarray(after.concentration), np.asarray(after.status)


def _sizes(network: AirNetwork, mechanism: LumpedMechanism) -> dict[str, int]:
    hidden, pools = network.shape.hidden, network.pools.count
    inputs = air_features.NUMBERS + network.seen + pools
    return {
        "SPECIES": len(mechanism.species),
        "ACTIVE": len(network.active),
        "SEEN": network.seen,
        "POOLS": pools,
        "ELEMENTS": network.projection.rows,
        "FEATURES": air_features.NUMBERS + network.seen + 1,
        "MEMBERS": len(network.dense),
        "LAYERS": len(hidden) + 1,
        "SWEEPS": projection._SWEEPS,
        "VAPOUR": network.vapour[0] if network.vapour else -1,
        "ABSENT_SPECIES": len(network.absent),
        "WIDEST": max(max(hidden, default=0) + inputs, network.seen + len(network.active)),
    }


def _constants(network: AirNetwork, mechanism: LumpedMechanism) -> dict[str, Any]:
    return {
        "TEMPERATURE": air_features._TEMPERATURE,
        "PRESSURE": air_features._PRESSURE,
        "GAS_CONSTANT": air_features.GAS_CONSTANT,
        "TIME": air_features.TIME,
        "DRY": air_features._DRY,
        "DIM": air_features._DIM,
        "DARK": air_features._DARK,
        "CLEAN": air_features._CLEAN,
        "SHIPPED": network.shipped,
        "SHARE": mechanism.row(mechanism.emission) / network.shipped,
        "FOLDS": air_network._FOLDS,
        "SLOWEST": air_network._SLOWEST,
        "FASTEST": air_network._FASTEST,
        "AT_ONCE": air_network._AT_ONCE * air_features.TIME,
        "ABOVE": air_network._ABOVE,
        "UNDERSHOOT": UNDERSHOOT,
        "GUARD_TRACE": air_network.UNLEARNED,
        "MISSING": np.array([*network.absent, 0]),
    }


def _networks(network: AirNetwork) -> dict[str, Any]:
    pools, scale = network.pools, network.scale
    shares = pools.shares.detach().double() - pools.size.double()
    return {
        "TRACE": network.trace.numpy(),
        "USUAL": network.usual.double().numpy(),
        "MEAN": scale.mean.double().numpy(),
        "STD": scale.std.double().numpy(),
        "POOL": shares.exp().numpy(),
        "POOL_MEAN": pools.mean.double().numpy(),
        "POOL_STD": pools.std.double().numpy(),
        "DENSE": [dense_member(member) for member in network.dense],
        "LARGEST_CORRECTION": float(network.largest_correction),
        "LARGEST_SPREAD": float(network.largest_spread),
    }
