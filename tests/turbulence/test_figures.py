"""Figures show what they say, with units on their axes, for flows that lie in a plane."""

import numpy as np
import pytest
import torch
import xarray as xr

import geodl
from geodl.core.surrogate import Surrogate
from geodl.train.config import FitConfig
from geodl.train.split import split
from geodl.turbulence.figures import CELLS, figures, sections


@pytest.fixture(scope="module")
def surrogate() -> Surrogate:
    family = geodl.family("turbulence", members=2, width=16, depth=2)
    parts = split(family.example(0), "flow")
    config = FitConfig.parse({**family.settings, "epochs": 3, "batch_size": 64})
    return geodl.fit(family, parts.train, parts.valid, config=config, show=False)


def placed(flat: int, name: str, kind: str) -> xr.Dataset:
    """A made-up flow on a grid of 10 x 10 cells in the plane across axis ``flat``."""
    ds = geodl.family("turbulence").example(3).isel(cell=slice(0, 100))
    position = np.full((100, 3), 0.05)
    others = [axis for axis in range(3) if axis != flat]
    position[:, others] = np.stack(np.meshgrid(np.linspace(0, 2, 10), np.linspace(0, 1, 10)), -1).reshape(-1, 2)
    words = {"units": "m", "long_name": "cell centre"}
    labels = {"flow": ("cell", np.full(100, name)), "family": ("cell", np.full(100, kind))}
    return ds.drop_vars("velocity").assign(position=(("cell", "i"), position, words)).assign_coords(labels)


KINDS = {"hill-1": "hill", "hill-2": "hill", "duct-1": "duct", "hill-3": "hill"}
FLOWS = xr.concat(
    [placed(0 if kind == "duct" else 2, name, kind) for name, kind in KINDS.items()],
    "cell", coords="minimal", compat="override",
)  # fmt: skip


def test_sections_are_of_as_many_kinds_as_there_are_in_the_plane_of_each(surrogate):
    found = sections(surrogate, FLOWS)
    assert {flow: section.axes for flow, section in found.items()} == {
        "duct-1": ("z [m]", "y [m]"),
        "hill-1": ("x [m]", "y [m]"),
        "hill-2": ("x [m]", "y [m]"),
    }
    assert all(len(section.rows) == 100 for section in found.values())


def test_flows_that_fill_space_or_have_no_position_are_not_drawn(surrogate):
    solid = FLOWS.copy(deep=True)
    solid["position"][:, 2] = np.random.default_rng(0).uniform(size=400)
    solid["position"][:, 0] = np.random.default_rng(1).uniform(size=400)
    assert sections(surrogate, solid) == {}
    assert sections(surrogate, FLOWS.drop_vars("position")) == {}


def test_masked_cells_are_left_out(surrogate):
    masked = FLOWS.assign(valid_clean=("cell", np.arange(400) % 100 >= 30, {"units": "1"}))
    assert all(len(section.rows) == 70 for section in sections(surrogate, masked).values())


def test_every_figure_has_its_maps_with_units_on_all_axes(surrogate):
    made = figures(surrogate, FLOWS)
    assert next(iter(made)) == "Barycentric maps"
    assert len(made) == 1 + 2 * 3
    for name, figure in made.items():
        figure.canvas.draw()  # the layout is possible
        shown = [axis for axis in figure.axes if axis.axison and axis.get_xlabel()]
        assert all("[m]" in axis.get_xlabel() and "[m]" in axis.get_ylabel() for axis in shown), name
        assert len(shown) == (0 if "Barycentric" in name else 2 if "Componentality" in name else 4), name


def test_a_map_shows_the_error_of_its_own_flow(surrogate):
    chosen = surrogate.family.samples(FLOWS)[0]
    error = torch.from_numpy(surrogate(chosen)["anisotropy"].values - chosen["anisotropy"].values)
    mesh = figures(surrogate, FLOWS)["Errors and trust, duct-1"].axes[0].collections[0]
    np.testing.assert_allclose(mesh.get_array(), error.flatten(1).norm(dim=1)[200:300], rtol=1e-4)


def test_flows_without_a_position_have_the_barycentric_map_alone(surrogate):
    ds = surrogate.family.example(4)
    assert ds.sizes["cell"] < CELLS
    assert list(figures(surrogate, ds)) == ["Barycentric maps"]
