"""Whether the guard of a surrogate sees what lies outside its training data."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr

from geodl.chemistry.cases.delays import Reference
from geodl.chemistry.cases.fuels import Fuel, trained
from geodl.chemistry.cases.reactor import Cells, Trajectory
from geodl.chemistry.data.generate import generate
from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.state import CLIPPED, OUT_OF_DOMAIN
from geodl.core.contract import Claim, Tensors
from geodl.core.surrogate import Surrogate
from geodl.train.fit import prepare
from geodl.train.metrics import auroc
from geodl.train.split import Split, split

AUROC = 0.98
FLAME_ONLY: dict[str, Any] = {"hidden": [32, 32]}
# factors from the lowest and from the highest value of a span of the training data
BELOW, ABOVE = (1 / 20, 1 / 4), (4.0, 20.0)
LEAN, RICH = (1 / 8, 1 / 3), (3.0, 8.0)
FOLDS = 10.0  # of odds by e, that count as much as one more threshold of distance
HOTTER = 500.0, 1000.0  # K above the hottest fresh gas


def outside(fuel: Fuel, data: xr.Dataset) -> dict[str, xr.Dataset]:
    """Labelled states that differ in one thing from the training data, by the name of what it is."""
    spans = {
        "lower pressures": {"pressure": _beyond(fuel, "pressure", BELOW, 0)},
        "higher pressures": {"pressure": _beyond(fuel, "pressure", ABOVE, 1)},
        "leaner mixtures": {"phi": _beyond(fuel, "phi", LEAN, 0)},
        "richer mixtures": {"phi": _beyond(fuel, "phi", RICH, 1)},
        "shorter steps": {"dt": _beyond(fuel, "dt", BELOW, 0)},
        "longer steps": {"dt": _beyond(fuel, "dt", ABOVE, 1)},
        "hotter fresh gas": {"temperature": ":".join(f"{fuel.span('temperature')[1] + more:g}" for more in HOTTER)},
    }
    few = {"trajectories": fuel.effort.outside, "flames": 0, "extinction": 0.0}
    mixture = {"mechanism": fuel.mechanism, "fuel": fuel.name}
    found = {name: generate(1, **{**mixture, **fuel.plan, **few, **span}) for name, span in spans.items()}
    return found | {"random compositions": random_compositions(data)}


def _beyond(fuel: Fuel, name: str, factors: tuple[float, float], end: int) -> str:
    return ":".join(f"{fuel.span(name)[end] * factor:g}" for factor in factors)


def random_compositions(data: xr.Dataset, *, seed: int = 0) -> xr.Dataset:
    """The states with mass fractions that are any, all species alike."""
    random = np.random.default_rng(seed).dirichlet(np.ones(data.sizes["species"]), data.sizes["sample"])
    return data.assign(mass_fraction=data["mass_fraction"].copy(data=random))


def doubt(surrogate: Surrogate, ds: xr.Dataset) -> np.ndarray:
    """How far states are from those of training, 1 where the guard begins to flag them [sample].

    The larger of two: the distance over its threshold, and how much less familiar than the least familiar ones.
    """
    inputs = _inputs(surrogate, ds)
    names = [variable.name for variable in surrogate.family.schema.diagnostics]
    familiarity = surrogate.judged(inputs).diagnostics[names.index("familiarity")].double()
    distance = surrogate.guard.score(surrogate.features(inputs)) / surrogate.guard.threshold
    return torch.maximum(distance, 1 - familiarity / FOLDS).numpy()


def flagged(surrogate: Surrogate, ds: xr.Dataset) -> np.ndarray:
    """Which states an `EmulatedChemistry` would not answer for [sample]."""
    state = EmulatedChemistry(surrogate).advance(*(x.double() for x in _inputs(surrogate, ds)))
    return np.isin(torch.as_tensor(state.status).numpy(), (OUT_OF_DOMAIN, CLIPPED))


def _inputs(surrogate: Surrogate, ds: xr.Dataset) -> Tensors:
    return prepare(surrogate.family, ds, torch.float64)[0]


def domain_claims(surrogate: Surrogate, known: xr.Dataset, unknown: Mapping[str, xr.Dataset]) -> list[Claim]:
    """How well the guard tells states outside from held-out ones inside, each kind counting alike."""
    inside, beyond = doubt(surrogate, known), {name: doubt(surrogate, ds) for name, ds in unknown.items()}
    each = {name: _told_apart(far, inside) for name, far in beyond.items()}
    return [
        Claim("AUROC of the guard, outside against inside", float(np.mean(list(each.values()))), "1", (">=", AUROC)),
        *(Claim(f"AUROC of the guard, {name}", value, "1") for name, value in each.items()),
        *(Claim(f"share flagged, {name}", float(flagged(surrogate, ds).mean()), "1") for name, ds in unknown.items()),
    ]


def false_alarm_claims(surrogate: Surrogate, known: xr.Dataset) -> list[Claim]:
    """How many held-out states inside are flagged."""
    return [Claim("share flagged, held-out states inside", float(flagged(surrogate, known).mean()), "1")]


def _told_apart(far: np.ndarray, near: np.ndarray) -> float:
    return auroc(np.concatenate([far, near]), np.arange(len(far) + len(near)) < len(far))


def flame_only(fuel: Fuel, parts: Split, *, seed: int = 0, device: str = "cpu") -> Surrogate:
    """A small surrogate that has seen nothing but flames: it visits none of its own, since reactors come with them."""
    states = xr.concat([parts.train, parts.valid, parts.test], "sample")  # judged on reactors alone
    data = states.isel(sample=(states["kind"] == "flame").values)
    flames = split(data, "trajectory", fractions=(0.5, 0.25, 0.25))
    alone = dataclasses.replace(fuel, visits=None)
    return trained(alone, flames.train, flames.valid, seed=seed, device=device, **FLAME_ONLY).surrogate


def refusal_claims(surrogate: Surrogate, reference: Reference, count: int = 10_000) -> list[Claim]:
    """How much of ignition in reactors a surrogate of flames refuses."""
    chemistry, rows = EmulatedChemistry(surrogate), reference.trajectory
    before = rows.temperature < rows.temperature[0] + 400.0
    first = _refused(chemistry, reference.start, reference.dt)
    states = np.random.default_rng(0).permutation(np.flatnonzero(before.ravel()))[:count]
    later = _refused(chemistry, _states(rows, states), reference.dt)
    return [
        Claim("trained on flames only: share of reactors refused at their first step", first, "1", (">=", 1.0)),
        Claim("trained on flames only: share of states before ignition refused", later, "1"),
    ]


def _refused(chemistry: EmulatedChemistry, cells: Cells, dt: float) -> float:
    status = chemistry.advance(cells.temperature, cells.pressure, cells.mass_fraction, dt).status
    return float(np.isin(status, (OUT_OF_DOMAIN, CLIPPED)).mean())


def _states(found: Trajectory, rows: np.ndarray) -> Cells:
    fractions = found.mass_fraction.reshape(-1, found.mass_fraction.shape[-1])
    return Cells(found.temperature.ravel()[rows], found.pressure.ravel()[rows], fractions[rows])
