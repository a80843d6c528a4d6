"""Fuels whose kinetics are emulated: what is made to train on, and on what and how hard surrogates are judged."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from geodl.chemistry.cases.flame_speed import FreshGas
from geodl.chemistry.cases.visited import Visits, joined, visited
from geodl.chemistry.data.generate import generate
from geodl.chemistry.data.plan import Plan
from geodl.core.contract import Family, Tensors, family
from geodl.core.stopwatch import timed
from geodl.core.surrogate import Surrogate
from geodl.train.config import FitConfig
from geodl.train.fit import fit
from geodl.train.split import Split, split

Range = tuple[float, float]
LONGEST = 2.5e-6  # s, by cases of another seed than those that are judged
FRACTIONS = 0.9, 0.05, 0.05  # of the trajectories, to train on, to choose and calibrate on, and to judge


@dataclasses.dataclass(frozen=True)
class Bars:
    """What is demanded of a surrogate: largest relative errors, K, least factors, and minutes."""

    delay_median: float
    delay_p95: float
    delay_largest: float | None
    end_temperature: float
    flame_speed: float
    speed_up: float
    minutes: float


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much is computed to judge a surrogate.

    Attributes:
        horizons: length of the roll-outs in s for each time step in s.
        hold: s; roll-outs at least this long show whether what does not ignite stays as it is.
        cases: mixtures that are rolled out.
        equivalence_ratios: of flames.
        flame: options of `flame_speeds`.
        drift_steps: of the roll-out that adds up errors of elements and enthalpy.
        adversarial: states that no cell should ever be in.
        outside: trajectories of every kind that lies outside the domain.
        batches: of cells that are timed.
        repeats: of every timing.
    """

    horizons: Mapping[float, float]
    hold: float = 3e-3
    cases: int = 100
    equivalence_ratios: tuple[float, ...] = (0.6, 0.8, 1.0, 1.2, 1.4, 1.6)
    flame: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    drift_steps: int = 100_000
    adversarial: int = 10_000_000
    outside: int = 12
    batches: tuple[int, ...] = (256, 4096)
    repeats: int = 7


@dataclasses.dataclass(frozen=True)
class Rolling:
    """How training ends: with most batches in many parts, at a low rate, and not chosen by single steps.

    Attributes:
        share: of the weights at its end in those that are kept; the others are those before it. Long roll-outs take the
            bias out of delays, and now and then put one into burnt gas; in between there is less of both.
            Source: Wortsman et al. 2022, arXiv:2109.01903, on weights between those before and after fine-tuning.
    """

    options: Mapping[str, Any] = dataclasses.field(default_factory=lambda: {"rollout": 32, "rolled": 0.75})
    training: Mapping[str, Any] = dataclasses.field(
        default_factory=lambda: {"epochs": 4, "learning_rate": 1e-3, "warmup": 0.1, "validate_every": 4}
    )
    share: float = 0.5


@dataclasses.dataclass(frozen=True)
class Fuel:
    """A fuel in air.

    Attributes:
        mechanism: file of a mechanism, or the name of one that comes with Cantera.
        name: species that burns.
        temperature, pressure, equivalence_ratio: ranges of the cases that surrogates are judged on, K and Pa.
        plan: of the training data, see `geodl.chemistry.data.plan.Plan`.
        options, training: of the family and of `FitConfig`, where they are not the family's own.
        rolling: the same for some more epochs in long roll-outs, without which short time steps add up to a bias.
        longest: s; longer time steps are taken in equal parts.
        visits: before every ending, states that the surrogate itself comes through join the training data.
    """

    mechanism: str
    name: str
    temperature: Range
    pressure: Range
    equivalence_ratio: Range
    plan: Mapping[str, Any]
    bars: Bars
    effort: Effort
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    training: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rolling: Rolling = Rolling()
    fractions: tuple[float, float, float] = FRACTIONS
    longest: float = LONGEST
    visits: Visits | None = None

    @property
    def gas(self) -> FreshGas:
        """What flames burn, at room conditions."""
        return FreshGas(self.mechanism, self.name)

    @property
    def labels(self) -> Plan:
        """What training states are drawn from, and how they are labelled."""
        return Plan.parse({"mechanism": self.mechanism, "fuel": self.name, **self.plan})

    def span(self, name: str) -> Range:
        """Smallest and largest value of a span of the plan."""
        low, _, high = str(self.plan[name]).partition(":")
        return float(low), float(high)

    def quick(self) -> "Fuel":
        """The same in a minute, which shows that everything works and nothing else."""
        few = {"trajectories": 24, "flames": 3, "samples": 30, "workers": 1, "rtol": 1e-6, "atol": 1e-10}
        return dataclasses.replace(
            self,
            temperature=(self.temperature[1] - 200, self.temperature[1]),
            plan={**self.plan, **few},
            options={**self.options, "hidden": [16, 16]},
            training={**self.training, "epochs": 2, "batch_size": 256},
            rolling=Rolling({"rollout": 2}, {"epochs": 1}),
            visits=self.visits and Visits(1, flames=1, batches=1, reactors=4, horizons=((1e-6, 3e-5),), samples=20),
            fractions=(0.6, 0.2, 0.2),
            effort=Effort(
                {1e-6: 1e-4}, 0.0, 6, (1.0,), {"cells": 40, "per_thickness": 5, "tolerance": 0.2},
                drift_steps=30, adversarial=10_000, outside=2, batches=(64, 256), repeats=2,
            ),
        )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Labelled:
    """Labelled states in three parts that share no trajectory, and the seconds that they took."""

    parts: Split
    seconds: float


def labelled(fuel: Fuel, keep: Path | None = None) -> Labelled:
    """The training data of a fuel.

    Args:
        keep: folder of finished batches, with which it goes on after a stop.
    Raises:
        MissingPackageError: Cantera is not installed.
    """
    make = functools.partial(generate, 0, mechanism=fuel.mechanism, fuel=fuel.name, folder=keep, **fuel.plan)
    data, seconds = timed(make, keep)
    return Labelled(split(data, "trajectory", fractions=fuel.fractions), seconds)


@dataclasses.dataclass(frozen=True)
class Trained:
    """A surrogate and the seconds that its training took."""

    surrogate: Surrogate
    seconds: float


def trained(
    fuel: Fuel,
    train: xr.Dataset,
    valid: xr.Dataset,
    *,
    seed: int,
    device: str = "cpu",
    keep: Path | None = None,
    **options: Any,
) -> Trained:
    """A surrogate of a fuel, back on the processor.

    Args:
        keep: folder of checkpoints, from which it goes on after a stop; flames that all seeds visit lie beside it.
        options: of the family; they come before those of the fuel.
    """
    given, rolling = {"mechanism": fuel.mechanism, **fuel.options, **options}, fuel.rolling
    made, rolled = family("chemistry", **given), family("chemistry", **{**given, **rolling.options})
    config = FitConfig.parse({**made.settings, **fuel.training, "device": device})
    ending = FitConfig.parse({**config.jsonable(), **rolling.training})

    def of_round(surrogate: Surrogate, number: int) -> xr.Dataset:
        assert fuel.visits
        folders = (keep / f"visited-{number}", keep.parent / f"flames-{number}") if keep else (None, None)
        return visited(surrogate, fuel.labels, fuel.visits, fuel.longest, number, *folders)

    def work() -> Surrogate:
        undoubting = dataclasses.replace(made, calibrate=None)  # the ending learns what is known, for both
        surrogate, data = fit(undoubting, train, valid, config=config, seed=seed, folder=keep), train
        for number in range(fuel.visits.rounds if fuel.visits else 1):
            if fuel.visits:
                data = joined(data, of_round(surrogate, number))
            last = going_on(rolled, surrogate, rolling.share)
            surrogate = fit(last, data, valid, config=ending, seed=seed, folder=keep and keep / f"rolling-{number}")
        return surrogate

    surrogate, seconds = timed(work, keep)
    return Trained(surrogate.to("cpu"), seconds)


def going_on(made: Family, surrogate: Surrogate, share: float) -> Family:
    """A family whose networks begin as that of a surrogate with the same layers, and end between there and where
    training led: ``share`` of the way."""
    before = surrogate.core.network.state_dict()

    def build() -> torch.nn.Module:
        network = made.build()
        network.load_state_dict(before)
        return network

    def calibrate(network: torch.nn.Module, inputs: Tensors, outputs: Tensors) -> None:
        for name, weight in network.named_parameters():
            weight.lerp_(before[name].to(weight), 1 - share)
        if made.calibrate:
            made.calibrate(network, inputs, outputs)

    return dataclasses.replace(made, build=build, warm_start=None, calibrate=calibrate)


HYDROGEN = Fuel(
    mechanism="h2o2.yaml",
    name="H2",
    temperature=(900.0, 1600.0),
    pressure=(0.5 * 101325.0, 20 * 101325.0),
    equivalence_ratio=(0.4, 2.5),
    plan={
        "temperature": "870:1650", "pressure": "4.6e4:2.2e6", "phi": "0.37:2.7", "dt": "6e-8:1.2e-5", "end_time": 0.004,
        "flames": 120, "trajectories": 2200, "samples": 200, "extinction": 0.1, "workers": 2,
    },
    bars=Bars(0.005, 0.02, 0.05, 10.0, 0.01, 20.0, 30.0),
    effort=Effort({1e-7: 3e-4, 1e-6: 3e-3, 1e-5: 3e-3}),
    options={"hidden": [80, 80, 80, 80], "rollout": 8},
    training={"epochs": 140},
)  # fmt: skip

METHANE = Fuel(
    mechanism="gri30.yaml",
    name="CH4",
    temperature=(1300.0, 2000.0),
    pressure=(101325.0, 5 * 101325.0),
    equivalence_ratio=(0.5, 2.0),
    plan={
        "temperature": "1250:2050", "pressure": "9e4:5.2e5", "phi": "0.45:2.2", "dt": "6e-8:1.2e-5", "end_time": 0.02,
        "flames": 300, "trajectories": 1600, "extinction": 0.1, "workers": 2,
    },
    bars=Bars(0.01, 0.05, None, 15.0, 0.02, 50.0, 180.0),
    effort=Effort({1e-7: 3e-4, 1e-6: 3e-3, 1e-5: 2e-2}, cases=60),
    options={"hidden": [160, 160, 160, 160], "rollout": 8},
    training={"epochs": 80},
    rolling=Rolling(training={"epochs": 5, "learning_rate": 2e-3, "warmup": 0.1, "validate_every": 5}, share=1.0),
    visits=Visits(),
)  # fmt: skip
