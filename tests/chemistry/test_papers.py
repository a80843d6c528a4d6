"""The quick variant of the reproduction measures everything that the full one does."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import geodl
from geodl.chemistry.cases.fuels import HYDROGEN, METHANE, going_on
from geodl.chemistry.data.plan import Plan
from geodl.chemistry.papers import FURTHER, REPRODUCTIONS
from geodl.core.contract import family
from geodl.errors import MissingPackageError
from geodl.testing import assert_refused
from tests.chemistry.surrogates import trained
from tests.child import quick_reproduction


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("cantera")
    return quick_reproduction("chemistry100x", tmp_path_factory.mktemp("chemistry100x"))


def rows(made: Path) -> dict[str, float]:
    return {row["claim"]: row["measured"] for row in json.loads((made / "chemistry100x.json").read_text())["rows"]}


def test_elements_energy_and_signs_are_kept_whatever_was_learned(made: Path):
    found = rows(made)
    assert found["relative error of an element after 30 steps"] <= 1e-13
    assert found["error of the enthalpy over c_p T after 30 steps"] <= 1e-12
    assert found["smallest mass fraction in 10,000 states"] >= 0
    assert found["dt 1e-06 s, error of the elements at the end, relative"] <= 1e-13


def test_a_renormalised_sum_loses_elements(made: Path):
    assert rows(made)["renormalised sum: dt 1e-06 s, error of the elements at the end, relative"] > 1e-3


@pytest.mark.parametrize(
    "about",
    ["ignition delay", "laminar flame speed", "linear: one step", "times faster", "guarded",
     "AUROC", "flames only", "surrogate"],
)  # fmt: skip
def test_it_is_measured(made: Path, about: str):
    found = {claim: value for claim, value in rows(made).items() if about in claim}
    assert found
    assert np.isfinite(list(found.values())).all()


def test_roll_outs_and_errors_are_drawn(made: Path):
    names = {path.stem for path in made.glob("*.png")}
    assert {"ignition", "errors_by_species", "drift_of_the_elements"} <= names


def test_the_fields_behind_the_claims_are_kept(made: Path):
    ds = geodl.open_data(made / "chemistry100x.nc")
    assert ds["delay_error"].dims == ("seed", "dt", "cell")
    assert ds["flame_speed"].dims == ("seed", "equivalence_ratio")
    assert (ds["reference_flame_speed"] > 0.5).all()


@pytest.mark.parametrize("fuel", [HYDROGEN, METHANE], ids=["H2", "CH4"])
def test_cases_are_judged_inside_the_training_data(fuel):
    plan = Plan.parse(dict(fuel.plan))
    for name, span in (("temperature", "temperature"), ("pressure", "pressure"), ("equivalence_ratio", "phi")):
        low, high = getattr(fuel, name)
        assert plan.span(span)[0] <= low < high <= plan.span(span)[1]
        assert plan.span(span) == fuel.span(span)
    steps = np.array(list(fuel.effort.horizons))
    assert (steps >= plan.span("dt")[0]).all()
    assert (steps <= plan.span("dt")[1]).all()


def test_the_end_of_a_training_begins_with_the_weights_of_the_first_part_and_ends_between_both():
    first = trained()
    again = dataclasses.replace(family("chemistry", hidden=(16, 16), rollout=32, rolled=0.75), calibrate=None)
    found = going_on(again, first, 0.25)
    network, weights = found.build(), first.core.network.state_dict()
    assert network.shape.rollout == found.options["rollout"] == 32
    assert found.warm_start is None
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    with torch.no_grad():
        for weight in network.parameters():
            weight += 1
        found.calibrate(network, (), ())
    for name, weight in network.named_parameters():
        torch.testing.assert_close(weight, weights[name] + 0.25)


def test_the_larger_mechanism_belongs_to_the_smaller_one():
    assert {other for others in FURTHER.values() for other in others} <= set(REPRODUCTIONS)


def test_without_cantera_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cantera", None)
    assert_refused(MissingPackageError, lambda: REPRODUCTIONS["chemistry100x"](quick=True), "geodl[chemistry]")
