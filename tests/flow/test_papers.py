"""The quick variant of the reproduction measures everything that the full one does."""

import json
from pathlib import Path

import pytest

import geodl
from tests.child import quick_reproduction


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quick_reproduction("guo2016", tmp_path_factory.mktemp("guo2016"))


def rows(made: Path) -> dict[str, float]:
    return {row["claim"]: row["measured"] for row in json.loads((made / "guo2016.json").read_text())["rows"]}


def test_walls_and_mass_are_kept_whatever_was_learned(made: Path):
    found = rows(made)
    assert found["U-Net ensemble: speed in the body, largest"] == 0.0
    assert found["U-Net ensemble: divergence times spacing, largest"] <= 1e-5


@pytest.mark.parametrize("seen", ["exact distance", "distance from the mask", "binary mask"])
def test_the_network_of_the_paper_is_measured_with_every_view_of_a_body(made: Path, seen: str):
    assert f"network of the paper, {seen}: relative error of the velocity, median" in rows(made)


@pytest.mark.parametrize("rival", ["mean flow", "nearest case", "modes", "solver on 48x24"])
def test_cheaper_models_stand_beside(made: Path, rival: str):
    assert 0 < rows(made)[f"{rival}: relative error of the velocity, median"] < 1


def test_flows_and_forces_are_drawn(made: Path):
    names = {path.stem for path in made.glob("*.png")}
    assert {"median_flow", "worst_flow", "drag_polar", "errors_by_kind_of_body"} <= names


def test_the_bundle_asks_for_a_distance_and_a_reynolds_number(made: Path):
    schema = geodl.load(made / "guo2016.safetensors").family.schema
    assert [variable.name for variable in schema.inputs] == ["sdf", "reynolds"]
    assert [variable.name for variable in schema.outputs] == ["u", "v", "p", "drag", "lift"]
