"""What is to be generated: mechanism, mixtures, conditions, and how many trajectories of them."""

import json
import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from geodl.core.settings import Settings
from geodl.errors import OptionError

Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Span = str | float

FLAME_SAMPLES = 2  # times those of a reactor: one flame is less than many different ones


class Plan(Settings):
    """Which states to make and how to label them. Trajectory k of a plan is drawn from ``seed`` and k alone.

    Spans are "low:high", or one number for all. Temperatures are drawn evenly in 1/T, as rates see them: close to the
    limits of ignition much depends on little. All else is drawn evenly in the logarithm.

    Attributes:
        seed: of everything random.
        mechanism: file of a mechanism, or the name of one that comes with Cantera.
        fuel, oxidizer: as in "H2" or "O2:1, N2:3.76", in moles.
        constant: "pressure" or "volume" of the reactors and of the labels.
        temperature: of the unburnt gas in reactors, K.
        pressure: Pa.
        phi: equivalence ratio.
        dt: time steps of the labels, s.
        long_steps: share of the labels that are drawn from the longest tenth of ``dt``, which is hardest to learn.
        end_time: of the reactors, s.
        trajectories: reactors.
        extinction: share of the reactors that start as burning gas, suddenly cooled or mixed with fresh gas.
        flames: free flames besides, at constant pressure.
        flame_temperature: of the unburnt gas in flames and of the fresh gas that burning gas is mixed with, K.
        samples: labels of one reactor; a flame has ``FLAME_SAMPLES`` times as many.
        perturbed: share of the states that are moved off their trajectory.
        rtol, atol: tolerances of the labels.
        batch: reactors that are made in one go, and kept.
        workers: processes, one thread each.
    """

    seed: Count = 0
    mechanism: str = "h2o2.yaml"
    fuel: str = "H2"
    oxidizer: str = "O2:1, N2:3.76"
    constant: Literal["pressure", "volume"] = "pressure"
    temperature: Span = "900:1600"
    pressure: Span = "5e4:2.1e6"
    phi: Span = "0.4:2.5"
    dt: Span = "1e-8:1e-5"
    long_steps: Share = 0.35
    end_time: Annotated[float, Field(gt=0)] = 0.01
    trajectories: Positive = 1000
    extinction: Share = 0.2
    flames: Count = 20
    flame_temperature: Span = "290:600"
    samples: Positive = 160
    perturbed: Share = 0.5
    rtol: Annotated[float, Field(gt=0)] = 1e-8
    atol: Annotated[float, Field(gt=0)] = 1e-14
    batch: Positive = 20
    workers: Positive = 2

    def span(self, name: str) -> tuple[float, float]:
        """Smallest and largest value of an option that is a span.

        Raises:
            OptionError: no range of positive numbers.
        """
        given = getattr(self, name)
        low, _, high = str(given).partition(":")
        try:
            ends = float(low), float(high or low)
        except ValueError:
            ends = math.nan, math.nan
        if not 0 < ends[0] <= ends[1] < math.inf:
            raise OptionError(f"option '{name}' is {given!r}: expected two positive numbers such as 0.5:2, or one")
        return ends

    def draw(self, rng: np.random.Generator, name: str, size: int | None = None) -> np.ndarray:
        """Values of a span: temperatures evenly in 1/T, all else in the logarithm."""
        low, high = self.span(name)
        if "temperature" in name:
            return np.asarray(1 / rng.uniform(1 / high, 1 / low, size))
        return np.asarray(low * (high / low) ** rng.uniform(size=size))

    def time_steps(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Of labels, in s."""
        low, high = self.span("dt")
        steps, long = self.draw(rng, "dt", size), high * 10 ** -rng.uniform(size=size)
        return np.where(rng.uniform(size=size) < self.long_steps, np.maximum(long, low), steps)

    @property
    def numbers(self) -> range:
        """Of all trajectories; the flames come first."""
        return range(self.flames + self.trajectories)

    def rng(self, number: int) -> np.random.Generator:
        """Of a trajectory, the same whatever else is drawn."""
        return np.random.default_rng([self.seed, number])

    def parts(self) -> list[range]:
        """Numbers of the trajectories that are made in one go: reactors in batches, flames one by one."""
        reactors = range(self.flames, len(self.numbers), self.batch)
        batches = [self.numbers[first : first + self.batch] for first in reactors]
        return [range(number, number + 1) for number in range(self.flames)] + batches

    @property
    def identity(self) -> str:
        """What two plans share whose trajectories are the same, however many there are."""
        return json.dumps(self.model_dump(mode="json", exclude={"trajectories", "workers"}), sort_keys=True)
