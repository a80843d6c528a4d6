"""A surrogate where it is at home, the stiff solver elsewhere: with what it cost."""

import dataclasses
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.mechanism.read import require_same
from geodl.chemistry.state import CLIPPED, OUT_OF_DOMAIN, Array, State
from geodl.core.surrogate import Surrogate
from geodl.errors import OptionError


@dataclasses.dataclass
class Cost:
    """Cells and seconds since the beginning."""

    cells: int = 0
    solved: int = 0
    emulator_seconds: float = 0.0
    solver_seconds: float = 0.0

    @property
    def fallback(self) -> float:
        """Share of the cells that went to the solver."""
        return self.solved / max(self.cells, 1)

    @property
    def speed_up(self) -> float:
        """Over the solver alone, as estimated from what it took for the cells that it was given; NaN without any."""
        if not self.solved:
            return float("nan")
        alone = self.cells * self.solver_seconds / self.solved
        return alone / (self.emulator_seconds + self.solver_seconds)


class GuardedChemistry:
    """Advances cells by a surrogate, and those that it flags by a solver; a drop-in for operator splitting.

    Flagged are cells out of the domain of validity, or with a large spread of the members, or with a large or limited
    projection. A cell that the solver gives up too is FAILED and stays as it was.

    Args:
        surrogate: of combustion chemistry, or an `EmulatedChemistry` of one.
        solver: of the same mechanism, such as `CanteraChemistry`.
    Raises:
        MechanismError: the two have different mechanisms.
        OptionError: one keeps the pressure, the other the volume.
    """

    def __init__(self, surrogate: Surrogate | EmulatedChemistry, solver: Any):
        emulator = surrogate if isinstance(surrogate, EmulatedChemistry) else EmulatedChemistry(surrogate)
        require_same(emulator.mechanism, solver.mechanism.fingerprint)
        self.constant = emulator.constant
        if getattr(solver, "constant", self.constant) != self.constant:
            raise OptionError(f"the surrogate keeps the {self.constant}, the solver the {solver.constant}")
        self.emulator, self.solver, self.mechanism = emulator, solver, emulator.mechanism
        self._order = solver.mechanism.order(emulator.species)
        self.cost = Cost()

    def advance(self, temperature: Any, pressure: Any, mass_fraction: Any, dt: Any) -> State:
        """Every cell after its time step; arguments and result as `EmulatedChemistry.advance`."""
        begin = time.perf_counter()
        state = self.emulator.advance(temperature, pressure, mass_fraction, dt)
        middle = time.perf_counter()
        status = torch.as_tensor(state.status).cpu().numpy()
        flagged = np.flatnonzero((status == OUT_OF_DOMAIN) | (status == CLIPPED))
        if len(flagged):
            given = (_taken(value, flagged) for value in (temperature, pressure, mass_fraction, dt))
            state = _joined(state, self._solved(*given), flagged)
        self.cost.cells += len(state.status)
        self.cost.solved += len(flagged)
        self.cost.emulator_seconds += middle - begin
        self.cost.solver_seconds += time.perf_counter() - middle
        return state

    def _solved(self, temperature: Any, pressure: Any, mass_fraction: Any, dt: Any) -> State:
        """By the solver, whose species may have another order."""
        solved = self.solver.advance(temperature, pressure, mass_fraction[:, self._order], dt)
        return dataclasses.replace(solved, mass_fraction=solved.mass_fraction[:, np.argsort(self._order)])


def _taken(value: Any, rows: np.ndarray) -> Any:
    """Rows of what has one for each cell."""
    value = value if isinstance(value, Tensor) else np.asarray(value)
    return value if value.ndim == 0 or len(value) == 1 else value[rows]


def _joined(state: State, solved: State, rows: np.ndarray) -> State:
    """The state with the solver's answer in its rows."""

    def put(kept: Array, new: Array) -> Array:
        if isinstance(kept, Tensor):
            return kept.index_copy(0, torch.from_numpy(rows).to(kept.device), torch.as_tensor(new).to(kept))
        kept = kept.copy()
        kept[rows] = new
        return kept

    fields = [field.name for field in dataclasses.fields(State)]
    return State(**{name: put(getattr(state, name), getattr(solved, name)) for name in fields})
