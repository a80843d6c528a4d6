"""The quick variant of the reproduction of air measures everything that the full one does."""

import json
from pathlib import Path

import numpy as np
import pytest

import geodl
from geodl.chemistry.atmosphere.papers import FASTER, FULL, HELD_OUT, OUTSIDE, OZONE
from geodl.chemistry.atmosphere.plan import Plan
from geodl.chemistry.papers import REPRODUCTIONS
from geodl.errors import MissingPackageError
from geodl.testing import assert_refused
from tests.child import python


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("musica")
    folder = tmp_path_factory.mktemp("atmosphere")
    # In another Python, because checks of signatures would make it several times as long.
    python("-W", "ignore", "-m", "geodl", "reproduce", "atmosphere", "--quick", "--folder", str(folder), timeout=300)
    return folder


def rows(made: Path) -> dict[str, float]:
    return {row["claim"]: row["measured"] for row in json.loads((made / "atmosphere.json").read_text())["rows"]}


def test_families_and_signs_are_kept_whatever_was_learned(made: Path):
    found = rows(made)
    assert found["conserved families over all days, largest relative error"] <= 1e-12
    assert found["smallest concentration"] >= 0


def test_a_linear_map_loses_families(made: Path):
    words = "one step, relative error of a conserved family, largest"
    assert rows(made)[f"linear: {words}"] > 1e-3
    assert rows(made)[words] < 1e-6  # of single precision


def test_tighter_tolerances_cost_more_and_miss_less(made: Path):
    found = rows(made)
    solvers = [f"Rosenbrock {words}" for words in ("1e-03 / 1e-14", "1e-05 / 1e-16", "1e-07 / 1e-20")]
    cost, error = (
        np.array([next(value for claim, value in found.items() if claim.startswith(solver) and about in claim)
                  for solver in solvers])
        for about in ("cost", "NO2")
    )  # fmt: skip
    assert (np.diff(cost) > 0).all()
    assert (np.diff(error) < 0).all()


@pytest.mark.parametrize(
    "about",
    ["bias of O3, all boxes", "worst box", "growth", "error of NO2", "error of OH", "unchanged: one step", "flagged",
     "AUROC of the guard, stronger light", "surrogate: time per cell", "surrogate, ", "training data"]
    + [f"times faster than {name}" for name in FASTER],
)  # fmt: skip
def test_it_is_measured(made: Path, about: str):
    found = {claim: value for claim, value in rows(made).items() if about in claim}
    assert found
    assert np.isfinite(list(found.values())).all()


def test_days_costs_and_errors_are_drawn(made: Path):
    names = {path.stem for path in made.glob("*.png")}
    assert names == {"diurnal_cycle", "bias_over_days", "error_and_cost", "errors_of_one_step"}


def test_the_fields_behind_the_claims_are_kept(made: Path):
    ds = geodl.open_data(made / "atmosphere.nc")
    assert ds["bias"].dims == ("seed", "day", "box", "species")
    assert ds["concentration"].dims == ("seed", "time", "box", "species")
    assert ds["cost"].dims == ("chemistry",)
    np.testing.assert_allclose(ds["concentration"][0, 0], ds["reference_concentration"][0], rtol=1e-12)  # one start


def test_the_full_one_judges_a_month_of_air_that_was_never_trained_on():
    assert FULL.days == tuple(OZONE)
    assert Plan().seed != HELD_OUT
    Plan.parse(dict(FULL.plan))


@pytest.mark.parametrize("about", OUTSIDE)
def test_what_is_called_outside_shares_no_value_with_the_training(about: str):
    usual, other = Plan(), Plan.parse(OUTSIDE[about])
    name = next(iter(OUTSIDE[about]))
    (low, high), (least, most) = usual.span(name), other.span(name)
    assert most < low or least > high


def test_without_musica_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "musica", None)
    assert_refused(MissingPackageError, lambda: REPRODUCTIONS["atmosphere"](quick=True), "geodl[atmosphere]")
