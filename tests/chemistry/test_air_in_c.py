"""Air in C: the same answers as in Python, in any company, with its families; and what is refused."""

import numpy as np
import pytest

import geodl
from geodl.chemistry.atmosphere.air_emulator import EmulatedAir
from geodl.chemistry.atmosphere.air_example import air_example, made_up
from geodl.chemistry.atmosphere.box import AirChemistry
from geodl.chemistry.atmosphere.compiled_air import CompiledAir
from geodl.chemistry.state import OK, OUT_OF_DOMAIN
from geodl.core.contract import family
from geodl.core.surrogate import Surrogate
from geodl.errors import ExportError
from geodl.testing import assert_refused
from geodl.train.config import FitConfig
from geodl.train.fit import fit
from geodl.train.split import split
from tests.exports.folders import VARIANTS, needs_compiler, run

pytestmark = needs_compiler
TOLERANCE = {"float32": 3e-5, "float64": 1e-10}  # relative to the largest concentration of a species


def trained(dtype: str = "float32", **options) -> Surrogate:
    """After a few epochs, of made-up air."""
    record = options.pop("mechanism", made_up().to_record())
    made = family("chemistry", mechanism=record, hidden=(16, 16), **options)
    parts = split(air_example(0, boxes=24), "box")
    config = FitConfig.parse({**made.settings, "epochs": 6, "batch_size": 128, "dtype": dtype})
    return fit(made, parts.train, parts.valid, config=config, show=False)


@pytest.fixture(scope="module")
def surrogate() -> Surrogate:
    return trained()


@pytest.fixture(scope="module")
def air(surrogate) -> CompiledAir:
    return CompiledAir(surrogate)


def cells(number: int = 60, seed: int = 9):
    ds = air_example(seed, boxes=1, samples=number)
    return [ds[name].values.copy() for name in ("temperature", "pressure", "concentration")], {
        name: ds[name].values.copy() for name in ("photolysis", "emission")
    }


def assert_same(found, wanted, tolerance: float) -> None:
    np.testing.assert_array_equal(found.status, wanted.status)
    scale = np.abs(wanted.concentration).max(0)
    np.testing.assert_allclose(found.concentration / scale, wanted.concentration / scale, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_c_gives_the_answers_of_python(dtype):
    made, (given, kept) = trained(dtype), cells()
    given[2][::7, 0] = np.geomspace(1e-25, 1e-15, 9)  # where the guard and the networks add traces of their own
    found = CompiledAir(made).advance(*given, 200.0, **kept)
    assert (found.status == OK).any()
    assert_same(found, EmulatedAir(made).advance(*given, 200.0, **kept), TOLERANCE[dtype])


def test_members_and_their_spread_are_those_of_python():
    made, (given, kept) = trained(members=2), cells()
    found = CompiledAir(made).advance(*given, 200.0, **kept)
    assert_same(found, EmulatedAir(made).advance(*given, 200.0, **kept), TOLERANCE["float32"])


def test_it_stands_in_the_place_of_a_solver(air):
    assert isinstance(air, AirChemistry)
    given, _ = cells(3)
    still = air.advance(*given, 0.0)
    np.testing.assert_array_equal(still.concentration, given[2])


def test_families_last_for_hundreds_of_steps(air):
    given, kept = cells()
    matrix, now = air.mechanism.family_matrix, given[2]
    for _ in range(200):
        now = np.asarray(air.advance(*given[:2], now, 300.0, photolysis=kept["photolysis"]).concentration)
    assert now.min() >= 0
    np.testing.assert_allclose(now @ matrix.T, given[2] @ matrix.T, rtol=1e-13)


def test_a_cell_gets_the_same_answer_in_any_company(air):
    given, kept = cells()
    whole = air.advance(*given, 300.0, **kept)
    some = air.advance(*(x[5:8] for x in given), 300.0, **{name: x[5:8] for name, x in kept.items()})
    np.testing.assert_array_equal(some.concentration, whole.concentration[5:8])


def test_cells_that_are_none_stay_as_they_are_and_the_others_are_answered(air):
    given, kept = cells(20)
    whole = air.advance(*given, 300.0, **kept)
    given[0][3], given[2][5, 0], given[2][7, 1] = np.nan, np.inf, -1.0
    found = air.advance(*given, 300.0, **kept)
    spoilt = [3, 5]
    assert set(found.status[spoilt]) == {OUT_OF_DOMAIN}
    np.testing.assert_array_equal(found.concentration[spoilt], given[2][spoilt])
    others = np.delete(np.arange(20), [*spoilt, 7])
    np.testing.assert_array_equal(found.concentration[others], whole.concentration[others])


def test_what_emits_otherwise_is_doubted(air):
    given, kept = cells()
    kept["emission"] = kept["emission"][:, ::-1] * 1e3
    assert (air.advance(*given, 300.0, **kept).status == OUT_OF_DOMAIN).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_of_processor_takes_it_without_a_warning(surrogate, tmp_path, variant):
    folder = geodl.export(surrogate, tmp_path / "air")
    flags = "-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *VARIANTS[variant]
    run("cc", *flags, "-c", folder / "air.c", "-o", tmp_path / "a.o", cwd=tmp_path)


def test_a_mechanism_without_families_is_refused(tmp_path):
    record = {**made_up().to_record(), "families": {}}
    assert_refused(ExportError, lambda: geodl.export(trained(mechanism=record), tmp_path / "air"), "family")
