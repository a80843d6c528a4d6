"""The reference solver: plane flows around bodies, many at once."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from geodl.core.progress import progress
from geodl.errors import ShapeError
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Shape
from geodl.flow.lattice import checkpoint
from geodl.flow.lattice.batch import Batch
from geodl.flow.lattice.bodies import Bodies
from geodl.flow.lattice.engines import engine_for
from geodl.flow.lattice.links import Links
from geodl.flow.lattice.problem import Problem
from geodl.flow.lattice.scales import Scales
from geodl.flow.lattice.settings import Settings, check_steady, relaxation_times
from geodl.flow.lattice.sides import Lattice, Sides, side_links
from geodl.flow.lattice.start import streamed, uniform
from geodl.flow.lattice.steady import Criterion, State, SteadyFlow, settle
from geodl.flow.lattice.velocities import SPEEDS
from geodl.flow.lattice.walls import wall_links


class LatticeBoltzmann:
    """A batch of flows around different bodies, at different Reynolds numbers, on one grid.

    A reference solver for two-dimensional, weakly compressible, laminar flow around bodies at rest, and nothing more
    general: D2Q9, two relaxation times (magic 3/16), He-Luo equilibrium, interpolated walls. Lengths are in m, speeds
    in inflow speeds U, pressures in rho U2.

    Args:
        bodies: one shape per sample, or signed distances [batch, ny, nx] in m (positive in the fluid), or None; one
            body stands for all samples.
        grid: the cells of the domain.
        reynolds: U D / nu, one number or one per sample.
        sides: what the flow meets at the four sides; by default a free stream from west to east.
        length: reference length D in m, one number or one per sample; by default the frontal height of the body, or
            the height of the domain where there is none.
        force: body force per mass along x and y, U2 per m.
        **options: see `geodl.flow.lattice.settings.Settings`.
    Raises:
        GeometryError: a body touches a side or blocks the stream, or a signed distance is none.
        StabilityError: Reynolds number, grid and lattice speed do not go together; the message says what does.
        OptionError: an option that does not exist.
        ShapeError: numbers of samples or cells do not agree.

    Attributes:
        state: populations and steps, see `geodl.flow.lattice.steady.State`.
        solid: bool [batch, ny, nx].

    Source: Ginzburg, Verhaeghe & d'Humieres 2008, Commun. Comput. Phys. 3, 427; He & Luo 1997, J. Stat. Phys. 88, 927;
    Bouzidi, Firdaouss & Lallemand 2001, Phys. Fluids 13, 3452.
    """

    def __init__(
        self,
        bodies: Sequence[Shape] | Tensor | None,
        grid: Grid,
        *,
        reynolds: float | Tensor,
        sides: Sides | None = None,
        length: float | Tensor | None = None,
        force: tuple[float, float] = (0.0, 0.0),
        **options: Any,
    ):
        self.grid, self.sides, self.settings = grid, sides or Sides(), Settings.of(options)
        given = Bodies.of(bodies, grid)
        reynolds, lengths, given = _together(reynolds, given.height if length is None else length, given)
        if bodies is not None and not self.settings.any_reynolds:
            check_steady(reynolds)
        cells = lengths / grid.spacing
        tau = relaxation_times(reynolds, cells, self.settings.lattice_speed)
        self._batch = self._assembled(given, tau, cells, force)
        self._engine = engine_for(self._batch.problem, self.settings.engine)
        self.start()

    def _assembled(self, bodies: Bodies, tau: Tensor, cells: Tensor, force: tuple[float, float]) -> Batch:
        """Everything in lattice units, on its device."""
        settings, grid, batch = self.settings, self.grid, len(tau)
        lattice, device = Lattice(grid.ny, grid.nx), torch.device(settings.device)
        solid = bodies.solid
        walls = wall_links(bodies.cuts(grid), solid, settings.wall, settings.dtype).to(device)
        closed, opened = side_links(self.sides, lattice, settings.lattice_speed, settings.dtype)
        stride = SPEEDS * lattice.plane
        links = Links.joined([closed.repeated(batch, stride).to(device), walls])
        push = torch.tensor(force, dtype=torch.float64) * settings.lattice_speed**2 * grid.spacing
        like = torch.empty(0, device=device, dtype=settings.dtype)
        outlets = opened.repeated(batch, stride).to(device)
        problem = Problem(tau.to(like), solid.to(device), links, outlets, push.expand(batch, 2).to(like))
        return Batch(problem, walls, cells.to(like), settings.lattice_speed)

    @property
    def solid(self) -> Tensor:
        """bool [batch, ny, nx], the cells whose centre lies in a body."""
        return self._batch.problem.solid

    @property
    def relaxation_time(self) -> Tensor:
        """tau+ [batch]."""
        return self._batch.problem.relaxation_time

    def scales(self, velocity: float, density: float = 1.0) -> Scales:
        """Conversion to SI units for an inflow speed in m s-1 and a density in kg m-3."""
        return Scales(self.grid.spacing, velocity, self.settings.lattice_speed, density)

    def start(
        self,
        u: Tensor | None = None,
        v: Tensor | None = None,
        p: Tensor | None = None,
        *,
        gradient: Tensor | None = None,
    ) -> None:
        """Begin anew: from the undisturbed inflow (from rest where there is none), or from a field.

        Args:
            u, v: [batch, ny, nx] in inflow speeds.
            p: [batch, ny, nx] in rho U2, by default zero.
            gradient: [batch, ny, nx, 2, 2], d_a u_b in U per m; by default from finite differences.
        Raises:
            ShapeError: a field that is not [batch, ny, nx], or u without v.
        """
        if u is None and v is None:
            populations = uniform(self._batch, self.sides)
        else:
            populations = streamed(self._batch, (u, v, p), gradient, self.grid.spacing)
        self.state = State.at_start(populations)

    def advance(self, steps: int) -> None:
        """Advance all samples, steady or not; one step takes ``lattice_speed * spacing / U`` seconds."""
        populations = self._engine.advance(self.state.populations, steps)
        unknown = torch.full_like(self.state.change, torch.inf)
        self.state = replace(self.state, populations=populations, steps=self.state.steps + steps, change=unknown)

    def fields(self) -> tuple[Tensor, Tensor, Tensor]:
        """u, v in inflow speeds and p in rho U2, each [batch, ny, nx] and zero in the bodies.

        The pressure has zero mean along the outlet, or over the fluid where there is no outlet.
        """
        return self._batch.fields(self.state.populations)

    def forces(self) -> tuple[Tensor, Tensor]:
        """Drag and lift coefficients [batch], 2 F / (rho U2 D), by exchange of momentum."""
        return self._batch.coefficients(self.state.populations)

    def run(self, tolerance: float = 1e-4, limit: float = 200.0, *, show: bool = True) -> SteadyFlow:
        """Advance each sample until it is steady: |u(t + D/U) - u(t)| / |u| and the change of drag below ``tolerance``.

        A sample that is steady, has diverged or has used up its time leaves the batch; the others go on.

        Args:
            limit: D/U from the start after which a sample is given up.
        """
        criterion = Criterion(tolerance, limit)
        with progress("flows", len(self.solid), show=show) as advance:
            settle(self._batch, self.state, criterion, engine=self.settings.engine, advance=advance)
        times = self.state.steps * self._batch.speed / self._batch.cells
        return SteadyFlow(*self.fields(), *self.forces(), criterion.met(self.state), times)

    def save(self, path: str | Path) -> None:
        """Write the state atomically, over an earlier one; `load` and going on gives the same bits as never stopping.

        Raises:
            OutputError: the file cannot be written.
        """
        checkpoint.save(Path(path), self._batch, self.state)

    def load(self, path: str | Path) -> None:
        """Go on from a saved state.

        Raises:
            BundleError: the file is no state, or is corrupted.
            ResumeError: it belongs to other bodies, Reynolds numbers, sides or settings.
        """
        self.state = checkpoint.load(Path(path), self._batch)


def _together(reynolds: float | Tensor, lengths: float | Tensor, bodies: Bodies) -> tuple[Tensor, Tensor, Bodies]:
    """One of each per sample, float64."""
    reynolds, lengths = (torch.as_tensor(x, dtype=torch.float64).detach().cpu() for x in (reynolds, lengths))
    counts = {"reynolds": reynolds.numel(), "length": lengths.numel(), "bodies": len(bodies.height)}
    batch = max(counts.values())
    if not set(counts.values()) <= {1, batch} or max(reynolds.ndim, lengths.ndim) > 1:
        raise ShapeError(f"numbers of samples do not agree: {counts}; give one for all, or {batch} of each")
    reynolds, lengths = (x.reshape(-1).expand(batch) for x in (reynolds, lengths))
    return reynolds, lengths, bodies.expanded(batch)
