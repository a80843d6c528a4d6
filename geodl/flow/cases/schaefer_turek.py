"""A cylinder in a channel: the steady flow 2D-1 at Re 20 and the vortex street 2D-2 at Re 100 of Schaefer and Turek."""

import itertools
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from geodl.errors import OptionError
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.lattice.sides import Inlet, NoSlip, PressureOutlet, Sides
from geodl.flow.lattice.steady import SteadyFlow
from geodl.flow.lattice_boltzmann import LatticeBoltzmann

DIAMETER, LENGTH, HEIGHT = 0.1, 2.2, 0.41  # m
CENTRE, FRONT, BACK = (0.2, 0.2), 0.15, 0.25  # m
# Pressure drops are in rho U2 with U the mean inflow speed: 0.2 m/s in 2D-1, 1 m/s in 2D-2.
STEADY_BANDS = {"drag": (5.57, 5.59), "lift": (0.0104, 0.0110), "pressure_drop": (0.1172 / 0.04, 0.1176 / 0.04)}
STEADY_SPECTRAL = {"drag": 5.57953523384, "lift": 0.010618948146, "pressure_drop": 0.11752016697 / 0.04}
PERIODIC_BANDS = {"drag": (3.22, 3.24), "lift": (0.99, 1.01), "pressure_drop": (2.46, 2.50), "strouhal": (0.295, 0.305)}


class SteadyCylinder(NamedTuple):
    """2D-1: coefficients, and the pressure in front of the cylinder less that behind it, in rho U2."""

    drag: float
    lift: float
    pressure_drop: float
    flow: SteadyFlow


class PeriodicCylinder(NamedTuple):
    """2D-2: largest coefficients, pressure drop half a period after the largest lift, and Strouhal number."""

    drag: float
    lift: float
    pressure_drop: float
    strouhal: float
    periods: int


def steady_cylinder(
    cells: int, *, start: SteadyFlow | None = None, tolerance: float = 2e-6, show: bool = False, **options: Any
) -> SteadyCylinder:
    """The flow 2D-1, float64.

    Args:
        cells: across the cylinder, a multiple of 10, so that the channel is a whole number of cells high.
        start: a flow of the same case on another grid to begin from.
        tolerance: see `LatticeBoltzmann.run`.
        options: of `LatticeBoltzmann`; by default central walls and a lattice speed of 0.1.
    Raises:
        OptionError: the cells are not a multiple of 10.
    Source: Schaefer & Turek 1996, Notes on Numerical Fluid Mechanics 52, 547; spectral values: FeatFlow.
    """
    solver = channel(cells, reynolds=20.0, **{"lattice_speed": 0.1, **options})
    if start is not None:
        solver.start(*(_resampled(field, solver.grid) for field in (start.u, start.v, start.p)))
    flow = solver.run(tolerance, limit=600.0, show=show)
    return SteadyCylinder(float(flow.drag), float(flow.lift), pressure_drop(flow.p[0], solver.grid), flow)


def periodic_cylinder(cells: int, *, settle: float = 100.0, watch: float = 50.0, **options: Any) -> PeriodicCylinder:
    """The flow 2D-2, float64.

    Args:
        cells: across the cylinder, a multiple of 10.
        settle, watch: D/U that pass before forces are recorded, and while they are; a period is 3.3 D/U.
        options: of `LatticeBoltzmann`; by default central walls and a lattice speed of 0.05.
    Raises:
        OptionError: the cells are not a multiple of 10.
    Source: Schaefer & Turek 1996, Notes on Numerical Fluid Mechanics 52, 547.
    """
    solver = channel(cells, reynolds=100.0, any_reynolds=True, **{"lattice_speed": 0.05, **options})
    unit = cells / solver.settings.lattice_speed  # steps in D/U
    solver.advance(round(settle * unit))
    every = max(1, round(unit / 50))
    record = np.array([_look(solver, every) for _ in range(round(watch * unit / every))])
    return _summary(record, every / unit)


def channel(cells: int, *, reynolds: float, **options: Any) -> LatticeBoltzmann:
    """The channel with its parabolic inflow, before anything moved.

    Raises:
        OptionError: the cells are not a positive multiple of 10.
    """
    if cells < 10 or cells % 10:
        raise OptionError(
            f"cells across the cylinder: got {cells}, expected a multiple of 10, such as {max(10, cells // 10 * 10)}"
        )
    grid = Grid(22 * cells, 41 * cells // 10, DIAMETER / cells)
    y = torch.from_numpy(grid.y) / HEIGHT
    sides = Sides(Inlet(6 * y * (1 - y)), PressureOutlet(), NoSlip(), NoSlip())
    standard = {"wall": "central", "dtype": torch.float64, "any_reynolds": True}
    return LatticeBoltzmann(
        [Circle(CENTRE, DIAMETER / 2)], grid, reynolds=reynolds, sides=sides, **{**standard, **options}
    )


def pressure_drop(p: Tensor, grid: Grid) -> float:
    """Pressure at the front of the cylinder less that at its back, extrapolated from three cells before each.

    Args:
        p: [ny, nx].
    """
    y, front, back = (round(x / grid.spacing) for x in (CENTRE[1], FRONT, BACK))
    across = torch.tensor([-1.0, 9, 9, -1], dtype=p.dtype) / 16  # all four points lie between cells
    outwards = torch.tensor([15.0, -10, 3], dtype=p.dtype) / 8
    line = across @ p[y - 2 : y + 2]
    return float(outwards @ line[front - 3 : front].flip(0) - outwards @ line[back : back + 3])


def _resampled(field: Tensor, grid: Grid) -> Tensor:
    return torch.nn.functional.interpolate(field[None], size=grid.shape, mode="bilinear")[0]


def _look(solver: LatticeBoltzmann, steps: int) -> tuple[float, float, float]:
    """Drag, lift and pressure drop some steps later."""
    solver.advance(steps)
    drag, lift = solver.forces()
    return float(drag), float(lift), pressure_drop(solver.fields()[2][0], solver.grid)


def _summary(record: np.ndarray, interval: float) -> PeriodicCylinder:
    """Means over all whole periods, which begin where the lift rises through its mean; ``interval`` in D/U."""
    drag, lift, drop = record.T
    above = lift - lift.mean()
    rising = np.flatnonzero((above[:-1] < 0) & (above[1:] >= 0))
    crossings = rising + above[rising] / (above[rising] - above[rising + 1])
    period = float(np.diff(crossings).mean())
    peaks = [begin + int(lift[begin:end].argmax()) for begin, end in itertools.pairwise(rising)]
    later = np.interp([peak + period / 2 for peak in peaks[:-1]], np.arange(len(drop)), drop)
    last = slice(rising[-2], rising[-1])
    strouhal = 1 / (period * interval)
    return PeriodicCylinder(drag[last].max(), lift[last].max(), float(later.mean()), strouhal, len(peaks))
