"""Numbers become claims: worst seeds, delays that count, and cases that must hold still."""

import numpy as np
import pytest
import torch
import xarray as xr

from geodl.chemistry.cases.comparison import beside, delay_claims, still_claims, worst_of_seeds
from geodl.chemistry.cases.delays import RESOLVED, Reference, element_error, judge, judged
from geodl.chemistry.cases.flames import flame_claims
from geodl.chemistry.cases.fuels import HYDROGEN, METHANE
from geodl.chemistry.cases.ignition import resolved_delay
from geodl.chemistry.cases.reactor import Cells, roll_out
from geodl.chemistry.cases.renormalised import SumProjection
from geodl.chemistry.example import one_step
from geodl.chemistry.surrogate.projection import Projection
from geodl.core.contract import Claim
from tests.chemistry.toys import PRESSURE, Toy, logistic, mixture

BURNT = np.array([1e-1, 1e-2, 1e-3, 1e-40])


def reference(dt: float = 0.1, steps: int = 100) -> Reference:
    start = Cells(300 + 1800 * BURNT, np.full(4, PRESSURE), mixture(BURNT))
    exact = Toy(logistic(1.0))
    found = roll_out(exact, start, dt, steps)
    return Reference(dt, start, found, resolved_delay(exact, found))


def values(claims):
    return {claim.claim: claim.measured for claim in claims}


def test_the_worst_seed_counts():
    each = [[Claim("error", 1.0, "1", ("<=", 2)), Claim("other", 3.0, "1")], [Claim("error", 5.0, "1", ("<=", 2)),
             Claim("other", 2.0, "1")]]  # fmt: skip
    assert values(worst_of_seeds(each)) == {"error": 5.0, "other": 3.0}
    assert values(worst_of_seeds(each, min)) == {"error": 1.0, "other": 2.0}


def test_nothing_is_demanded_of_what_stands_beside():
    (claim,) = beside("rival", [Claim("error", 1.0, "1", ("<=", 2))])
    assert (claim.claim, claim.bar) == ("rival: error", None)


def test_the_same_chemistry_has_no_error():
    truth = reference()
    found = judge(Toy(logistic(1.0)), truth)
    assert found["ignites"].values.tolist() == [True, True, True, False]
    assert found["still"].values.tolist() == [False, False, False, True]
    assert (found["delay_error"][:3] == 0).all()
    assert (found["element_drift"] < 1e-13).all()


def test_delays_that_the_steps_do_not_resolve_are_not_judged():
    dt = 1.5 / RESOLVED  # the first case takes 1.2
    found = judge(Toy(logistic(1.0)), reference(dt, steps=60))
    assert found["ignites"].values.tolist() == [False, True, True, False]


def test_what_never_ignites_is_as_late_as_the_roll_out_is_long():
    truth = reference()
    nothing = Toy(lambda c, dt: c)
    found = judged(roll_out(nothing, truth.start, 0.1, 100), truth, nothing)
    delays = found["reference_delay"].values[:3]
    np.testing.assert_allclose(found["delay_error"].values[:3], truth.horizon / delays - 1)
    errors = values(delay_claims(found, HYDROGEN.bars))
    assert errors["dt 0.1 s, error of the ignition delay, largest"] == pytest.approx(truth.horizon / delays.min() - 1)


def test_what_ignites_and_should_not_is_told():
    truth = reference()
    found = judge(Toy(lambda c, dt: c + 1e-3 * (1 - c)), truth)
    (claim,) = still_claims(found, hold=1.0)
    assert claim.measured == pytest.approx(1800 * (1 - (1 - 1e-3) ** 100), rel=1e-6)
    assert not claim.passed
    assert still_claims(found, hold=1e3) == []


def test_a_fuel_without_a_limit_for_the_worst_case_has_none():
    found = judge(Toy(logistic(1.0)), reference())
    bars = {claim.claim.rpartition(", ")[2]: claim.bar for claim in delay_claims(found, METHANE.bars)}
    assert bars["largest"] is not None  # of the temperature, which comes last
    delays = [claim for claim in delay_claims(found, METHANE.bars) if claim.claim.endswith("delay, largest")]
    assert [claim.bar for claim in delays] == [None]


def test_a_flame_that_goes_out_is_all_wrong():
    coords = {"equivalence_ratio": [0.8, 1.0, 1.2]}
    truth = xr.Dataset({"flame_speed": ("equivalence_ratio", [1.0, 2.0, 2.5])}, coords)
    found = truth * xr.DataArray([1.01, 0.98, np.nan], coords, dims="equivalence_ratio")
    largest, median = flame_claims(found, truth, 0.01)
    assert (largest.measured, largest.passed) == (1.0, False)
    assert median.measured == pytest.approx(0.02)


def test_an_element_that_is_not_there_has_no_error():
    before = np.array([[0.2, 0.8, 0.0, 0.0]])  # H2 and O2, no N2
    after = before * [0.9, 1.0, 1.0, 1.0]
    assert element_error(before, after, one_step()) == pytest.approx(0.1)


def test_a_renormalised_sum_keeps_the_sum_and_nothing_else():
    raw = torch.tensor([[0.2], [0.4]], dtype=torch.float64)
    found = SumProjection(Projection(np.ones((1, 2))))(raw, torch.tensor([[0.5], [0.5]], dtype=torch.float64))
    np.testing.assert_allclose(found.composition, [[1 / 3], [2 / 3]])
    assert not found.limited.any()
