"""States that an emulator itself comes through, labelled by the solver: where it strays, it learns the way back.

An emulator that is exact on the trajectories of the solver adds up small errors, and comes to states that no trajectory
has. There nothing was learned: traces run away, and flames settle beside the true ones.

Source: Ross, Gordon & Bagnell 2011, AISTATS, on learning from the states that a learner itself visits.
"""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from geodl.chemistry.cases.flame import PremixedFlame
from geodl.chemistry.cases.flame_speed import PER_PASSAGE, FlameStart, FreshGas
from geodl.chemistry.cases.ignition import IgnitionCase, ignition_start
from geodl.chemistry.cases.reactor import Cells, Chemistry
from geodl.chemistry.cases.starts import flame_starts, from_dataset
from geodl.chemistry.compiled import CompiledChemistry
from geodl.chemistry.data.batch import labelling
from geodl.chemistry.data.layout import reaction_dataset
from geodl.chemistry.data.plan import Plan
from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.state import OK, State
from geodl.core.compiler import find_compiler
from geodl.core.parts import make_parts
from geodl.core.surrogate import Surrogate, from_bytes
from geodl.errors import StabilityError

SOME = 6  # cells of a call that are remembered
CELLS, PER_THICKNESS = 160, 15.0  # of a flame
PASSAGES = 4  # times that a flame burns its own thickness
LONGEST_STEP = 0.8  # of the longest time step that is labelled
FIRST = 10_000_000  # number of the first trajectory, beyond those of any plan


@dataclasses.dataclass(frozen=True)
class Visits:
    """How many states are visited.

    Attributes:
        rounds: of visiting and learning.
        flames: that the emulator burns, from a start of the solver.
        batches: of reactors that it rolls out.
        reactors: of a batch.
        horizons: length of the roll-outs in s for each time step in s.
        samples: labels of one flame, and of one batch for each time step.
    """

    rounds: int = 2
    flames: int = 40
    batches: int = 6
    reactors: int = 50
    horizons: tuple[tuple[float, float], ...] = ((1e-7, 2e-4), (1e-6, 3e-3), (1e-5, 2e-2))
    samples: int = 500


class Visitor:
    """A chemistry that remembers some of the cells that it was given."""

    def __init__(self, chemistry: Chemistry, rng: np.random.Generator, some: int):
        self.chemistry, self.rng, self.some = chemistry, rng, some
        self.seen: list[Cells] = []

    @property
    def mechanism(self) -> Mechanism:
        return self.chemistry.mechanism

    def advance(self, temperature: Any, pressure: Any, mass_fraction: Any, dt: Any) -> State:
        count = len(temperature)
        rows = self.rng.choice(count, min(self.some, count), replace=False)
        pressures = np.broadcast_to(pressure, count)
        self.seen.append(Cells(temperature[rows], pressures[rows], np.maximum(mass_fraction[rows], 0)))
        return self.chemistry.advance(temperature, pressures, mass_fraction, dt)

    def states(self, count: int) -> Cells:
        """So many of all that it remembers, or all."""
        columns = zip(*((c.temperature, c.pressure, c.mass_fraction) for c in self.seen), strict=True)
        t, p, y = map(np.concatenate, columns)
        rows = self.rng.choice(len(t), min(count, len(t)), replace=False)
        return Cells(t[rows], p[rows], y[rows])


def visited(
    surrogate: Surrogate,
    plan: Plan,
    visits: Visits,
    longest: float,
    seed: int,
    folder: Path | None = None,
    flames: Path | None = None,
) -> xr.Dataset:
    """Labelled states of flames and roll-outs of a surrogate, over the ranges of a plan.

    Args:
        plan: of the training data, which the labels share their time steps and tolerances with.
        longest: s, see `EmulatedChemistry`.
        seed: other flames and reactors for another one.
        folder: of finished parts, with which it goes on after a stop.
        flames: folder of the flames that it starts from, which another surrogate may share.
    Returns:
        As of `geodl.chemistry.data.generate`; states that the solver fails on are missing, and counted in
        ``failed_samples``, as flames that it does not find are in ``failed_flames``. ``extinct_flames`` went out in the
        hands of the surrogate; what it came through until then counts.
    Raises:
        MissingPackageError: Cantera is not installed.
    """
    starts = flame_starts(plan, visits.flames, seed, flames)
    made = make_parts(
        functools.partial(_part, surrogate.to_bytes(), starts, plan, visits, longest, seed),
        [range(number, number + 1) for number in range(visits.flames + visits.batches)],
        identity=f"{surrogate.sha256} {plan.identity} {dataclasses.replace(visits, rounds=1)} {longest} {seed}",
        folder=folder,
        workers=plan.workers,
        about="states visited",
    )
    good = [part for part in made if "sample" in part.dims]
    counts = {name: int(sum(part.attrs[name] for part in good)) for name in ("failed_samples", "extinct_flames")}
    found = xr.concat(good, "sample", combine_attrs="drop_conflicts")
    return found.assign_attrs(counts, failed_flames=len(made) - len(good))


def joined(train: xr.Dataset, more: xr.Dataset) -> xr.Dataset:
    """Training data and more of them, with the attributes of the first."""
    return xr.concat([train, more], "sample", combine_attrs="override").assign_attrs(train.attrs)


def _part(
    bundle: bytes, starts: Sequence[xr.Dataset], plan: Plan, visits: Visits, longest: float, seed: int, numbers: range
) -> xr.Dataset:
    """Of one flame, or of one batch of reactors; nothing where the solver found no flame to start from."""
    (number,) = numbers
    rng = np.random.default_rng([plan.seed, seed, number])
    faster = CompiledChemistry if find_compiler() else EmulatedChemistry  # the same answers, but for rounding
    emulator = faster(from_bytes(bundle), longest=longest)
    if number >= len(starts):
        made = _labelled(*_reactors(emulator, plan, visits, rng), plan, rng, FIRST + 1000 * seed + number)
        return made.assign_attrs(extinct_flames=0)
    given = starts[number]
    if "point" not in given.dims:
        return xr.Dataset()
    burnt, most = FreshGas(plan.mechanism, plan.fuel).burnt, LONGEST_STEP * plan.span("dt")[1]
    cells, extinct = _flame(emulator, burnt, from_dataset(given), rng, visits.samples, most)
    initial, phi = given.attrs["temperature"], given.attrs["equivalence_ratio"]
    facts = {"kind": "flame", "initial_temperature": initial, "equivalence_ratio": phi}
    made = _labelled(cells, facts, plan, rng, FIRST + 1000 * seed + number)
    return made.assign_attrs(extinct_flames=int(extinct))


def _flame(
    emulator: Chemistry, burnt: str, start: FlameStart, rng: np.random.Generator, samples: int, most: float
) -> tuple[Cells, bool]:
    """States of a flame that begins as that of the solver, and whether it went out: then those until that."""
    visitor = Visitor(emulator, rng, SOME)
    flame = PremixedFlame(
        visitor, start.profile, burnt, conductivity=start.conductivity, cells=CELLS, per_thickness=PER_THICKNESS
    )
    dt = min(start.passage / PER_PASSAGE, most)
    try:
        for _ in range(int(PASSAGES * start.passage / dt)):
            flame.step(dt)
    except StabilityError:
        return visitor.states(samples), True
    return visitor.states(samples), False


def _reactors(
    emulator: Chemistry, plan: Plan, visits: Visits, rng: np.random.Generator
) -> tuple[Cells, dict[str, Any]]:
    """States of roll-outs of fresh mixtures, at every time step."""
    count = visits.reactors
    draws = (plan.draw(rng, name, count) for name in ("temperature", "pressure", "phi"))
    cases = [IgnitionCase(*map(float, case)) for case in zip(*draws, strict=True)]
    start = ignition_start(emulator.mechanism, cases, plan.fuel, oxidizer=plan.oxidizer)
    found = []
    for dt, horizon in visits.horizons:
        visitor, cells = Visitor(emulator, rng, SOME), start
        for _ in range(round(horizon / dt)):
            state = visitor.advance(cells.temperature, cells.pressure, cells.mass_fraction, dt)
            cells = Cells(np.asarray(state.temperature), cells.pressure, np.asarray(state.mass_fraction))
        found.append(visitor.states(visits.samples))
    columns = zip(*((c.temperature, c.pressure, c.mass_fraction) for c in found), strict=True)
    return Cells(*map(np.concatenate, columns)), {"kind": "ignition", "initial_temperature": np.nan,
                                                  "equivalence_ratio": np.nan}  # fmt: skip


def _labelled(cells: Cells, facts: dict[str, Any], plan: Plan, rng: np.random.Generator, trajectory: int) -> xr.Dataset:
    """What the solver makes of cells within time steps of the plan."""
    count = len(cells.temperature)
    dt, solver = plan.time_steps(rng, count), labelling(plan.mechanism, plan.constant, plan.rtol, plan.atol)
    after = solver.advance(cells.temperature, cells.pressure, cells.mass_fraction, dt)
    values = {
        "temperature": cells.temperature, "pressure": cells.pressure, "mass_fraction": cells.mass_fraction, "dt": dt,
        "temperature_end": np.asarray(after.temperature), "pressure_end": cells.pressure,
        "mass_fraction_end": np.maximum(np.asarray(after.mass_fraction), 0),
        **{name: np.full(count, fact) for name, fact in facts.items()},
        "perturbed": np.zeros(count, bool), "trajectory": np.full(count, trajectory),
    }  # fmt: skip
    good = np.asarray(after.status) == OK
    made = reaction_dataset({name: value[good] for name, value in values.items()}, solver.mechanism)
    return made.assign_attrs(failed_samples=int((~good).sum()))
