"""The reference of atmospheric kinetics: closed forms, conservation, tolerances that count, cells that fail alone."""

import builtins
import json

import numpy as np
import pytest
import torch

from geodl.chemistry.atmosphere.mechanism import LumpedMechanism, read_lumped
from geodl.chemistry.atmosphere.musica import configuration
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes
from geodl.chemistry.atmosphere.reference import AirState, MicmChemistry
from geodl.chemistry.state import FAILED, OK
from geodl.errors import MechanismError, MissingPackageError, OptionError, ShapeError
from geodl.testing import assert_refused

pytest.importorskip("musica")


@pytest.fixture(scope="module")
def micm() -> MicmChemistry:
    return MicmChemistry(rtol=1e-5, atol=1e-16)


@pytest.fixture(scope="module")
def boxes(micm):
    return draw_boxes(Plan(seed=3), micm.mechanism, range(6))


def advanced(chemistry, boxes, dt=300.0, **more):
    more = {"photolysis": boxes.sunlight, "emission": boxes.emission} | more
    return chemistry.advance(boxes.temperature, boxes.pressure, boxes.concentration, dt, **more)


def test_carbon_bond_conserves_chlorine_reactive_nitrogen_and_sulfur(micm):
    mechanism = micm.mechanism
    nitrogen = dict.fromkeys(("HNO3", "HONO", "NO", "NO2", "NO3", "NTR", "PAN", "PANX", "PNA"), 1) | {"N2O5": 2}
    chlorine = dict.fromkeys(("CL", "CLO", "FMCL", "HCL", "HOCL"), 1) | {"CL2": 2}
    assert mechanism.families == {"NO": nitrogen, "CL": chlorine, "SO2": {"SO2": 1, "SULF": 1}}
    assert (len(mechanism.species), mechanism.given) == (67, ("M", "O2", "H2O"))
    assert (len(mechanism.photolysis), len(mechanism.emission)) == (20, 14)


@pytest.mark.parametrize("solver", ["rosenbrock", "rosenbrock_dae6", "backward_euler"])
def test_families_grow_by_what_is_emitted(solver, boxes):
    """At tolerances that count: where not, MICM sets to zero what it made negative, and sulfur drifts by 1e-4."""
    chemistry = MicmChemistry(solver=solver, rtol=1e-5, atol=1e-16)
    state = advanced(chemistry, boxes)
    matrix = chemistry.mechanism.family_matrix.T
    before = boxes.concentration + 300 * boxes.emission
    np.testing.assert_allclose(state.concentration @ matrix, before @ matrix, rtol=1e-13)
    assert (state.concentration >= 0).all()
    assert (state.status == OK).all()


def test_air_comes_back_as_it_was(micm, boxes):
    given = [micm.mechanism.index(name) for name in micm.mechanism.given]
    np.testing.assert_array_equal(advanced(micm, boxes).concentration[:, given], boxes.concentration[:, given])


def test_what_only_light_destroys_decays_exponentially(boxes):
    micm = MicmChemistry(rtol=1e-7, atol=1e-20)
    concentration = np.zeros_like(boxes.concentration)
    i, rate = micm.mechanism.index("NO2"), micm.mechanism.photolysis["NO2"]
    concentration[:, i] = 1e-9  # with no oxygen around, all that is left is NO2 + hv -> NO + O, and O + NO2 -> NO
    state = micm.advance(300.0, 1e5, concentration * 1e-9, 100.0, photolysis=0.5)  # too thin for the second
    np.testing.assert_allclose(state.concentration[:, i], 1e-18 * np.exp(-0.5 * rate * 100), rtol=1e-4)


def test_tolerances_count(micm, boxes):
    chosen = [micm.mechanism.index(name) for name in ("O3", "NO2", "OH", "PAN", "HO2")]
    exact = advanced(MicmChemistry(solver="rosenbrock_dae6", rtol=1e-6, atol=1e-18), boxes).concentration[:, chosen]
    others = micm, MicmChemistry(rtol=1e-3, atol=1e-14), MicmChemistry(solver="backward_euler")
    errors = [np.abs(advanced(other, boxes).concentration[:, chosen] / exact - 1).max() for other in others]
    assert errors[0] < 1e-4
    assert 10 * errors[0] < errors[1] < errors[2]


def test_cells_do_not_see_each_other_beyond_the_tolerance(micm, boxes):
    together = advanced(micm, boxes).concentration
    alone = np.concatenate([advanced(micm, boxes.part(slice(i, i + 1))).concentration for i in range(len(boxes))])
    np.testing.assert_allclose(alone, together, rtol=3e-4, atol=1e-17)


def test_many_cells_are_solved_in_blocks(micm, boxes):
    many = boxes.part(np.arange(70) % len(boxes))
    state = advanced(micm, many)
    np.testing.assert_allclose(state.concentration[:6], state.concentration[60:66], rtol=3e-4, atol=1e-17)


def test_a_cell_that_is_no_state_fails_alone(micm, boxes):
    spoiled = boxes.concentration.copy()
    spoiled[2, 5] = np.nan
    state = micm.advance(boxes.temperature, boxes.pressure, spoiled, 300.0)
    assert state.status.tolist() == [OK, OK, FAILED, OK, OK, OK]
    np.testing.assert_array_equal(state.concentration[2], spoiled[2])
    cold = micm.advance(np.array([300.0, -1.0]), 1e5, boxes.concentration[:2], 300.0)
    assert cold.status.tolist() == [OK, FAILED]


def test_a_cell_that_the_solver_gives_up_fails_alone(micm, boxes, monkeypatch):
    solve, asked = micm._solver.solve, []

    def poisoned(cells, dt):
        asked.append(cells.number)
        bad = bool((cells.concentration > 1e3).any())
        return (False, 0) if bad else solve(cells, dt)

    monkeypatch.setattr(micm._solver, "solve", poisoned)
    spoiled = boxes.concentration.copy()
    spoiled[4, micm.mechanism.index("H2")] = 2e3
    state = micm.advance(boxes.temperature, boxes.pressure, spoiled, 300.0)
    assert state.status.tolist() == [OK, OK, OK, OK, FAILED, OK]
    assert asked == [6, 3, 3, 1, 2, 1, 1]
    np.testing.assert_array_equal(state.concentration[4], spoiled[4])


def test_tensors_are_welcome_and_a_mean_rate_comes_out(micm, boxes):
    state = micm.advance(290.0, 1e5, torch.tensor(boxes.concentration), 300.0)
    assert isinstance(state, AirState)
    change = state.concentration - boxes.concentration
    np.testing.assert_allclose(state.source(boxes.concentration, 300.0) * 300, change, rtol=1e-15)


def test_the_fingerprint_says_the_reactions_and_not_their_order(tmp_path):
    folder = configuration("carbon_bond_5").parent
    species, reactions = (json.loads((folder / f"{name}.json").read_text()) for name in ("species", "reactions"))
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / "species.json").write_text(json.dumps(species))
    print_of = read_lumped("carbon_bond_5").fingerprint
    data = reactions["camp-data"][0]["reactions"]
    data.reverse()
    (tmp_path / "reactions.json").write_text(json.dumps(reactions))
    assert read_lumped(tmp_path / "config.json").fingerprint == print_of
    next(item for item in data if item["type"] == "ARRHENIUS")["A"] *= 1 + 1e-12
    (tmp_path / "reactions.json").write_text(json.dumps(reactions))
    assert read_lumped(tmp_path / "config.json").fingerprint != print_of


def test_a_mechanism_survives_json(micm):
    mechanism = micm.mechanism
    again = LumpedMechanism.from_record(json.loads(json.dumps(mechanism.to_record())))
    assert again == mechanism
    np.testing.assert_array_equal(again.family_matrix, mechanism.family_matrix)
    assert_refused(MechanismError, lambda: LumpedMechanism.from_record({"name": "x"}), "record")


def test_what_nothing_makes_is_absent(micm):
    """Neither shipped nor emitted, and no reaction of what is there makes them."""
    assert micm.mechanism.absent == ("BENZENE", "BENZRO2", "ETOH", "SESQ", "TERP")
    assert read_lumped("chapman").absent == ()


def test_species_are_found_by_name_in_any_order(micm):
    mechanism = micm.mechanism
    names = list(reversed(mechanism.species))
    assert [names[i] for i in mechanism.order(names)] == list(mechanism.species)
    assert_refused(MechanismError, lambda: mechanism.order(names[1:]), "comes 0 times")
    assert_refused(MechanismError, lambda: mechanism.order([*names, "O3"]), "'O3' comes 2 times")
    assert_refused(MechanismError, lambda: mechanism.order([*names, "ozone"]), "ozone")


def test_what_is_wrong_is_refused(micm, boxes):
    c = boxes.concentration
    assert_refused(ShapeError, lambda: micm.advance(300.0, 1e5, c[:, 1:], 1.0), "[6, 66]", "67")
    assert_refused(ShapeError, lambda: micm.advance(np.full(3, 300.0), 1e5, c, 1.0), "temperature", "[3]")
    assert_refused(ShapeError, lambda: micm.advance(300.0, 1e5, c, 1.0, emission=c[:1]), "emission")
    assert_refused(OptionError, lambda: micm.advance(300.0, 1e5, c, 0.0), "dt", "above 0")
    assert_refused(OptionError, lambda: micm.advance(300.0, 1e5, c, 1.0, emission=c), "no source of")
    assert_refused(MechanismError, lambda: MicmChemistry("carbon_bond_6"), "carbon_bond_5")
    assert_refused(OptionError, lambda: MicmChemistry(solver="rosenbrok"), "rosenbrock")
    assert_refused(OptionError, lambda: MicmChemistry(rtol=1e-3), "give both")
    assert_refused(OptionError, lambda: MicmChemistry(parameters={"PHOTO.NO_2": 1.0}), "PHOTO.NO2")


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "bad.json").write_text("{")
    assert_refused(MechanismError, lambda: read_lumped(tmp_path / "bad.json"), "cannot read")


def test_without_the_package_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name.split(".")[0] == "musica":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    assert_refused(MissingPackageError, lambda: MicmChemistry(), "geodl[atmosphere]")
