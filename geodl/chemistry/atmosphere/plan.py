"""Which boxes of air to simulate and to learn from, and any box of a plan drawn from its number."""

import json
import math
from typing import Annotated

import numpy as np
from pydantic import Field

from geodl.chemistry.atmosphere.box import DAY, Boxes, air
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.core.settings import Settings
from geodl.errors import OptionError

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Span = str | float

_EVEN = ("temperature", "pressure", "humidity", "sunlight")
_LOGARITHMIC = ("concentration", "emission", "dilution", "dt")
SPANS = (*_EVEN, *_LOGARITHMIC)


class Plan(Settings):
    """Boxes of air over some days, and what is recorded of them. Box k of a plan is drawn from ``seed`` and k alone.

    Spans are "low:high", or one number for all.

    Attributes:
        seed: of everything random.
        mechanism: a MUSICA configuration.
        boxes: how many; the samples of a box belong together.
        days: that each box lives.
        records: samples of each box, at steps of its life that are drawn at random.
        early: share of the records that are even in the logarithm of time: a box begins far from where it ends.
        temperature, pressure: in K and Pa, drawn evenly.
        humidity: relative, drawn evenly.
        concentration: factors on the shipped concentrations, one for each species, even in the logarithm.
        sunlight: share of the shipped photolysis rates at noon, drawn evenly.
        emission: factors on the shipped emissions, one for each box, even in the logarithm; 0 for none.
        dilution: rate of mixing with the air that the box began with, per day, even in the logarithm; 0 for closed
            boxes, where what is emitted stays.
        step: of a life, in s.
        dt: time steps of samples in s, even in the logarithm, one for all boxes of a record.
        off_step: share of the records that have a time step of that span; all others have ``step``.
        perturbed: share of the samples whose concentrations are moved off the path of their box; those of a step that
            was recorded before always are.
        noise: largest standard deviation of the logarithm there; each sample draws its own below.
        rtol, atol: tolerances of the labels.
        batch: boxes that live side by side, and are kept in one go.
        workers: processes, one thread each.
    """

    seed: Annotated[int, Field(ge=0)] = 0
    mechanism: str = "carbon_bond_5"
    boxes: Positive = 2048
    days: Annotated[float, Field(gt=0)] = 4.0
    records: Positive = 250
    early: Share = 0.4
    temperature: Span = "220:305"
    pressure: Span = "20265:101325"
    humidity: Span = "0.1:0.9"
    concentration: Span = "0.3:3"
    sunlight: Span = "0:1"
    emission: Span = "0.001:0.03"
    dilution: Span = "0.5:2"
    step: Annotated[float, Field(gt=0)] = 300.0
    dt: Span = "10:1800"
    off_step: Share = 0.2
    perturbed: Share = 0.4
    noise: Annotated[float, Field(ge=0, le=2)] = 0.2
    rtol: Annotated[float, Field(gt=0)] = 1e-3
    atol: Annotated[float, Field(gt=0)] = 1e-14
    batch: Positive = 64
    workers: Positive = 2

    def span(self, name: str) -> tuple[float, float]:
        """Smallest and largest value of an option that is a span.

        Raises:
            OptionError: no range of numbers from 0 on, or one from 0 where logarithms are drawn.
        """
        given = getattr(self, name)
        low, _, high = str(given).partition(":")
        try:
            ends = float(low), float(high or low)
        except ValueError:
            ends = math.nan, math.nan
        if not 0 <= ends[0] <= ends[1] < math.inf or (name in _LOGARITHMIC and ends[0] == 0 < ends[1]):
            raise OptionError(f"option '{name}' is {given!r}: expected two positive numbers such as 0.3:3, or one")
        return ends

    def draw(self, rng: np.random.Generator, name: str, size: int | None = None) -> np.ndarray:
        """Values of a span."""
        low, high = self.span(name)
        if name in _EVEN or low == high:
            return np.asarray(rng.uniform(low, high, size))
        return np.asarray(low * (high / low) ** rng.uniform(size=size))

    def parts(self) -> list[range]:
        """Numbers of the boxes that live side by side."""
        return [range(first, min(first + self.batch, self.boxes)) for first in range(0, self.boxes, self.batch)]

    @property
    def identity(self) -> str:
        """What two plans share whose boxes are the same, however many there are."""
        return json.dumps(self.model_dump(mode="json", exclude={"boxes", "workers"}), sort_keys=True)


def draw_boxes(plan: Plan, mechanism: LumpedMechanism, numbers: range) -> Boxes:
    """Boxes of a plan, each the same whatever else is drawn.

    M, N2, O2 and H2O follow from temperature, pressure and humidity: some shipped values are those of no air.
    """
    rngs = [np.random.default_rng([plan.seed, number]) for number in numbers]
    drawn = {name: np.array([plan.draw(rng, name) for rng in rngs]) for name in (*_EVEN, "emission", "dilution")}
    factors = np.array([plan.draw(rng, "concentration", len(mechanism.species)) for rng in rngs])
    concentration = factors * mechanism.row(mechanism.concentration)
    for name, values in air(drawn["temperature"], drawn["pressure"], drawn["humidity"]).items():
        if name in mechanism.species:
            concentration[:, mechanism.index(name)] = values
    return Boxes(
        temperature=drawn["temperature"],
        pressure=drawn["pressure"],
        concentration=concentration,
        sunlight=drawn["sunlight"],
        emission=drawn["emission"][:, None] * mechanism.row(mechanism.emission),
        dilution=drawn["dilution"] / DAY,
        background=concentration,
    )
