"""States that an emulator itself comes through: what is remembered, how it is labelled, and that training uses it."""

import dataclasses

import numpy as np
import pytest

import geodl
from geodl.chemistry.cases.domain import flame_only
from geodl.chemistry.cases.fuels import HYDROGEN, Trained, labelled, trained
from geodl.chemistry.cases.reactor import Cells
from geodl.chemistry.cases.visited import Visitor, Visits, joined, visited
from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.reference import CanteraChemistry
from geodl.core.surrogate import Surrogate
from tests.chemistry.surrogates import states
from tests.chemistry.surrogates import trained as toy

FEW = Visits(1, flames=1, batches=1, reactors=3, horizons=((1e-6, 2e-5), (1e-5, 1e-4)), samples=20)
FUEL = dataclasses.replace(HYDROGEN.quick(), visits=FEW)


@pytest.fixture(scope="module")
def surrogate() -> Surrogate:
    """Hardly trained, of hydrogen."""
    pytest.importorskip("cantera")
    parts = labelled(HYDROGEN.quick()).parts
    return trained(HYDROGEN.quick(), parts.train, parts.valid, seed=0).surrogate


@pytest.fixture(scope="module")
def found(surrogate: Surrogate):
    return visited(surrogate, FUEL.labels, FEW, FUEL.longest, 0)


def test_a_visitor_answers_as_its_chemistry_does_and_remembers_what_it_was_given():
    chemistry = EmulatedChemistry(toy())
    visitor = Visitor(chemistry, np.random.default_rng(0), some=4)
    t, p, y, dt = states()
    np.testing.assert_array_equal(visitor.advance(t, p, y, dt).temperature, chemistry.advance(t, p, y, dt).temperature)
    visitor.advance(t[:2], p[0], y[:2], 1e-6)
    seen = visitor.states(100)
    assert len(seen.temperature) == 6
    assert np.isin(seen.temperature, t).all()
    assert isinstance(visitor.states(3), Cells)
    assert len(visitor.states(3).pressure) == 3


def test_states_of_flames_and_of_every_time_step_are_labelled_by_the_solver(found):
    assert int((found["kind"] == "ignition").sum()) + found.attrs["failed_samples"] == 2 * 20
    assert found.attrs["failed_samples"] < 5  # the solver does not reach every wild state
    burnt = int((found["kind"] == "flame").sum())
    assert 1 <= burnt <= 20
    assert burnt == 20 or found.attrs["extinct_flames"] == 1  # only one that goes out has fewer states
    assert found.attrs["failed_flames"] == 0
    assert set(found["kind"].values) == {"flame", "ignition"}
    solver = CanteraChemistry("h2o2.yaml", rtol=1e-9, atol=1e-15)
    given = (found[name].values for name in ("temperature", "pressure", "mass_fraction", "dt"))
    np.testing.assert_allclose(found["temperature_end"], solver.advance(*given).temperature, rtol=1e-4)


def test_the_same_seed_visits_the_same_states(surrogate, found, tmp_path):
    again = visited(surrogate, FUEL.labels, FEW, FUEL.longest, 0, tmp_path / "parts")
    np.testing.assert_array_equal(again["mass_fraction"], found["mass_fraction"])
    other = visited(surrogate, FUEL.labels, dataclasses.replace(FEW, flames=0), FUEL.longest, 1)
    assert not np.isin(other["temperature"], found["temperature"]).any()


def test_a_stopped_run_goes_on(surrogate, found, tmp_path, monkeypatch):
    visited(surrogate, FUEL.labels, FEW, FUEL.longest, 0, tmp_path / "parts")
    monkeypatch.setattr("geodl.chemistry.cases.visited._flame", lambda *given: pytest.fail("made again"))
    again = visited(surrogate, FUEL.labels, FEW, FUEL.longest, 0, tmp_path / "parts")
    np.testing.assert_array_equal(again["temperature"], found["temperature"])


def test_training_sees_them(monkeypatch, found):
    pytest.importorskip("cantera")
    parts, sizes = labelled(HYDROGEN.quick()).parts, []
    fit = geodl.fit

    def counted(family, train, *given, **named):
        sizes.append(train.sizes["sample"])
        return fit(family, train, *given, **named)

    monkeypatch.setattr("geodl.chemistry.cases.fuels.fit", counted)
    trained(FUEL, parts.train, parts.valid, seed=0)
    assert sizes[0] == parts.train.sizes["sample"]
    assert sizes[0] + 40 < sizes[1] <= sizes[0] + 60
    assert joined(parts.train, found).attrs == parts.train.attrs


def test_a_surrogate_of_flames_alone_visits_nothing(monkeypatch):
    """Its flames would come with reactors, which it must not know."""
    pytest.importorskip("cantera")
    asked = []

    def remembered(fuel, *given, **named):
        asked.append(fuel)
        return Trained(toy(), 0.0)

    monkeypatch.setattr("geodl.chemistry.cases.domain.trained", remembered)
    flame_only(FUEL, labelled(HYDROGEN.quick()).parts)
    assert [fuel.visits for fuel in asked] == [None]
