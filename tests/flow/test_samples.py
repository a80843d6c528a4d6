"""The flows that come with the library are what their card says."""

import runpy

import numpy as np
import pytest
import torch
import xarray as xr

import geodl
from geodl.core.files import data_folder
from geodl.flow.control_volume import control_volume_forces
from geodl.flow.data.generate import generate
from geodl.flow.data.random_shapes import KINDS

FOLDER = data_folder() / "flow-obstacles"
MADE = runpy.run_path(str(FOLDER / "make.py"))
SPACING = 1 / 16


@pytest.fixture(scope="module", params=[name.removesuffix(".nc") for name in MADE["FILES"]])
def flows(request) -> xr.Dataset:
    return geodl.open_sample(f"flow-obstacles/{request.param}")


def test_all_kinds_are_there_as_often():
    shapes = geodl.open_sample("flow-obstacles/primitives")["shape"].values
    assert {kind: int((shapes == kind).sum()) for kind in KINDS} == dict.fromkeys(KINDS, 6)
    assert set(geodl.open_sample("flow-obstacles/vehicles")["shape"].values) == {"vehicle"}


def test_the_card_names_every_file_and_together_they_are_small():
    card = (FOLDER / "card.md").read_text()
    assert all(f"`{path.name}`" in card for path in FOLDER.glob("*.nc"))
    assert sum(path.stat().st_size for path in FOLDER.glob("*.nc")) <= 1.5e6


def test_the_fluid_rests_in_the_body_and_comes_in_at_speed_one(flows):
    solid = flows["mask"].values == 1
    np.testing.assert_array_equal(flows["sdf"].values < 0, solid)
    assert not (flows["sdf"].values == 0).any()
    for name in ("u", "v", "p"):
        assert not flows[name].values[solid].any()
    np.testing.assert_allclose(flows["u"][:, :, 0], 1, atol=2e-3)  # half a cell inside


def test_reynolds_numbers_and_heights_are_in_their_ranges(flows):
    assert 5 <= float(flows["reynolds"].min()) < float(flows["reynolds"].max()) <= 40
    assert 0.5 <= float(flows["frontal_height"].min()) < float(flows["frontal_height"].max()) <= 1.125


def test_the_drag_at_the_wall_is_that_of_boxes_around_the_body(flows):
    """To 6 %: at the body, cells hold means of fluid and wall."""
    steady = flows.isel(sample=flows["converged"].values)
    u, v, p, sdf, reynolds = (
        torch.from_numpy(steady[name].values.astype(float)) for name in ("u", "v", "p", "sdf", "reynolds")
    )
    forces = control_volume_forces((u, v, p), sdf, reynolds=reynolds, spacing=SPACING)
    error = np.abs(forces.drag.mean(1).numpy() / steady["drag"].values - 1)
    assert np.median(error) < 0.02
    assert error.max() < 0.06


def test_the_script_beside_the_data_makes_their_values():
    """Two flows of the same seed; the number of flows side by side changes nothing."""
    again = MADE["small"](generate(**{**MADE["FILES"]["primitives.nc"], "n": 2}, workers=1))
    sample = geodl.open_sample("flow-obstacles/primitives").isel(sample=slice(2))
    assert again["shape"].values.tolist() == sample["shape"].values.tolist()
    for name in ("sdf", "u", "v", "p", "drag", "lift", "reynolds"):
        np.testing.assert_allclose(again[name], sample[name], rtol=1e-4, atol=1.01 * MADE["STEP"], err_msg=name)
