"""The surrogate where it is at home, the solver elsewhere: exactly there, and with the cost counted."""

import dataclasses
import math
import sys

import numpy as np
import pytest
import torch

from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.guarded import Cost, GuardedChemistry
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.reference import CanteraChemistry
from geodl.chemistry.state import FAILED, FROZEN, OK, OUT_OF_DOMAIN, State, cells
from geodl.core.guard import Guard
from geodl.errors import MechanismError, MissingPackageError, OptionError
from geodl.testing import assert_refused
from tests.chemistry.surrogates import network, states, trained

EMULATOR = EmulatedChemistry(trained())
STRANGE = [3, 7, 20]  # cells


class Solver:
    """Answers every cell with a temperature of its own, and counts; gives up below a pressure."""

    def __init__(self, mechanism: Mechanism = EMULATOR.mechanism, gives_up_below: float = 0.0):
        self.mechanism, self.gives_up_below, self.seen = mechanism, gives_up_below, []

    def advance(self, temperature, pressure, mass_fraction, dt):
        t, p, y, _ = cells(temperature, pressure, mass_fraction, dt, species=len(self.mechanism.species))
        self.seen.append(y)
        failed = (p < self.gives_up_below) | t.isnan()
        status = torch.where(failed, FAILED, OK).to(torch.int8)
        state = State(torch.where(failed, t, 1234.5), y, status)
        return state if isinstance(mass_fraction, torch.Tensor) else State(*(x.numpy() for x in vars(state).values()))


class Anywhere(Guard):
    """Trusts all."""

    def forward(self, features):
        return torch.ones(len(features), dtype=torch.bool)


@pytest.fixture
def strange() -> list[np.ndarray]:
    """Thirty states of which three are nowhere near the data."""
    temperature, pressure, fraction, dt = (x[:30].copy() for x in states("train"))
    known = EMULATOR.advance(temperature, pressure, fraction, dt).status == OK
    given = [x[known] for x in (temperature, pressure, fraction, dt)]
    given[1][STRANGE] = 1e9, 2e9, 3e9
    assert len(given[0]) > 20
    return given


def test_the_solver_gets_the_flagged_cells_and_no_others(strange):
    solver = Solver()
    chemistry = GuardedChemistry(trained(), solver)
    alone, state = EMULATOR.advance(*strange), chemistry.advance(*strange)
    replaced = np.isin(np.arange(len(strange[0])), STRANGE)
    np.testing.assert_array_equal(solver.seen[0].numpy(), strange[2][STRANGE])
    np.testing.assert_array_equal(state.temperature[replaced], 1234.5)
    np.testing.assert_array_equal(state.mass_fraction[replaced], strange[2][STRANGE])
    for name in ("temperature", "mass_fraction", "status"):
        np.testing.assert_array_equal(getattr(state, name)[~replaced], getattr(alone, name)[~replaced])
    assert (state.status == OK).all()


def test_a_solver_is_not_called_for_nothing(strange):
    solver = Solver()
    GuardedChemistry(trained(), solver).advance(strange[0], 1e5, *strange[2:])
    assert not solver.seen


def test_cold_cells_do_not_go_to_the_solver(strange):
    solver = Solver()
    state = GuardedChemistry(trained(), solver).advance(300.0, *strange[1:])
    assert not solver.seen
    assert (state.status == FROZEN).all()


def test_tensors_and_numbers_for_all_cells_go_the_same_way(strange):
    chemistry = GuardedChemistry(EMULATOR, Solver())
    arrays = chemistry.advance(*strange)
    tensors = chemistry.advance(*map(torch.from_numpy, strange))
    for name in ("temperature", "mass_fraction", "status"):
        np.testing.assert_array_equal(getattr(tensors, name).numpy(), getattr(arrays, name))
    assert (chemistry.advance(strange[0], 1e9, strange[2], 1e-6).temperature == 1234.5).all()
    assert (chemistry.advance(strange[0], [1e9], strange[2].tolist(), [1e-6]).temperature == 1234.5).all()
    assert chemistry.advance(strange[0][:1], 1e9, strange[2][:1], 1e-6).temperature == 1234.5


def test_cells_that_the_solver_gives_up_say_so_and_stay(strange):
    state = GuardedChemistry(trained(), Solver(gives_up_below=2.5e9)).advance(*strange)
    assert state.status[STRANGE].tolist() == [FAILED, FAILED, OK]
    np.testing.assert_array_equal(state.temperature[STRANGE[:2]], strange[0][STRANGE[:2]])
    np.testing.assert_array_equal(state.mass_fraction[STRANGE[:2]], strange[2][STRANGE[:2]])


def test_a_cell_with_nan_fails_and_the_others_are_answered(strange):
    strange[0][5] = math.nan
    state = GuardedChemistry(trained(), Solver()).advance(*strange)
    assert state.status[5] == FAILED
    assert (np.delete(state.status, 5) == OK).all()


def test_cost_is_counted():
    given = [x[:30] for x in states("train")]
    chemistry = GuardedChemistry(trained(), Solver())
    flagged = sum(int((EMULATOR.advance(given[0], p, *given[2:]).status >= OUT_OF_DOMAIN).sum()) for p in (1e5, 1e9))
    for pressure in (1e5, 1e9):
        chemistry.advance(given[0], pressure, *given[2:])
    cost = chemistry.cost
    assert (cost.cells, cost.solved) == (60, flagged)
    assert cost.fallback == pytest.approx(flagged / 60)
    assert cost.emulator_seconds > 0
    assert cost.solver_seconds > 0


def test_the_speed_up_is_against_the_solver_alone():
    assert Cost(1000, 10, 1.0, 2.0).speed_up == pytest.approx(1000 * 0.2 / 3)
    assert math.isnan(Cost(1000, 0, 1.0, 0.0).speed_up)
    assert Cost().fallback == 0


@pytest.mark.parametrize("turned", ["columns", "solver", "both"])
def test_the_solver_gets_species_in_its_own_order(strange, turned):
    mechanism = EMULATOR.mechanism
    names = ["N2", "H2O", "O2", "H2"]
    order = [mechanism.index(name) for name in names]
    other = dataclasses.replace(
        mechanism,
        species=tuple(names),
        composition=tuple(tuple(row[i] for i in order) for row in mechanism.composition),
        nasa=tuple(mechanism.nasa[i] for i in order),
    )
    expected = GuardedChemistry(trained(), Solver()).advance(*strange)
    solver = Solver(mechanism if turned == "columns" else other)
    columns = slice(None) if turned == "solver" else order
    emulator = EMULATOR if turned == "solver" else EmulatedChemistry(trained(), species=names)
    given = [*strange[:2], strange[2][:, columns], strange[3]]
    state = GuardedChemistry(emulator, solver).advance(*given)
    by_name = strange[2][STRANGE] if turned == "columns" else strange[2][STRANGE][:, order]
    np.testing.assert_array_equal(solver.seen[0].numpy(), by_name)
    np.testing.assert_array_equal(state.mass_fraction, expected.mass_fraction[:, columns])


def test_a_solver_of_another_mechanism_is_refused():
    other = dataclasses.replace(EMULATOR.mechanism, fingerprint="d" * 64)
    assert_refused(MechanismError, lambda: GuardedChemistry(trained(), Solver(other)), "dddddddddddd")


def test_a_solver_that_keeps_something_else_is_refused():
    solver = Solver()
    solver.constant = "volume"
    assert_refused(OptionError, lambda: GuardedChemistry(trained(), solver), "pressure", "volume")


def test_without_cantera_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cantera", None)
    assert_refused(MissingPackageError, lambda: CanteraChemistry("h2o2.yaml"), "pip install 'geodl[chemistry]'")


def test_cantera_answers_what_a_network_cannot():
    """An untrained network for a mechanism of Cantera, all of whose hot cells are unknown to it."""
    pytest.importorskip("cantera")
    solver = CanteraChemistry("h2o2.yaml")
    surrogate = trained()
    family = dataclasses.replace(surrogate.family, options={"mechanism": solver.mechanism.to_record()})
    core = type(surrogate.core)(family.schema, network(solver.mechanism, frozen_below=400.0))
    core.network.largest_correction.fill_(-1.0)
    solver.gas.set_equivalence_ratio(1.0, "H2", "O2:1, N2:3.76")
    fraction, temperature = np.repeat(solver.gas.Y[None], 4, 0), np.array([1400.0, 300.0, math.nan, 1e6])
    surrogate = dataclasses.replace(surrogate, family=family, core=core, guard=Anywhere())
    chemistry = GuardedChemistry(surrogate, solver)
    state, alone = (x.advance(temperature, 1e5, fraction, 1e-5) for x in (chemistry, solver))
    assert state.status.tolist() == [OK, FROZEN, FAILED, FAILED]
    np.testing.assert_array_equal(state.temperature[[0, 2, 3]], alone.temperature[[0, 2, 3]])
    np.testing.assert_array_equal(state.mass_fraction[0], alone.mass_fraction[0])
    assert (chemistry.cost.cells, chemistry.cost.solved) == (4, 3)
