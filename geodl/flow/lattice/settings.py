"""How a flow is computed: speed, walls, precision, device and engine; and what of it cannot work."""

from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import Tensor

from geodl.errors import DtypeError, OptionError, StabilityError, did_you_mean
from geodl.flow.lattice.engines import EngineName
from geodl.flow.lattice.walls import Wall

LEAST_RELAXATION_TIME = 0.51
GREATEST_SPEED = 0.15  # cells per step: Mach 0.26
STEADY_REYNOLDS = (5.0, 45.0)  # a free cylinder sheds vortices above about 47


@dataclass(frozen=True)
class Settings:
    """Options of `LatticeBoltzmann` that do not change the flow, only how well and how fast it is computed.

    Attributes:
        lattice_speed: inflow speed in cells per step; errors of compressibility grow with its square.
        wall: how curved walls are interpolated, see `geodl.flow.lattice.walls.wall_links`.
        dtype: torch.float32 or torch.float64.
        device: where the populations live.
        engine: "c" and "compiled" are fast, "torch" needs no compiler; "auto" takes "c" on a CPU that has one.
        any_reynolds: compute outside of the steady range too.
    Raises:
        OptionError: a wall, engine or precision that does not exist.
        StabilityError: the lattice speed is not positive or too high.
    """

    lattice_speed: float = 0.08
    wall: Wall = "bouzidi"  # inside all bands of the benchmark 2D-1 with 40 cells across the cylinder
    dtype: torch.dtype = torch.float32
    device: str | torch.device = "cpu"
    engine: EngineName = "auto"
    any_reynolds: bool = False

    def __post_init__(self) -> None:
        for name, known in (("wall", get_args(Wall)), ("engine", get_args(EngineName))):
            if getattr(self, name) not in known:
                raise OptionError(
                    f"there is no {name} {getattr(self, name)!r}. {did_you_mean(getattr(self, name), known)}"
                )
        if self.dtype not in (torch.float32, torch.float64):
            raise DtypeError(f"the flow cannot be computed in {self.dtype}: use torch.float32 or torch.float64")
        if not 0 < self.lattice_speed <= GREATEST_SPEED:
            raise StabilityError(
                f"lattice_speed is {self.lattice_speed:g} cells per step, expected 0 to {GREATEST_SPEED}: the flow "
                "would be compressible. 0.05 to 0.1 is usual."
            )

    @classmethod
    def of(cls, options: dict[str, Any]) -> "Settings":
        """Settings from keyword arguments.

        Raises:
            OptionError: an option that does not exist.
        """
        known = cls.__dataclass_fields__
        for name in options:
            if name not in known:
                raise OptionError(f"LatticeBoltzmann has no option {name!r}. {did_you_mean(name, known)}")
        return cls(**options)


def relaxation_times(reynolds: Tensor, cells: Tensor, lattice_speed: float) -> Tensor:
    """tau+ = 3 U D / Re + 1/2 per sample.

    Args:
        reynolds: [batch].
        cells: [batch], reference length D in cells.
    Raises:
        StabilityError: a relaxation time below 0.51; the message says what would work.
        OptionError: a Reynolds number or length that is not positive.
    """
    for name, values in (("reynolds", reynolds), ("length", cells)):
        if not bool(((values > 0) & values.isfinite()).all()):
            raise OptionError(f"{name} is {values.tolist()}, expected positive and finite")
    tau = 3 * lattice_speed * cells / reynolds + 0.5
    worst = int(tau.argmin())
    if tau[worst] < LEAST_RELAXATION_TIME:
        most = 3 * lattice_speed / (LEAST_RELAXATION_TIME - 0.5)
        raise StabilityError(
            f"sample {worst} at Re {float(reynolds[worst]):g} with {float(cells[worst]):.3g} cells across its length "
            f"has the relaxation time {float(tau[worst]):.4g}, unstable below {LEAST_RELAXATION_TIME}. Use Re up to "
            f"{float(most * cells[worst]):.3g} on this grid, or at least {float(reynolds[worst] / most):.3g} cells."
        )
    return tau


def check_steady(reynolds: Tensor) -> None:
    """Refuse Reynolds numbers at which the flow around a free body may not become steady.

    Raises:
        StabilityError: one lies outside `STEADY_REYNOLDS`.
    """
    low, high = STEADY_REYNOLDS
    outside = (~((reynolds >= low) & (reynolds <= high))).nonzero()
    if len(outside):
        n = int(outside[0, 0])
        raise StabilityError(
            f"sample {n} has Re {float(reynolds[n]):g}, outside the steady range {low:g} to {high:g} of a free body. "
            "Choose one inside, or any_reynolds=True to advance an unsteady flow."
        )
