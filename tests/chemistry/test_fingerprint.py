"""The fingerprint of a mechanism: spelling leaves it, a number does not."""

import pytest

from geodl.chemistry.mechanism.read import read_mechanism, require_same
from geodl.errors import MechanismError
from geodl.testing import assert_refused

MECHANISM = """\
units: {length: cm, quantity: mol, activation-energy: cal/mol}
phases:
- name: gas
  thermo: ideal-gas
  elements: [O, H]
  species: [H, O2, HO2, H2]
  kinetics: gas
species:
- name: H
  composition: {H: 1}
  thermo:
    model: NASA7
    temperature-ranges: [200.0, 1000.0, 3500.0]
    data:
    - [2.5, 7.5e-13, 0.0, 0.0, 0.0, 25473.0, -0.45]
    - [2.5, 2.3e-11, 0.0, 0.0, 0.0, 25474.0, -0.46]
- name: O2
  composition: {O: 2}
  thermo: &
- name: HO2
  composition: {H: 1, O: 2}
  thermo: &
- name: H2
  composition: {H: 2}
  thermo: &
reactions:
- equation: H + O2 (+M) <=> HO2 (+M)  # Reaction 1
  type: falloff
  low-P-rate-constant: {A: 6.0e+20, b: -1.5, Ea: -300.0}
  high-P-rate-constant: {A: 1.5e+12, b: 0.6, Ea: 120.0}
  Troe: {A: 0.8, T3: 1.0e-30, T1: 1.0e+30}
  efficiencies: {H2: 2.5, O2: 0.78}
- equation: 2 H + M <=> H2 + M
  rate-constant: {A: 1.0e+18, b: -1.0, Ea: 0.0}
- equation: H + HO2 <=> H2 + O2
  rate-constant: {A: 1.66e+13, b: 0.0, Ea: 823.0}
""".replace("&", "{model: NASA7, temperature-ranges: [200.0, 3000.0], data: [[3.5, 0.0, 0.0, 0.0, 0.0, -900.0, 4.0]]}")

DIGEST = "305d244fe32dffe44fa762e5d723eacad7c01263e410e42b394fde5f762f5ac5"

IN_SI = [  # the same in m, kmol and J
    ("units: {length: cm, quantity: mol, activation-energy: cal/mol}\n", ""),
    ("6.0e+20", "6.0e+14"),
    ("1.5e+12", "1.5e+9"),
    ("1.0e+18", "1.0e+12"),
    ("1.66e+13", "1.66e+10"),
    ("-300.0", "-1255200.0"),
    ("120.0", "502080.0"),
    ("823.0", "3443432.0"),
]

IN_MINUTES = [
    ("units: {length: cm,", "units: {length: cm, time: min,"),
    ("6.0e+20", "3.6e+22"),
    ("1.5e+12", "9.0e+13"),
    ("1.0e+18", "6.0e+19"),
    ("1.66e+13", "9.96e+14"),
]

TABLES = """
- equation: H2 + O2 <=> HO2 + H
  type: pressure-dependent-Arrhenius
  rate-constants:
  - {P: 1 atm, A: 2.0e+10, b: 1.0, Ea: 1000.0}
  - {P: 10 atm, A: 3.0e+10, b: 1.0, Ea: 1000.0}
- equation: HO2 + H2 <=> H + H2 + O2
  type: Chebyshev
  temperature-range: [300.0, 2500.0]
  pressure-range: [0.01 atm, 100 atm]
  data: [[8.0, -1.0], [0.3, 0.2]]
- equation: H + HO2 (+M) <=> H2 + O2 (+M)
  type: chemically-activated
  low-P-rate-constant: [2.0e+5, 1.0, 1000.0]
  high-P-rate-constant: [3.0e-4, 2.0, 1000.0]
- equation: HO2 => H + O2
  orders: {HO2: 1.5}
  rate-constant: {A: 2.0e+06, b: 0.0, Ea: 1000.0}
"""


def digest(folder, *changes, text=MECHANISM):
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "small.yaml").write_text(text)
    return read_mechanism(folder / "small.yaml").fingerprint


def test_a_fingerprint_stays_for_bundles_that_hold_it(tmp_path):
    assert digest(tmp_path) == DIGEST


@pytest.mark.parametrize("units", [{}, {"length": "cm", "quantity": "mol", "activation-energy": "K"}], ids=["SI", "K"])
@pytest.mark.parametrize("name", ["h2o2.yaml", "gri30.yaml", "small.yaml"])
def test_cantera_may_write_a_mechanism_anew(tmp_path, monkeypatch, name, units):
    cantera = pytest.importorskip("cantera")
    monkeypatch.chdir(tmp_path)
    digest(tmp_path, text=MECHANISM + TABLES)
    cantera.Solution(name).write_yaml("anew.yaml", units=units)
    assert read_mechanism("anew.yaml").fingerprint == read_mechanism(name).fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        [("# Reaction 1", "# which matters most"), ("ideal-gas", "ideal-gas  # of course")],
        [("[H, O2, HO2, H2]", "[H2, HO2, O2, H]"), ("[O, H]", "[H, N, O]")],
        [("name: gas", "name: another"), ("  type: falloff", "  note: by hand\n  type: falloff")],
        [("H + O2 (+M) <=> HO2 (+M)", "O2 + H (+ M) = HO2 (+ M)"), ("2 H + M", "H + H + M")],
        [
            ("{H2: 2.5, O2: 0.78}", "{O2: 0.78, H2: 2.50}"),
            ("200.0", "200"),
            ("1.0e+18", "1E18"),
            ("Ea: 0.0", "Ea: -0.0"),
        ],
        [("2 H + M <=> H2 + M\n", "2 H + M <=> H2 + M\n  type: three-body\n")],
        IN_SI,
        IN_MINUTES,
        [("1.66e+13, b: 0.0, Ea: 823.0", "1.66e+7 m^3/mol/s, b: 0.0, Ea: 3443.432 J/mol")],
        [("1.66e+13, b: 0.0, Ea: 823.0", "1.66e+13 cm^3/mol/s, b: 0.0, Ea: 0.823 kcal/mol")],
    ],
    ids=["comments", "order", "names", "sides", "digits", "type", "SI", "minutes", "units of numbers", "kcal"],
)
def test_spelling_leaves_the_fingerprint(tmp_path, changes):
    assert digest(tmp_path, *changes) == digest(tmp_path)


def test_lists_may_be_in_another_order(tmp_path):
    head, second, third = MECHANISM.split("- equation: ")[1:]
    other = MECHANISM.split("- equation: ")[0] + "".join(f"- equation: {part}" for part in (third, second, head))
    assert digest(tmp_path, text=other) == digest(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        ("2.3e-11", "2.3000001e-11"),
        ("1000.0, 3500.0", "1000.0, 3501.0"),
        ("25473.0", "25473.00001"),
        ("-0.46", "-0.47"),
        ("6.0e+20", "6.0000001e+20"),
        ("b: 0.6", "b: 0.61"),
        ("823.0", "823.1"),
        ("A: 0.8", "A: 0.81"),
        ("H2: 2.5", "H2: 2.51"),
        ("H + HO2 <=>", "H + HO2 =>"),
        ("H + HO2 <=> H2 + O2", "H + HO2 <=> H2 + O2\n  duplicate: true"),
        ("length: cm", "length: m"),
        ("cal/mol", "J/mol"),
        ("(+M)", "(+O2)"),
    ],
    ids=lambda change: change[1],
)
def test_another_number_changes_the_fingerprint(tmp_path, change):
    assert digest(tmp_path, change) != digest(tmp_path)


def test_tables_and_unusual_orders_follow_units_too(tmp_path):
    second_order = [("2.0e+10", "2.0e+7"), ("3.0e+10", "3.0e+7"), ("[[8.0,", "[[5.0,"), ("2.0e+5", "2.0e+2")]
    others = [
        ("2.0e+06", "63245.55320336759"),
        ("1000.0}", "4184000.0}"),
        ("1000.0]\n", "4184000.0]\n"),
        (" 1 atm", " 101325"),
    ]
    changes = [*IN_SI, *second_order, *others]
    assert digest(tmp_path, *changes, text=MECHANISM + TABLES) == digest(tmp_path, text=MECHANISM + TABLES)


@pytest.mark.parametrize(
    ("unit", "energy"), [("K", 823.0 * 4.184 / 8.31446261815324), ("eV", 823.0 * 4.184 / 96485.33212331)]
)
def test_energies_may_be_temperatures_or_electronvolts(tmp_path, unit, energy):
    assert digest(tmp_path, ("Ea: 823.0", f"Ea: {energy!r} {unit}")) == digest(tmp_path)


def test_amounts_may_be_molecules(tmp_path):
    rate = 1.66e13 / 6.02214076e23
    assert digest(tmp_path, ("1.66e+13", f"{rate!r} cm^3/molec/s")) == digest(tmp_path)


def test_a_rare_kind_keeps_its_units(tmp_path):
    rare = (
        MECHANISM
        + "- equation: H2 + O2 => 2 H + O2\n  type: Blowers-Masel\n  rate-constant: {A: 1.0, b: 0, Ea0: 1, w: 2}\n"
    )
    one = digest(tmp_path, text=rare)
    assert one == digest(tmp_path, text=rare)
    assert one != digest(tmp_path, ("w: 2", "w: 3"), text=rare)
    assert one != digest(tmp_path, ("length: cm", "length: m"), text=rare)


def test_another_mechanism_is_refused(tmp_path):
    digest(tmp_path)
    mechanism = read_mechanism(tmp_path / "small.yaml")
    require_same(mechanism, mechanism.fingerprint)
    other = digest(tmp_path, ("823.0", "823.1"))
    assert_refused(MechanismError, lambda: require_same(mechanism, other), mechanism.fingerprint[:12], other[:12])
