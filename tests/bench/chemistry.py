"""What a step of an emulator costs, part by part and beside Cantera, and how fast its training data are made."""

import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from geodl.chemistry.cases.fuels import HYDROGEN, METHANE, Fuel
from geodl.chemistry.cases.ignition import ignition_cases, ignition_start, reference_trajectory
from geodl.chemistry.data.generate import generate
from geodl.chemistry.mechanism.read import read_mechanism
from geodl.chemistry.reference import import_cantera
from geodl.chemistry.surrogate.box_cox import moved
from geodl.chemistry.surrogate.features import NUMBERS
from geodl.chemistry.surrogate.kinetics_network import KineticsNetwork, Shape
from geodl.core.contract import Claim
from tests.bench import air
from tests.bench.arithmetic import MATRIX, PRODUCT, operations
from tests.bench.timing import interleaved, median_ratio, repeated

Cells = tuple[Tensor, Tensor, Tensor, Tensor]

BATCH, ROUNDS, CALLS = 1024, 9, 20
FUELS = {"H2": HYDROGEN, "CH4": METHANE}


def claims() -> list[Claim]:
    """One thread; weights are those of an untrained network, which cost the same."""
    of_fuels = [(*step_claims(name, fuel), *label_claims(name, fuel)) for name, fuel in FUELS.items()]
    return [*itertools.chain(*of_fuels), *air.claims()]


def burning(fuel: Fuel) -> Cells:
    """Temperature, pressure, mass fractions and time step of cells on their way through an ignition."""
    mechanism = read_mechanism(fuel.mechanism)
    cases = ignition_cases(0, 32, temperature=fuel.temperature, pressure=fuel.pressure)
    times = np.linspace(0, 1e-3, BATCH // 32)
    path = reference_trajectory(fuel.mechanism, ignition_start(mechanism, cases, fuel.name), times, show=False)
    fractions = path.mass_fraction.reshape(BATCH, -1).clip(min=0)
    t, p, y = (torch.from_numpy(x) for x in (path.temperature.ravel(), path.pressure.ravel(), fractions))
    return t, p, y, torch.full_like(t, 1e-6)


@torch.no_grad()
def step_claims(name: str, fuel: Fuel) -> list[Claim]:
    """Microseconds per cell of a step and of its parts, and of Cantera's way from enthalpy to temperature."""
    mechanism = read_mechanism(fuel.mechanism)
    network = KineticsNetwork(mechanism, Shape(tuple(fuel.options.get("hidden", Shape().hidden)))).eval()
    parts, work = _parts(fuel, network, burning(fuel))
    seconds = interleaved({key: repeated(call, CALLS) for key, call in parts.items()}, ROUNDS)
    each = {key: 1e6 * statistics.median(values) / CALLS / BATCH for key, values in seconds.items()}
    rate = work / each["dense network"] / 1e3
    limit = 2 * MATRIX**3 / (each[PRODUCT] * BATCH) / 1e3
    rows = [Claim(f"{name}, {key}: time per cell", each[key], "us") for key in parts if key != PRODUCT]
    ours = median_ratio(seconds, "Cantera, temperature", "temperature")
    return [
        *rows,
        Claim(f"{name}: Cantera's temperature from enthalpy over ours", ours, "1"),
        Claim(f"{name}, dense network: GFLOP/s", rate, "1"),
        Claim(f"{name}, dense network: share of the rate of a large product of matrices", rate / limit, "1"),
    ]


def _parts(fuel: Fuel, network: KineticsNetwork, cells: Cells) -> tuple[dict[str, Callable[[], object]], int]:
    """What is timed, and the floating-point operations of the dense network for one cell."""
    gas, (t, p, y, dt) = import_cantera().Solution(fuel.mechanism), cells
    seen = network.look(t, p, y, dt)
    scaled, before = network.scale(seen), y[:, network.active]
    raw = moved(before, seen[:, NUMBERS : network.state], torch.full_like(before, 1e-4)).T
    enthalpy = network.thermo.enthalpy(t, y)
    square = torch.randn(MATRIX, MATRIX)
    dense = network.dense[0]

    def cantera() -> None:
        for i in range(BATCH):
            gas.HPY = float(enthalpy[i]), float(p[i]), y[i].numpy()

    return {
        "features": lambda: network.look(t, p, y, dt),
        "dense network": lambda: dense(scaled),
        "known states": lambda: network.domain(scaled[:, : network.state]),
        "projection": lambda: network.projection(raw, before.T),
        "temperature": lambda: network.thermo.temperature_from_enthalpy(enthalpy, y, t - 30),
        "step": lambda: network(t, p, y, dt),
        "Cantera, temperature": cantera,
        PRODUCT: lambda: square @ square,
    }, operations(dense)


def label_claims(name: str, fuel: Fuel) -> list[Claim]:
    """Labelled states that one core makes in a second."""
    begin = time.perf_counter()
    made = generate(
        0, mechanism=fuel.mechanism, fuel=fuel.name, **{**fuel.plan, "trajectories": 20, "flames": 0, "workers": 1}
    )
    seconds = time.perf_counter() - begin
    return [Claim(f"{name}: labelled states per second and core", made.sizes["sample"] / seconds, "s-1")]
