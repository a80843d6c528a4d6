"""Mechanisms from files: what Cantera makes of the same file, and plain words for what is wrong with it."""

import json
import sys

import numpy as np
import pytest

from geodl.chemistry.mechanism.equation import read_equation
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.mechanism.read import find_mechanism, read_mechanism
from geodl.errors import MechanismError, MissingPackageError
from geodl.testing import assert_refused

SHIPPED = [  # of Cantera: plain, with imports from other files, ions, sections, units of sections, other phases
    ("h2o2.yaml", "ohmech"),
    ("gri30.yaml", "gri30"),
    ("ohn.yaml", "gas"),
    ("gri30_ion.yaml", "gas"),
    ("KOH.yaml", "KOH_plasma"),
    ("ptcombust.yaml", "gas"),
    ("SiF4_NH3_mec.yaml", "gas"),
    ("nDodecane_Reitz.yaml", "nDodecane_IG"),
    ("example_data/ammonia-CO-H2-Alzueta-2023.yaml", "baseline"),
]

WATER = """\
units: {length: cm, quantity: mol, activation-energy: cal/mol}
phases:
- name: gas
  thermo: ideal-gas
  elements: [O, H, N]
  species: [H2, O2, H2O, N2]
  kinetics: gas
- name: wall
  thermo: ideal-surface
species:
- name: H2
  composition: {H: 2}
  thermo: &
- name: O2
  composition: {O: 2}
  thermo: &
- name: H2O
  composition: {H: 2, O: 1}
  thermo: &
- name: N2
  composition: {N: 2}
  thermo: &
reactions:
- equation: 2 H2 + O2 + N2 <=> 2 H2O + N2
  rate-constant: {A: 1.0e+12, b: 0.5, Ea: 4000.0}
""".replace("&", "{model: NASA7, temperature-ranges: [200.0, 3000.0], data: [[3.5, 0.0, 0.0, 0.0, 0.0, -900.0, 4.0]]}")


@pytest.fixture(scope="module")
def cantera():
    return pytest.importorskip("cantera")


def read(folder, text, phase=None):
    (folder / "water.yaml").write_text(text, encoding="utf-8")
    return read_mechanism(folder / "water.yaml", phase)


@pytest.mark.parametrize(("file", "phase"), SHIPPED)
@pytest.mark.filterwarnings("ignore:.*discontinuity")
def test_cantera_reads_the_same(cantera, file, phase):
    mechanism, gas = read_mechanism(file, phase), cantera.Solution(file, phase)
    assert list(mechanism.species) == gas.species_names
    assert list(mechanism.elements) == gas.element_names
    atoms = [[gas.n_atoms(name, element) for name in gas.species_names] for element in gas.element_names]
    assert np.array_equal(mechanism.composition, atoms)
    np.testing.assert_allclose(mechanism.weights, gas.molecular_weights, rtol=1e-14)
    for nasa, species in zip(mechanism.nasa, gas.species(), strict=True):
        thermo = species.thermo
        assert (nasa.t_low, nasa.t_high) == (thermo.min_temp, thermo.max_temp)
        assert (nasa.t_mid, *nasa.high, *nasa.low) == tuple(thermo.coeffs)
    net = np.reshape(gas.product_stoich_coeffs - gas.reactant_stoich_coeffs, (gas.n_species, -1))
    assert mechanism.inert == tuple(np.array(gas.species_names)[~net.any(1)])


@pytest.mark.parametrize(("file", "phase"), [("h2o2.yaml", None), ("gri30_ion.yaml", None)])
def test_elements_weigh_what_species_weigh(cantera, file, phase):
    mechanism = read_mechanism(file, phase)
    np.testing.assert_allclose(mechanism.atomic_weights @ mechanism.element_matrix, 1, rtol=1e-14)


def test_a_reaction_conserves_the_elements_of_the_matrix(tmp_path):
    mechanism = read(tmp_path, WATER)
    change = mechanism.weights * [-2, -1, 2, 0]  # kg
    np.testing.assert_allclose(mechanism.element_matrix @ change, 0, atol=1e-14)
    assert mechanism.inert == ("N2",)
    assert mechanism.name == "water.yaml/gas"


def test_a_record_of_json_is_the_same_mechanism(cantera):
    mechanism = read_mechanism("gri30.yaml")
    assert Mechanism.from_record(json.loads(json.dumps(mechanism.to_record()))) == mechanism


def test_a_record_that_lacks_a_part_is_refused(tmp_path):
    record = read(tmp_path, WATER).to_record()
    del record["nasa"]
    assert_refused(MechanismError, lambda: Mechanism.from_record(record), "nasa", "to_record")


def test_species_are_known_by_name(tmp_path):
    mechanism = read(tmp_path, WATER)
    names = ["N2", "H2O", "O2", "H2"]
    assert [names[place] for place in mechanism.order(names)] == list(mechanism.species)
    assert mechanism.index("H2O") == 2
    assert_refused(MechanismError, lambda: mechanism.index("h2o"), "'h2o'", "Did you mean 'H2O'")
    assert_refused(MechanismError, lambda: mechanism.order(["H2", "O2", "N2"]), "missing: 'H2O'")
    assert_refused(MechanismError, lambda: mechanism.order([*names, "AR"]), "not in the mechanism: 'AR'")
    assert_refused(MechanismError, lambda: mechanism.order([*names, "N2"]), "given twice: 'N2'")


def test_a_file_is_found_here_before_it_is_sought_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "cantera", None)
    assert read(tmp_path, WATER) == read_mechanism("water.yaml")
    assert_refused(MissingPackageError, lambda: read_mechanism("h2o2.yaml"), "h2o2.yaml", "geodl[chemistry]")


def test_a_file_that_nobody_has_is_refused(cantera):
    assert_refused(MechanismError, lambda: find_mechanism("h2o.yaml"), "h2o.yaml", "Did you mean 'h2o2.yaml'")


def test_species_and_reactions_come_from_other_files_beside(tmp_path):
    whole = read(tmp_path, WATER)
    importing = """\
phases:
- name: gas
  thermo: ideal-gas
  elements: [O, H, N]
  species:
  - water.yaml/species: [H2, O2]
  - water.yaml/species: [H2O, N2]
  kinetics: gas
  reactions: [water.yaml/reactions]
"""
    (tmp_path / "other.yaml").write_text(importing)
    found = read_mechanism(tmp_path / "other.yaml")
    assert (found.species, found.fingerprint) == (whole.species, whole.fingerprint)
    fewer = importing.replace("[H2O, N2]", "[N2]").replace("[water.yaml/reactions]", "[water.yaml/reactions: all]")
    (tmp_path / "fewer.yaml").write_text(
        fewer.replace("[water.yaml/reactions: all]", "\n  - water.yaml/reactions: all")
    )
    assert_refused(MechanismError, lambda: read_mechanism(tmp_path / "fewer.yaml"), "lacks: ['H2O']")
    (tmp_path / "fewer.yaml").write_text(
        fewer.replace("[water.yaml/reactions: all]", "\n  - water.yaml/reactions: declared-species")
    )
    assert read_mechanism(tmp_path / "fewer.yaml").inert == ("H2", "O2", "N2")


def test_a_species_without_reactions_is_inert(tmp_path):
    assert read(tmp_path, WATER.replace("  kinetics: gas\n", "")).inert == ("H2", "O2", "H2O", "N2")


def test_an_element_may_have_its_own_weight(tmp_path):
    mechanism = read(tmp_path, WATER + "elements:\n- symbol: H\n  atomic-weight: 2.0\n")
    assert mechanism.weights[0] == 4.0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("thermo: ideal-gas", "thermo: Redlich-Kwong", ["'gas'", "'Redlich-Kwong'", "none of these"]),
        ("model: NASA7", "model: NASA9", ["'H2'", "'NASA9'", "expected NASA7"]),
        ("temperature-ranges: [200.0, 3000.0]", "temperature-ranges: [200.0, 1000.0, 3000.0]", ["'H2'", "seven"]),
        ("species: [H2, O2,", "species: [H2, O3,", ["'O3'", "Known: H2"]),
        ("species: [H2, O2,", "species: [H2, H2, O2,", ["twice", "H2"]),
        ("species: [H2, O2,", "species: [O2,", ["'2 H2 + O2", "lacks: ['H2']"]),
        ("- name: O2", "- name: H2", ["'species'", "twice", "H2"]),
        ("elements: [O, H, N]", "elements: [O, H]", ["'N2'", "lacks: ['N']"]),
        ("N: 2", "Xy: 2", ["'N2'", "Xy"]),
        ("H: 2}", "H: 2.5}", ["'H2'", "2.5", "whole"]),
        ("b: 0.5", "b: 0.5}, efficiencies: {AR: 1.0", ["cannot be read: line 25", "brackets"]),
        ("  rate-constant", "  efficiencies: {AR: 0.7}\n  rate-constant", ["third bodies", "AR"]),
        ("<=>", "", ["cannot be read", "<=>"]),
        ("+ N2 <=>", "+N2 <=>", ["blanks around +"]),
        ("A: 1.0e+12", "A: 1.0e+12 furlong", ["2 H2 + O2", "furlong"]),
        ("A: 1.0e+12", "A: many", ["2 H2 + O2", "many"]),
        ("length: cm", "length: foo", ["2 H2 + O2", "foo"]),
        ("- equation: ", "- reaction: ", ["equation"]),
        ("phases:", "faces:", ["no phases"]),
        (WATER, "just words", ["map"]),
        (WATER, "", ["map"]),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, old, new, words):
    assert old in WATER
    assert_refused(MechanismError, lambda: read(tmp_path, WATER.replace(old, new, 1)), "water.yaml", *words)


def test_another_phase_is_offered(tmp_path):
    assert_refused(MechanismError, lambda: read(tmp_path, WATER, "wall"), "'ideal-surface'", "Say phase='gas'")
    assert_refused(MechanismError, lambda: read(tmp_path, WATER, "gaz"), "'gaz'", "Did you mean 'gas'")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "broken.yaml").write_bytes(b"\xff\xfe\x00")
    assert_refused(MechanismError, lambda: read_mechanism(tmp_path / "broken.yaml"), "broken.yaml", "cannot be read")


@pytest.mark.parametrize(
    ("text", "reactants", "products", "reversible", "falloff", "changed"),
    [
        ("O + H2 <=> H + OH", {"O": 1, "H2": 1}, {"H": 1, "OH": 1}, True, "", {"O", "H2", "H", "OH"}),
        ("2 O + M = O2 + M", {"O": 2, "M": 1}, {"O2": 1, "M": 1}, True, "", {"O", "O2"}),
        ("2 OH (+M) <=> H2O2 (+ M)", {"OH": 2}, {"H2O2": 1}, True, "M", {"OH", "H2O2"}),
        ("H + O2 (+AR) => HO2 (+AR)", {"H": 1, "O2": 1}, {"HO2": 1}, False, "AR", {"H", "O2", "HO2"}),
        ("H + H + N2 => H2 + N2", {"H": 2, "N2": 1}, {"H2": 1, "N2": 1}, False, "", {"H", "H2"}),
        ("H3O+ + E => OH + 0.5 H2 + H", {"H3O+": 1, "E": 1}, {"OH": 1, "H2": 0.5, "H": 1}, False, "", None),
        ("CH2(S) + O''(ox) <=> CH2", {"CH2(S)": 1, "O''(ox)": 1}, {"CH2": 1}, True, "", None),
    ],
)
def test_equations_have_two_sides(text, reactants, products, reversible, falloff, changed):
    found = read_equation(text)
    assert (found.reactants, found.products) == (reactants, products)
    assert (found.reversible, found.falloff) == (reversible, falloff)
    assert found.changed == (found.names if changed is None else changed)


@pytest.mark.parametrize(
    "text", ["H2", "H <=> O <=> N", "H + <=> O", " <=> O", "A B => C", "O (+M) <=> O2", "a (+M) <=> b (+N)"]
)
def test_what_is_no_equation_is_refused(text):
    assert_refused(MechanismError, lambda: read_equation(text), repr(text))
