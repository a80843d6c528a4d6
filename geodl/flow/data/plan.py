"""What is to be generated, and the body and Reynolds number of any sample of it."""

import dataclasses
import json
import math
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Bool
from pydantic import Field
from torch import Tensor

from geodl.core.settings import Settings
from geodl.errors import OptionError, UnknownNameError, did_you_mean
from geodl.flow.data.random_shapes import KINDS, random_shape
from geodl.flow.data.vehicles import vehicle_mask
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Shape
from geodl.flow.geometry.signed_distance import signed_distance

VEHICLE = "vehicle"
Positive = Annotated[int, Field(gt=0)]


class Plan(Settings):
    """Which flows to make. Sample k of a plan is drawn from ``seed`` and k alone.

    Attributes:
        seed: of everything random.
        n: number of samples.
        size: cells along and across the stream, of a domain that is 4 m high.
        refine: the flow is solved on cells so many times smaller, and averaged.
        re: Reynolds numbers, drawn evenly on a logarithmic scale: "5:40", or one for all.
        kinds: of shapes, in turn, as a list or with commas: those of ``random_shapes.KINDS``, and "vehicle", a mask.
        batch: samples that are solved side by side.
        workers: processes, one thread each.
        device: where the flows are computed.
    """

    seed: Annotated[int, Field(ge=0)] = 0
    n: Positive = 500
    size: str = "128x64"
    refine: Annotated[int, Field(ge=1, le=8)] = 2
    re: str | float = "5:40"
    kinds: str | tuple[str, ...] = tuple(KINDS)
    batch: Positive = 20
    workers: Positive = 2
    device: str = "cpu"

    @property
    def grid(self) -> Grid:
        """The cells of the domain.

        Raises:
            GeometryError: the size is none.
        """
        return Grid.parse(self.size)

    @property
    def fine_grid(self) -> Grid:
        """The cells that flows are solved on."""
        return Grid(self.grid.nx * self.refine, self.grid.ny * self.refine, self.grid.spacing / self.refine)

    @property
    def canvas(self) -> Grid:
        """The pixels that masks are drawn on, two along each side of the smallest cell."""
        fine = self.fine_grid
        return Grid(2 * fine.nx, 2 * fine.ny, fine.spacing / 2)

    @property
    def reynolds(self) -> tuple[float, float]:
        """Smallest and largest Reynolds number.

        Raises:
            OptionError: no range of positive numbers.
        """
        low, _, high = str(self.re).partition(":")
        try:
            ends = float(low), float(high or low)
        except ValueError:
            ends = math.nan, math.nan
        if not 0 < ends[0] <= ends[1] < math.inf:
            raise OptionError(f"option 're' is {self.re!r}: expected two positive numbers such as 5:40, or one")
        return ends

    @property
    def turns(self) -> tuple[str, ...]:
        """Kinds of the first samples, which those of the next repeat.

        Raises:
            UnknownNameError: a kind that does not exist.
        """
        kinds = tuple(self.kinds.split(",")) if isinstance(self.kinds, str) else self.kinds
        known = (*KINDS, VEHICLE)
        for kind in kinds or ("",):
            if kind not in known:
                raise UnknownNameError(f"there is no kind of shape {kind!r}. {did_you_mean(kind, known)}")
        return kinds

    @property
    def identity(self) -> str:
        """What two plans share whose samples are the same, however many there are."""
        return json.dumps(self.model_dump(mode="json", exclude={"n", "workers"}), sort_keys=True)

    def batches(self) -> list[range]:
        """Numbers of the samples that are solved side by side."""
        return [range(first, min(first + self.batch, self.n)) for first in range(0, self.n, self.batch)]


@dataclasses.dataclass(frozen=True)
class Sample:
    """One body and its Reynolds number.

    Attributes:
        seed: of this sample alone.
        body: a shape, or a mask where the kind is drawn as one.
    """

    number: int
    seed: int
    kind: str
    reynolds: float
    body: Shape | Bool[np.ndarray, "y x"]

    def __str__(self) -> str:
        return f"sample {self.number} ({self.kind}, Re {self.reynolds:.3g})"

    def distance(self, grid: Grid) -> Tensor:
        """Signed distance [ny, nx] in m."""
        return signed_distance(self.body, grid)

    def frontal_height(self, grid: Grid) -> float:
        """Extent across the stream in m."""
        if isinstance(self.body, Shape):
            return self.body.frontal_height
        rows = np.flatnonzero(self.body.any(1))
        return float(np.ptp(rows) + 1) * grid.height / len(self.body)


def draw(plan: Plan, number: int) -> Sample:
    """A sample of a plan, the same whatever else is drawn."""
    seed = int(np.random.SeedSequence([plan.seed, number]).generate_state(1, np.uint64)[0] >> 1)  # fits int64
    rng = np.random.default_rng(seed)
    low, high = plan.reynolds
    reynolds = low * (high / low) ** rng.uniform()
    kind = plan.turns[number % len(plan.turns)]
    body = vehicle_mask(rng, plan.canvas) if kind == VEHICLE else random_shape(rng, kind)
    return Sample(number, seed, kind, reynolds, body)


def stacked(samples: list[Sample], grid: Grid) -> Tensor:
    """Signed distances [sample, ny, nx] in m."""
    return torch.stack([sample.distance(grid) for sample in samples])
