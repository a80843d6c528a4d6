"""A surrogate in the place of a solver: what it takes, what it refuses, and what it says of each cell."""

import dataclasses
import math
import sys

import numpy as np
import pytest
import torch

import geodl
from geodl.chemistry.cases.adversarial import adversarial_states, drift, smallest_fraction
from geodl.chemistry.cases.reactor import Cells
from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.state import FROZEN, OK, OUT_OF_DOMAIN
from geodl.errors import BundleError, DomainError, MechanismError, OptionError, ShapeError
from geodl.testing import assert_refused
from tests.chemistry.surrogates import elements, states, trained

TURNED = ["N2", "H2O", "O2", "H2"]


@pytest.fixture(scope="module")
def chemistry() -> EmulatedChemistry:
    return EmulatedChemistry(trained())


@pytest.fixture
def cells() -> list[np.ndarray]:
    """States of the data, which a test may spoil: temperature, pressure, mass fractions, time step."""
    return [x[:40].copy() for x in states()]


def in_order(mechanism: Mechanism, names: list[str]) -> Mechanism:
    """The same mechanism written in another order, which has the same fingerprint."""
    order = [mechanism.index(name) for name in names]
    composition = tuple(tuple(row[i] for i in order) for row in mechanism.composition)
    nasa = tuple(mechanism.nasa[i] for i in order)
    return dataclasses.replace(mechanism, species=tuple(names), composition=composition, nasa=nasa)


def test_states_like_those_of_training_are_answered(chemistry, cells):
    state = chemistry.advance(*cells)
    assert (state.status == OK).mean() > 0.8
    assert np.abs(state.mass_fraction - cells[2]).max() > 1e-3
    assert state.source(cells[2], cells[3]) == pytest.approx((state.mass_fraction - cells[2]) / cells[3][:, None])


def test_an_answer_is_the_one_of_the_network(cells):
    surrogate = trained("float64")
    state = EmulatedChemistry(surrogate).advance(*cells)
    temperature, fraction = surrogate.core(*map(torch.from_numpy, cells))
    np.testing.assert_allclose(state.temperature, temperature.detach(), rtol=1e-12)
    np.testing.assert_allclose(state.mass_fraction, fraction.detach(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_give_arrays_and_tensors_give_tensors_of_their_kind(chemistry, cells, dtype):
    arrays = [x.astype(dtype) for x in cells]
    given = chemistry.advance(*arrays)
    tensors = chemistry.advance(*map(torch.from_numpy, arrays))
    assert {x.dtype for x in (given.temperature, given.mass_fraction)} == {np.dtype(dtype)}
    assert given.status.dtype == np.int8
    assert tensors.status.dtype == torch.int8
    for name in ("temperature", "mass_fraction", "status"):
        assert isinstance(getattr(tensors, name), torch.Tensor)
        np.testing.assert_array_equal(getattr(tensors, name).numpy(), getattr(given, name))


def test_one_number_stands_for_all_cells(chemistry, cells):
    temperature, _, fraction, _ = cells
    number = chemistry.advance(temperature, 1e5, fraction, 1e-6)
    array = chemistry.advance(temperature, np.full(40, 1e5), fraction, np.full(40, 1e-6))
    np.testing.assert_array_equal(number.mass_fraction, array.mass_fraction)
    assert len(chemistry.advance(temperature[:0], 1e5, fraction[:0], 1e-6).status) == 0


def test_long_steps_are_taken_in_equal_parts_each_cell_for_itself(chemistry, cells):
    cells[3][:] = np.where(np.arange(40) % 2, 4e-7, 1e-6)
    careful = EmulatedChemistry(trained(), longest=4e-7)
    found = careful.advance(*cells)
    third = [chemistry.advance(cells[0], cells[1], cells[2], 1e-6 / 3)]
    for _ in range(2):
        third.append(chemistry.advance(third[-1].temperature, cells[1], third[-1].mass_fraction, 1e-6 / 3))
    once, long = chemistry.advance(*cells), cells[3] > 5e-7
    temperature = np.where(long, third[-1].temperature, once.temperature)
    fraction = np.where(long[:, None], third[-1].mass_fraction, once.mass_fraction)
    np.testing.assert_allclose(found.temperature, temperature, rtol=1e-6)
    np.testing.assert_allclose(found.mass_fraction, fraction, rtol=1e-4, atol=1e-9)
    worst = np.maximum.reduce([state.status for state in third])
    np.testing.assert_array_equal(found.status, np.where(long, worst, once.status))
    assert_refused(OptionError, lambda: EmulatedChemistry(trained(), longest=0.0), "longest")


def test_a_step_of_hours_takes_no_hours_and_is_flagged(chemistry, cells):
    careful = EmulatedChemistry(trained(), longest=4e-7)
    assert (careful.advance(*cells[:3], 1e4).status >= OUT_OF_DOMAIN).all()


def test_elements_stay_in_double_precision_and_nearly_in_single(chemistry, cells):
    had = elements(chemistry.mechanism, cells[2])
    for dtype, tolerance in ((np.float64, 1e-14), (np.float32, 1e-6)):
        after = chemistry.advance(*(x.astype(dtype) for x in cells)).mass_fraction
        np.testing.assert_allclose(elements(chemistry.mechanism, after), had, rtol=tolerance)


@pytest.mark.parametrize(("dtype", "element", "energy"), [(np.float64, 1e-13, 1e-12), (np.float32, 1e-6, 1e-4)])
def test_a_roll_out_keeps_what_it_must(chemistry, cells, unchecked, dtype, element, energy):
    start = Cells(*(x[:4] for x in cells[:3]))
    found = drift(chemistry, start, 200, dtype=dtype, show=False)
    assert found.element <= element
    assert found.enthalpy <= energy


@pytest.mark.slow
# Temperature in single precision is rounded at every step, by whoever keeps it.
@pytest.mark.parametrize(("dtype", "element", "energy"), [(np.float64, 1e-12, 1e-10), (np.float32, 1e-6, 1e-2)])
def test_a_hundred_thousand_steps_keep_what_they_must(chemistry, cells, unchecked, dtype, element, energy):
    found = drift(chemistry, Cells(*(x[:4] for x in cells[:3])), dtype=dtype, show=False)
    assert found.element <= element
    assert found.enthalpy <= energy


def test_no_adversarial_state_gets_a_negative_fraction(chemistry):
    assert smallest_fraction(chemistry, 20_000, show=False) >= 0


@pytest.mark.slow
def test_ten_million_adversarial_states_get_no_negative_fraction(chemistry):
    assert smallest_fraction(chemistry, show=False) >= 0


def test_adversarial_states_are_of_every_kind():
    mechanism = Mechanism.from_record(trained().family.options["mechanism"])
    found, dt = adversarial_states(5000, 0, mechanism)
    present = found.mass_fraction > 0
    assert (present.sum(1) == 1).mean() > 0.1
    assert present.all(1).mean() > 0.05
    assert 0 < found.mass_fraction[present].min() < 1e-300
    assert (elements(mechanism, found.mass_fraction) == 0).any(0).all()
    assert 0.05 < (dt == 0).mean() < 0.15
    np.testing.assert_allclose(found.mass_fraction.sum(1), 1, rtol=1e-14)
    again, _ = adversarial_states(5000, 0, mechanism)
    np.testing.assert_array_equal(again.mass_fraction, found.mass_fraction)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_time_changes_nothing_and_is_fine(chemistry, cells, dtype):
    cells = [x.astype(dtype) for x in cells]
    state = chemistry.advance(*cells[:3], 0.0)
    np.testing.assert_array_equal(state.temperature, cells[0])
    np.testing.assert_array_equal(state.mass_fraction, cells[2])
    assert (state.status == OK).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cold_cells_are_frozen(chemistry, cells, dtype):
    cells = [x.astype(dtype) for x in cells]
    state = chemistry.advance(300.0, *cells[1:])
    assert (state.status == FROZEN).all()
    assert (state.temperature == 300.0).all()
    np.testing.assert_array_equal(state.mass_fraction, cells[2])


@pytest.mark.parametrize(
    ("which", "value"),
    [(0, 8000.0), (0, 1e5), (0, -5.0), (0, 0.0), (0, math.inf), (1, 1e9), (1, 1.0), (1, -1e5), (1, 0.0), (1, math.inf),
     (3, 1.0), (3, 1e-12), (3, math.inf)],
    ids=lambda value: f"{value:g}",
)  # fmt: skip
def test_what_lies_outside_is_flagged_and_the_others_are_answered(chemistry, cells, which, value):
    """Temperature, pressure and time step beyond what was trained, or beyond what is possible."""
    expected = chemistry.advance(*cells)
    cells[which][7] = value
    state = chemistry.advance(*cells)
    others = np.arange(40) != 7
    assert state.status[7] >= OUT_OF_DOMAIN
    assert np.isfinite(state.mass_fraction[7]).all()
    np.testing.assert_array_equal(state.status[others], expected.status[others])
    np.testing.assert_allclose(state.mass_fraction[others], expected.mass_fraction[others], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("which", [0, 1, 2], ids=["temperature", "pressure", "mass fraction"])
@pytest.mark.parametrize("cold", [False, True])
def test_a_cell_with_nan_is_flagged_and_stays_and_the_others_are_answered(chemistry, cells, which, cold):
    if cold:
        cells[0][7] = 300.0
    expected = chemistry.advance(*cells)
    cells[which][7] = math.nan
    state = chemistry.advance(*cells)
    others = np.arange(40) != 7
    assert state.status[7] == OUT_OF_DOMAIN
    np.testing.assert_array_equal(state.mass_fraction[7], cells[2][7])
    np.testing.assert_array_equal(state.temperature[7], cells[0][7])
    np.testing.assert_array_equal(state.status[others], expected.status[others])
    np.testing.assert_allclose(state.mass_fraction[others], expected.mass_fraction[others], rtol=1e-5, atol=1e-9)


def test_a_slightly_negative_fraction_counts_as_zero(chemistry, cells):
    cells[2][:, 2] = 0.0
    cells[2] /= cells[2].sum(1, keepdims=True)
    expected = chemistry.advance(*cells)
    cells[2][:, 2] = -5e-7
    state = chemistry.advance(*cells)
    np.testing.assert_array_equal(state.mass_fraction, expected.mass_fraction)
    assert state.mass_fraction.min() >= 0


@pytest.mark.parametrize(
    ("which", "change", "error", "words"),
    [
        (2, lambda y: y[:, :3] / y[:, :3].sum(1, keepdims=True), ShapeError, ("[40, 3]", "[cell, 4]")),
        (2, lambda y: np.hstack([y, 0 * y[:, :1]]), ShapeError, ("[40, 5]", "[cell, 4]")),
        (2, lambda y: 1.01 * y, DomainError, ("add up to 1.01", "mole fractions")),
        (2, lambda y: y + np.array([0.1, 0, -0.1, 0]), DomainError, ("species 2", "-0.1")),
        (1, lambda p: p[:3], ShapeError, ("pressure", "[3]", "[40]")),
        (3, lambda dt: -dt, OptionError, ("dt",)),
        (3, lambda dt: math.nan * dt, OptionError, ("dt", "nan")),
    ],
    ids=["short", "long", "sum", "negative", "pressures", "backwards", "no step"],
)
def test_what_is_no_state_is_refused(chemistry, cells, which, change, error, words):
    cells[which] = change(cells[which])
    assert_refused(error, lambda: chemistry.advance(*cells), *words)


def test_columns_in_another_order_are_mapped_by_name(chemistry, cells):
    expected = chemistry.advance(*cells)
    places = [chemistry.mechanism.index(name) for name in TURNED]
    turned = [*cells[:2], cells[2][:, places], cells[3]]
    written = in_order(chemistry.mechanism, TURNED)
    for other in ({"species": TURNED}, {"mechanism": written}, {"mechanism": written, "species": TURNED}):
        state = EmulatedChemistry(trained(), **other).advance(*turned)
        np.testing.assert_array_equal(state.mass_fraction, expected.mass_fraction[:, places])
        np.testing.assert_array_equal(state.temperature, expected.temperature)
        np.testing.assert_array_equal(state.status, expected.status)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["H2", "O2", "H2O"], ("missing", "'N2'")),
        (["H2", "O2", "H2O", "N2", "AR"], ("not in the mechanism", "'AR'")),
        (["H2", "O2", "H2O", "N2", "O2"], ("twice", "'O2'")),
        (["h2", "O2", "H2O", "N2"], ("not in the mechanism", "'h2'")),
    ],
    ids=["short", "long", "twice", "case"],
)
def test_species_that_do_not_fit_are_named(names, words):
    assert_refused(MechanismError, lambda: EmulatedChemistry(trained(), species=names), *words)


def test_another_mechanism_is_refused_unless_that_is_meant(chemistry, cells):
    other = dataclasses.replace(chemistry.mechanism, fingerprint="f" * 64)
    assert_refused(MechanismError, lambda: EmulatedChemistry(trained(), mechanism=other), "ffffffffffff", "fingerprint")
    meant = EmulatedChemistry(trained(), mechanism=other, allow_mechanism_mismatch=True)
    np.testing.assert_array_equal(meant.advance(*cells).mass_fraction, chemistry.advance(*cells).mass_fraction)
    EmulatedChemistry(trained(), mechanism=chemistry.mechanism)


def test_a_surrogate_of_something_else_is_refused(surrogate):
    assert_refused(BundleError, lambda: EmulatedChemistry(surrogate), surrogate.family.name, "geodl.load")


def test_no_gradient_is_kept(chemistry, cells):
    tensors = [torch.from_numpy(x).requires_grad_() for x in cells]
    assert not chemistry.advance(*tensors).mass_fraction.requires_grad


def test_a_bundle_needs_no_cantera(chemistry, cells, tmp_path, monkeypatch):
    trained().save(tmp_path / "flame.safetensors")
    monkeypatch.setitem(sys.modules, "cantera", None)
    state = EmulatedChemistry(geodl.load(tmp_path / "flame.safetensors")).advance(*cells)
    np.testing.assert_array_equal(state.mass_fraction, chemistry.advance(*cells).mass_fraction)


def test_constant_volume_keeps_the_internal_energy(cells):
    chemistry = EmulatedChemistry(trained(constant="volume"))
    assert chemistry.constant == "volume"
    found = drift(chemistry, Cells(*(x[:4] for x in cells[:3])), 50, show=False)
    assert found.enthalpy <= 1e-12
