"""The channel to learn from: its law of the wall, and the stresses put back to where they were taken."""

import numpy as np
import pytest
import torch
import xarray as xr

import geodl
from geodl.errors import SchemaError
from geodl.testing import assert_refused
from geodl.turbulence.a_posteriori import channel_velocity, channel_with, reference_channel, wall_law
from geodl.turbulence.datasets.channel_patel import channel_dns
from geodl.turbulence.physics.realizability import is_realizable
from tests.turbulence.provided import provided


@pytest.mark.parametrize(
    ("re_tau", "centreline"),
    [(178.12, 18.301), (587.19, 21.263)],  # Moser, Kim & Mansour 1999
)
def test_the_law_of_the_wall_ends_at_the_centreline_velocity_of_the_simulations(re_tau, centreline):
    y = re_tau * (1 - np.cos(np.linspace(0, np.pi / 2, 800)))[1:]
    shear = wall_law(y, re_tau) - (1 - y / re_tau)
    assert channel_velocity(y, re_tau, remainder=shear)[-1] == pytest.approx(centreline, rel=0.015)


def test_the_law_of_the_wall_is_viscous_then_logarithmic():
    np.testing.assert_allclose(wall_law(np.array([0.01, 0.1, 1.0]), 1e6), 1, rtol=2e-3)
    y = np.array([200.0, 500.0, 1000.0])
    np.testing.assert_allclose(wall_law(y, 1e6) * y, 1 / 0.41, rtol=0.02)


def made_up(units: float, points: int = 80) -> xr.Dataset:
    """Stresses along the law, at distances that are not told."""
    y = np.geomspace(1, 590, points)
    shear = wall_law(y, 590.0) - (1 - y / 590)
    stress = np.zeros((points, 3, 3))
    for axis, power in enumerate((2, 4, 2)):
        stress[:, axis, axis] = 5 * (y / (y + 20)) ** power * np.exp(-y / 300)
    stress[:, 0, 1] = stress[:, 1, 0] = shear
    return xr.Dataset({"reynolds_stress": (("cell", "i", "j"), units * stress)})


@pytest.mark.parametrize("units", [1.0, 0.3])
def test_stresses_return_to_where_they_were_taken(units):
    flow = reference_channel(made_up(units))
    y = flow["wall_distance"].values
    for axis, power in enumerate((2, 4, 2)):
        expected = 5 * (y / (y + 20)) ** power * np.exp(-y / 300)
        there = (y > 1) & (y < 500)
        np.testing.assert_allclose(flow["reynolds_stress"].values[there, axis, axis], expected[there], rtol=0.03)


def test_the_mean_flow_is_bound_to_the_shear_stress():
    flow = reference_channel(geodl.open_sample("turbulence-channel590/channel"))
    y, slope = flow["wall_distance"].values, flow["velocity_gradient_truth"].values[:, 0, 1]
    np.testing.assert_allclose(slope - flow["reynolds_stress"].values[:, 0, 1], 1 - y / 590, atol=1e-12)
    centre = channel_velocity(y, 590.0, remainder=flow["reynolds_stress"].values[:, 0, 1])[-1]
    assert centre == pytest.approx(21.26, rel=0.01)


def test_the_stresses_of_sandia_are_those_of_a_channel():
    flow = reference_channel(geodl.open_sample("turbulence-channel590/channel"))
    y, stress = flow["wall_distance"].values, flow["reynolds_stress"].values
    k = np.trace(stress, axis1=1, axis2=2) / 2
    assert bool(is_realizable(torch.from_numpy(stress / (2 * k[:, None, None]) - np.eye(3) / 3)).all())
    assert y[stress[:, 0, 0].argmax()] == pytest.approx(15, abs=2)  # the peak of <u'u'>, at any Reynolds number
    assert k.max() == pytest.approx(4.8, abs=0.3)


def test_stresses_must_be_there():
    assert_refused(SchemaError, lambda: reference_channel(xr.Dataset()), "reynolds_stress", "turbulence-channel590")


def test_what_was_learnt_at_590_corrects_the_channel_at_395():
    """The simulation at 395 takes part in nothing but the last line."""
    truth = channel_dns(provided("channel_patel_retau395"))
    stresses = geodl.open_sample("turbulence-channel590/channel")
    flow, other = (reference_channel(stresses, model=model) for model in ("sst", "wilcox"))
    other = other.assign_coords(flow=("cell", np.full(other.sizes["cell"], "channel of Wilcox")))
    family = geodl.family("turbulence")
    config = geodl.FitConfig.parse({**family.settings, "epochs": 200})
    surrogate = geodl.fit(family, flow, other, config=config, show=False)
    error = channel_with(surrogate, 395.0, truth=truth)["velocity_error"]
    assert float(error.sel(model="baseline")) > 0.04
    assert float(error.sel(model="corrected")) <= 0.02
