"""Kinetics in C: the same answers as in Python, in any company, on any processor; and what is refused."""

import ctypes

import numpy as np
import pytest

import geodl
from geodl.chemistry.cases.adversarial import adversarial_states
from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.in_c import _sizes
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.mechanism.read import read_mechanism
from geodl.chemistry.state import OK, OUT_OF_DOMAIN
from geodl.chemistry.surrogate.kinetics_network import KineticsNetwork, Shape
from geodl.exports.source import MESSAGES
from tests.chemistry.surrogates import elements, states, trained
from tests.exports.folders import VARIANTS, needs_compiler, run

pytestmark = needs_compiler
LONGEST = 2.5e-6
TOLERANCE = {"float32": 3e-5, "float64": 1e-9}  # relative, of mass fractions above 1e-6; torch's float32 is as far off


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("in_c")
    return {dtype: geodl.export(trained(dtype), base / dtype, name="burning") for dtype in TOLERANCE}


@pytest.fixture(scope="module")
def handle(folders):
    return geodl.Handle(folders["float32"])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_c_gives_the_answers_of_python(folders, dtype):
    cells = states()
    ours = geodl.Handle(folders[dtype])(*cells, longest=LONGEST)
    theirs = EmulatedChemistry(trained(dtype), longest=LONGEST).advance(*cells)
    np.testing.assert_array_equal(ours[2], theirs.status)
    np.testing.assert_allclose(ours[0], theirs.temperature, rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(ours[1], theirs.mass_fraction, rtol=TOLERANCE[dtype], atol=1e-6 * TOLERANCE[dtype])


def test_cells_in_float_get_the_answers_of_python(handle):
    cells = [x.astype(np.float32) for x in states("train")]
    ours, theirs = handle(*cells), EmulatedChemistry(trained()).advance(*cells)
    np.testing.assert_array_equal(ours[2], theirs.status)
    np.testing.assert_allclose(ours[1], theirs.mass_fraction, rtol=1e-4, atol=1e-9)


def test_reactors_of_constant_volume_get_the_answers_of_python(tmp_path):
    surrogate, cells = trained(constant="volume"), states()
    ours = geodl.Handle(geodl.export(surrogate, tmp_path / "closed"))(*cells)
    theirs = EmulatedChemistry(surrogate).advance(*cells)
    np.testing.assert_allclose(ours[0], theirs.temperature, rtol=TOLERANCE["float32"])


def test_members_and_their_spread_are_those_of_python(tmp_path):
    surrogate, cells = trained(members=3), states()
    ours = geodl.Handle(geodl.export(surrogate, tmp_path / "several"))(*cells)
    theirs = EmulatedChemistry(surrogate).advance(*cells)
    np.testing.assert_array_equal(ours[2], theirs.status)
    np.testing.assert_allclose(ours[1], theirs.mass_fraction, rtol=TOLERANCE["float32"], atol=1e-10)


def test_there_is_room_for_every_layer_of_a_narrow_network_with_many_species():
    pytest.importorskip("cantera")
    mechanism = read_mechanism("gri30.yaml")
    sizes = _sizes(KineticsNetwork(mechanism, Shape(hidden=(4,))), mechanism)
    assert sizes["WIDEST"] >= max(2 * sizes["ACTIVE"], 4 + sizes["FEATURES"], 32)


def test_a_cell_gets_the_same_answer_in_any_company(handle):
    cells = states("train")
    whole = handle(*cells, longest=LONGEST)
    rows = np.random.default_rng(0).permutation(len(cells[0]))[:77]
    for some, all_of_them in zip(handle(*(x[rows] for x in cells), longest=LONGEST), whole, strict=True):
        np.testing.assert_array_equal(some, all_of_them[rows])


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_of_processor_agrees(folders, handle, tmp_path, variant):
    flags = "-std=c99", "-O2", *VARIANTS[variant], "-fPIC", "-shared"
    run("cc", *flags, folders["float32"] / "burning.c", "-o", tmp_path / "a.so", "-lm", cwd=tmp_path)
    cells = states("train")
    made, error = called(ctypes.CDLL(str(tmp_path / "a.so")), *cells)
    assert error == 0
    np.testing.assert_array_equal(made[2], handle(*cells)[2])
    np.testing.assert_allclose(made[1], handle(*cells)[1], rtol=TOLERANCE["float32"], atol=1e-10)


def test_elements_and_positivity_outlive_a_thousand_steps(handle):
    t, p, y, dt = (x[:64] for x in states())
    mechanism = Mechanism.from_record(dict(trained().family.options["mechanism"]))
    before = elements(mechanism, y)
    for _ in range(1000):
        t, y, _ = handle(t, p, y, dt)
    assert y.min() >= 0
    np.testing.assert_allclose(elements(mechanism, y), before, rtol=1e-12, atol=1e-18)


def test_cells_that_are_none_stay_as_they_are_and_the_others_are_answered(handle):
    cells = [x[:40].copy() for x in states()]
    whole = handle(*cells)
    cells[0][3], cells[1][5], cells[2][7, 0], cells[3][9] = np.nan, -1.0, np.inf, np.nan
    cells[2][11] *= 1.01
    cells[3][13] = -1e-6
    spoilt = [3, 5, 7, 9, 11, 13]
    t, y, status = handle(*cells)
    assert set(status[spoilt]) == {OUT_OF_DOMAIN}
    np.testing.assert_array_equal(t[spoilt], cells[0][spoilt])
    np.testing.assert_array_equal(y[spoilt], cells[2][spoilt])
    others = np.delete(np.arange(40), spoilt)
    np.testing.assert_array_equal(y[others], whole[1][others])
    assert (whole[2] == OK).any()


def test_a_step_of_no_length_changes_nothing(handle):
    t, p, y, _ = states()
    after = handle(t, p, y, 0.0)
    np.testing.assert_array_equal(after[0], t)
    np.testing.assert_array_equal(after[1], y)


def test_adversarial_cells_never_lose_positivity(handle):
    mechanism = Mechanism.from_record(dict(trained().family.options["mechanism"]))
    cells, dt = adversarial_states(2000, 1, mechanism)
    made = handle(cells.temperature, cells.pressure, cells.mass_fraction, dt)
    assert np.isfinite(made[1]).all()
    assert made[1].min() >= 0


def test_calls_that_make_no_sense_are_refused_and_write_nothing(folders, tmp_path):
    library = built(folders, tmp_path)
    cells = states()
    assert called(library, *cells, cells=-1)[1] == 1
    assert called(library, *cells, species=3)[1] == 2
    made, error = called(library, *cells, missing="status")
    assert error == 3
    assert all((x == -7).all() for x in made)
    assert called(library, *cells, cells=0, missing="status")[1] == 0
    library.burning_message.restype = ctypes.c_char_p
    assert library.burning_message(2).decode() == MESSAGES[2]


def test_a_solver_with_something_else_is_refused(folders, tmp_path):
    library = built(folders, tmp_path)
    mechanism = Mechanism.from_record(dict(trained().family.options["mechanism"]))
    species, print_ = [name.encode() for name in mechanism.species], mechanism.fingerprint.encode()

    def check(version=1, fingerprint=print_, names=species):
        return library.burning_check(version, fingerprint, len(names), (ctypes.c_char_p * len(names))(*names))

    assert check() == 0
    assert check(version=2) == 4
    assert check(fingerprint=b"0" * 64) == 5
    assert check(names=species[:-1]) == 2
    assert check(names=species[::-1]) == 6
    assert library.burning_check(1, None, 0, None) == 0


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_sanitizers_find_nothing(folders, tmp_path, variant):
    """On random bits as cells: NaN, infinities, denormal numbers and all between."""
    (tmp_path / "fuzz.c").write_text(FUZZ)
    flags = "-std=c99", "-g", "-O1", *VARIANTS[variant], "-fsanitize=address,undefined", "-fno-sanitize-recover=all"
    source = folders["float32"] / "burning.c"
    run("cc", *flags, "-I", folders["float32"], "fuzz.c", source, "-o", "fuzz", "-lm", cwd=tmp_path)
    assert "1000000 cells" in run("./fuzz", cwd=tmp_path)


FUZZ = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "burning.h"
enum { CELLS = 1000, CALLS = 1000, S = BURNING_SPECIES };
static uint64_t state = 1;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; return state ^= state << 17; }
static double bits(void) { uint64_t x = next(); double y; memcpy(&y, &x, sizeof y); return y; }
static double usual(double low, double high) { return low + (high - low) * (double)(next() >> 11) / 9007199254740992.; }
int main(void)
{
    double *t = malloc(CELLS * sizeof *t), *p = malloc(CELLS * sizeof *p), *dt = malloc(CELLS * sizeof *dt);
    double *y = malloc(CELLS * S * sizeof *y);
    signed char *status = malloc(CELLS);
    for (int call = 0; call < CALLS; call++) {
        for (int i = 0; i < CELLS; i++) {
            int odd = (int)(next() % 8); /* which number, if any, is random bits */
            t[i] = odd == 1 ? bits() : usual(300, 3000), p[i] = odd == 2 ? bits() : usual(1e4, 1e6);
            dt[i] = odd == 3 ? bits() : usual(0, 1e-5);
            double sum = 0;
            for (int k = 0; k < S; k++) sum += y[i * S + k] = usual(0, 1);
            for (int k = 0; k < S; k++) y[i * S + k] /= sum;
            if (odd == 4) y[i * S + (int)(next() % S)] = bits();
        }
        int count = 1 + (int)(next() % CELLS);
        if (burning_advance(count, S, t, p, y, dt, 2.5e-6, t, y, status)) return 1;
    }
    printf("%d cells\\n", CELLS * CALLS);
    free(t), free(p), free(dt), free(y), free(status);
    return 0;
}
"""


def built(folders, tmp_path) -> ctypes.CDLL:
    flags = "-std=c99", "-O1", "-fPIC", "-shared"
    run("cc", *flags, folders["float32"] / "burning.c", "-o", tmp_path / "a.so", "-lm", cwd=tmp_path)
    return ctypes.CDLL(str(tmp_path / "a.so"))


def called(library, t, p, y, dt, *, cells=None, species=None, missing=""):
    """Arrays that were full of -7 before the call, and its error."""
    made = {"t": np.full_like(t, -7), "y": np.full_like(y, -7), "status": np.full(len(t), -7, np.int8)}
    pointers = {name: None if name == missing else x.ctypes.data_as(ctypes.c_void_p) for name, x in made.items()}
    given = [np.ascontiguousarray(x).ctypes.data_as(ctypes.c_void_p) for x in (t, p, y, dt)]
    count, width = len(t) if cells is None else cells, y.shape[1] if species is None else species
    sizes = ctypes.c_long(count), ctypes.c_int(width)
    error = library.burning_advance(*sizes, *given, ctypes.c_double(0), *pointers.values())
    return [*made.values()], error
