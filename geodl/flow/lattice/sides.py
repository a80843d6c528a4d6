"""The four sides of the domain, and the links that each kind of side makes of its missing populations."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from geodl.errors import OptionError, ShapeError
from geodl.flow.lattice.links import Links, Outlets
from geodl.flow.lattice.velocities import CX, CY, OPPOSITE, SOUND_SPEED, SPEEDS, WEIGHTS, index_of

NORMALS = {"west": (-1, 0), "east": (1, 0), "south": (0, -1), "north": (0, 1)}


@dataclass(frozen=True, eq=False)
class Inlet:
    """Velocity along the inward normal, at the cell faces; ``profile`` in inflow speeds, one number or one per cell.

    Source: Ladd 1994, J. Fluid Mech. 271, 285 (bounce-back with the momentum of the wall), used link by link.
    """

    profile: float | Tensor = 1.0


@dataclass(frozen=True)
class NoSlip:
    """A wall that moves along itself at ``speed`` inflow speeds (towards +x or +y)."""

    speed: float = 0.0


@dataclass(frozen=True)
class PressureOutlet:
    """Pressure held at ``pressure``, in rho U2, by anti-bounce-back; it reflects sound."""

    pressure: float = 0.0


@dataclass(frozen=True)
class ConvectiveOutlet:
    """Lets sound out: missing populations are convected at the speed of sound, df/dt + c df/dn = 0.

    Convection alone says nothing about the level of pressure, and the mass of the domain drifts. So each step mixes in
    ``anchor`` / (cells along the normal) of what an outlet at zero pressure would give. More of it reflects more sound,
    so that a steady state takes longer: 0.15 to 0.4 serve cylinders at Re 10 and 40.
    """

    anchor: float = 0.2


@dataclass(frozen=True)
class Slip:
    """A plane of symmetry: no flow through it, no friction on it."""


@dataclass(frozen=True)
class Periodic:
    """What leaves here enters on the other side."""


Side = Inlet | NoSlip | PressureOutlet | ConvectiveOutlet | Slip | Periodic
_RANK = (Periodic, Slip, ConvectiveOutlet, PressureOutlet, Inlet, NoSlip)  # who governs a corner: the last of these


@dataclass(frozen=True)
class Sides:
    """What the flow meets at each side; by default a uniform stream from west to east between planes of symmetry.

    Raises:
        OptionError: a periodic side without its partner, an inlet without an outlet.
    """

    west: Side = Inlet()
    east: Side = ConvectiveOutlet()
    south: Side = Slip()
    north: Side = Slip()

    def __post_init__(self) -> None:
        for one, other in (("west", "east"), ("south", "north")):
            if isinstance(self.kind(one), Periodic) != isinstance(self.kind(other), Periodic):
                raise OptionError(f"{one} and {other} must both be Periodic() or neither, got {self}")
        kinds = [type(self.kind(name)) for name in NORMALS]
        if Inlet in kinds and not {PressureOutlet, ConvectiveOutlet} & set(kinds):
            raise OptionError(f"{self} lets fluid in but not out: make one side PressureOutlet()")

    def kind(self, name: str) -> Side:
        """The side of that name."""
        side: Side = getattr(self, name)
        return side

    @property
    def inflow(self) -> bool:
        """Whether a stream enters."""
        return any(isinstance(self.kind(name), Inlet) for name in NORMALS)


class Missing(NamedTuple):
    """Readers of one unknown population: cells (y, x) whose upstream neighbour lies across these sides."""

    direction: int
    y: Tensor
    x: Tensor
    crossed: tuple[str, ...]


@dataclass(frozen=True)
class Lattice:
    """Size of the domain in cells, with the place of every slot in one sample's flattened populations."""

    ny: int
    nx: int

    @property
    def plane(self) -> int:
        """Distance between two slots of one cell."""
        return (self.ny + 2) * (self.nx + 2)

    def slot(self, direction: int | Tensor, y: Tensor, x: Tensor) -> Tensor:
        """Flat index of a population of cell (y, x); ghosts have y = -1, ny and x = -1, nx."""
        return direction * self.plane + (y + 1) * (self.nx + 2) + x + 1


def side_links(sides: Sides, lattice: Lattice, speed: float, dtype: torch.dtype) -> tuple[Links, Outlets]:
    """All links of the sides for one sample; ``speed`` = inflow speed in cells per step.

    Raises:
        ShapeError: a profile does not have one number per cell of its side.
    """
    closed, opened = [_no_links(dtype)], [_no_outlets(dtype)]
    for missing in _missing(lattice):
        governing = max(missing.crossed, key=lambda name: _RANK.index(type(sides.kind(name))))
        side = sides.kind(governing)
        if isinstance(side, (PressureOutlet, ConvectiveOutlet)):
            opened.append(_opened(side, missing, NORMALS[governing], lattice, speed, dtype))
        elif isinstance(side, (Inlet, NoSlip)):
            closed.append(_bounced(_velocity(side, governing, missing, lattice), missing, lattice, speed, dtype))
        else:
            closed.append(_carried(sides, missing, lattice, dtype))
    return Links.joined(closed), Outlets.joined(opened)


def _missing(lattice: Lattice) -> Iterator[Missing]:
    """Every pull from outside the domain, grouped by direction and by the sides it crosses."""
    y, x = torch.meshgrid(torch.arange(lattice.ny), torch.arange(lattice.nx), indexing="ij")
    for i in range(1, SPEEDS):
        beyond = {
            "west": x - CX[i] < 0,
            "east": x - CX[i] >= lattice.nx,
            "south": y - CY[i] < 0,
            "north": y - CY[i] >= lattice.ny,
        }
        for names in itertools.chain(itertools.combinations(NORMALS, 1), itertools.combinations(NORMALS, 2)):
            group = torch.stack([beyond[name] == (name in names) for name in NORMALS]).all(0)
            if group.any():
                yield Missing(i, y[group], x[group], names)


def _velocity(side: Inlet | NoSlip, name: str, missing: Missing, lattice: Lattice) -> tuple[Tensor, Tensor]:
    """Velocity of a wall or inlet at the readers, in inflow speeds."""
    inward = [-component for component in NORMALS[name]]
    along, length = (missing.y, lattice.ny) if inward[0] else (missing.x, lattice.nx)
    if isinstance(side, NoSlip):
        value = torch.full(along.shape, side.speed, dtype=torch.float64)
        return (torch.zeros_like(value), value) if inward[0] else (value, torch.zeros_like(value))
    profile = torch.as_tensor(side.profile, dtype=torch.float64).cpu()
    if profile.ndim and profile.shape != (length,):
        raise ShapeError(f"the profile of the {name} inlet has shape {tuple(profile.shape)}, expected ({length},)")
    upstream = (along - (CY if inward[0] else CX)[missing.direction]).clamp(0, length - 1)
    value = 0.5 * (profile.expand(length)[along] + profile.expand(length)[upstream])  # where the link meets the face
    return inward[0] * value, inward[1] * value


def _bounced(
    velocity: tuple[Tensor, Tensor], missing: Missing, lattice: Lattice, speed: float, dtype: torch.dtype
) -> Links:
    """Bounce-back half-way, with the momentum of what moves there."""
    i = missing.direction
    pushed = 6 * WEIGHTS[i] * speed * (CX[i] * velocity[0] + CY[i] * velocity[1])
    return _one_source(missing, lattice, lattice.slot(OPPOSITE[i], missing.y, missing.x), pushed.to(dtype))


def _carried(sides: Sides, missing: Missing, lattice: Lattice, dtype: torch.dtype) -> Links:
    """The population that is mirrored in, or that left on the other side."""
    i = missing.direction
    y, x, cx, cy = missing.y - CY[i], missing.x - CX[i], CX[i], CY[i]
    for name in missing.crossed:
        mirrored = isinstance(sides.kind(name), Slip)
        if NORMALS[name][0]:
            x, cx = (x + CX[i], -cx) if mirrored else (x % lattice.nx, cx)
        else:
            y, cy = (y + CY[i], -cy) if mirrored else (y % lattice.ny, cy)
    return _one_source(missing, lattice, lattice.slot(index_of(cx, cy), y, x), torch.zeros(y.shape, dtype=dtype))


def _one_source(missing: Missing, lattice: Lattice, first: Tensor, constant: Tensor) -> Links:
    target = _target(missing, lattice)
    zero = torch.zeros_like(constant)
    return Links(target, first, first, first, zero + 1, zero, zero, constant)


def _target(missing: Missing, lattice: Lattice) -> Tensor:
    i = missing.direction
    return lattice.slot(i, missing.y - CY[i], missing.x - CX[i])


def _opened(
    side: PressureOutlet | ConvectiveOutlet,
    missing: Missing,
    normal: tuple[int, int],
    lattice: Lattice,
    speed: float,
    dtype: torch.dtype,
) -> Outlets:
    i, y, x = missing.direction, missing.y, missing.x
    cells = lattice.nx if normal[0] else lattice.ny
    anchor = side.anchor / cells if isinstance(side, ConvectiveOutlet) else 1.0
    kept, followed = (1 - anchor) / (1 + SOUND_SPEED), (1 - anchor) * SOUND_SPEED / (1 + SOUND_SPEED)
    pressure = side.pressure if isinstance(side, PressureOutlet) else 0.0
    upstream_y, upstream_x = (y - CY[i]).clamp(0, lattice.ny - 1), (x - CX[i]).clamp(0, lattice.nx - 1)
    weights = kept, followed, anchor, 3 * pressure * speed**2
    return Outlets(
        _target(missing, lattice),
        lattice.slot(OPPOSITE[i], y, x),
        lattice.slot(i, upstream_y, upstream_x),
        lattice.slot(0, y, x),
        lattice.slot(0, y - normal[1], x - normal[0]),
        torch.full_like(y, i),
        *(torch.full(y.shape, weight, dtype=dtype) for weight in weights),
    )


def _no_links(dtype: torch.dtype) -> Links:
    index, weight = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=dtype)
    return Links(index, index, index, index, weight, weight, weight, weight)


def _no_outlets(dtype: torch.dtype) -> Outlets:
    index, weight = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=dtype)
    return Outlets(index, index, index, index, index, index, weight, weight, weight, weight)
