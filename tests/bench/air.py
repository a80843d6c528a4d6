"""What the dense network of an emulator of air costs by its size, and what its arithmetic alone would take."""

import functools
import statistics
from collections.abc import Callable

import torch
from torch import Tensor

from geodl.chemistry.atmosphere.air_network import AirNetwork, AirShape
from geodl.chemistry.atmosphere.mechanism import read_lumped
from geodl.chemistry.surrogate.dense import Dense
from geodl.core.contract import Claim
from tests.bench.arithmetic import MATRIX, PRODUCT, operations
from tests.bench.timing import interleaved, repeated

BATCH, ROUNDS, CALLS = 1024, 9, 20
MECHANISM = "carbon_bond_5"
NETWORKS = {"4 x 128": (128, 128, 128, 128), "2 x 64": (64, 64), "no hidden layer": ()}


@torch.no_grad()
def claims() -> list[Claim]:
    """One thread; weights are those of an untrained network, which cost the same."""
    mechanism, square = read_lumped(MECHANISM), torch.randn(MATRIX, MATRIX)
    networks = {name: AirNetwork(mechanism, AirShape(hidden)).dense[0] for name, hidden in NETWORKS.items()}
    calls: dict[str, Callable[[], object]] = {PRODUCT: lambda: square @ square}
    calls |= {name: functools.partial(dense, seen(dense)) for name, dense in networks.items()}
    seconds = interleaved({key: repeated(call, CALLS) for key, call in calls.items()}, ROUNDS)
    taken = {key: statistics.median(values) / CALLS for key, values in seconds.items()}
    rate = 2 * MATRIX**3 / taken.pop(PRODUCT)
    return [
        *(
            Claim(f"air, {name}, dense network: time per cell", 1e6 * each / BATCH, "us")
            for name, each in taken.items()
        ),
        *(
            Claim(f"air, {name}: least time per cell, by arithmetic", 1e6 * operations(each) / rate, "us")
            for name, each in networks.items()
        ),
    ]


def seen(dense: Dense) -> Tensor:
    """What it is given of as many cells as are timed."""
    return torch.randn(BATCH, dense.straight.in_features)
