"""Plane channel: the model of Wilcox, its order of accuracy, and what a stress does to the velocity."""

import numpy as np
import pytest
import xarray as xr

from geodl.errors import OptionError, SchemaError
from geodl.testing import assert_refused, observed_order
from geodl.turbulence.a_posteriori import channel_velocity, channel_with, wilcox_channel
from geodl.turbulence.a_posteriori.figures import channel_profile
from tests.turbulence.provided import provided

RE_TAU = 395.0


def boussinesq(flow: xr.Dataset) -> xr.Dataset:
    """The stress of the model itself, as a closure gives it."""
    gradient = flow["velocity_gradient"].values
    strain = (gradient + gradient.swapaxes(1, 2)) / 2
    b = -(flow["eddy_viscosity"] / flow["k"]).values[:, None, None] * strain
    return xr.Dataset({"anisotropy": (("cell", "i", "j"), b), "k_corrected": flow["k"]})


def dns() -> xr.Dataset:
    from geodl.turbulence.datasets.channel_patel import channel_dns

    return channel_dns(provided("channel_patel_retau395"))


def stress_of(profiles: xr.Dataset, y: np.ndarray) -> np.ndarray:
    """<u_i'u_j'> of the DNS at other points."""
    stress = np.zeros((len(y), 3, 3))
    for name, (i, j) in {"uu": (0, 0), "vv": (1, 1), "ww": (2, 2), "uv": (0, 1)}.items():
        stress[:, i, j] = stress[:, j, i] = np.interp(y, profiles["y_plus"], profiles[name])
    return stress


def true_closure(flow: xr.Dataset) -> xr.Dataset:
    """b and k of the DNS in the cells of the model."""
    stress = stress_of(dns(), flow["wall_distance"].values)
    k = np.trace(stress, axis1=1, axis2=2) / 2
    b = stress / (2 * k[:, None, None]) - np.eye(3) / 3
    return xr.Dataset({"anisotropy": (("cell", "i", "j"), b), "k_corrected": ("cell", k)})


def test_a_laminar_channel_is_a_parabola():
    y = np.linspace(0, 100, 41)[1:]
    np.testing.assert_allclose(channel_velocity(y, 100.0), y - y**2 / 200, rtol=1e-12)  # trapezoids are exact here


def test_wilcox_converges_with_second_order():
    centre = [float(wilcox_channel(RE_TAU, cells=n)["velocity"][-1, 0]) for n in (80, 160, 320, 640)]
    bulk = [float((ds["velocity"][:, 0] @ ds["volume"]) / RE_TAU) for ds in map(_on, (80, 160, 320, 640))]
    for values in (centre, bulk):
        order = observed_order(np.abs(np.diff(values)).tolist(), [1 / 80, 1 / 160, 1 / 320])
        assert order == pytest.approx([2, 2], abs=0.15)


def _on(cells: int) -> xr.Dataset:
    return wilcox_channel(RE_TAU, cells=cells)


def test_the_wall_layers_are_there():
    flow = wilcox_channel(1e5)
    y, u = flow["wall_distance"].values, flow["velocity"].values[:, 0]
    near = y < 1
    np.testing.assert_allclose(u[near], y[near], rtol=5e-3)  # viscous sublayer
    log_layer = (y > 300) & (y < 2000)
    slope = np.polyfit(np.log(y[log_layer]), u[log_layer], 1)[0]
    assert slope == pytest.approx(1 / 0.408, rel=0.03)  # kappa² = (beta/beta* - alpha) sqrt(beta*)/sigma
    np.testing.assert_allclose(flow["omega"].values[near] * y[near] ** 2, 80, rtol=0.02)  # 6/beta


def test_k_is_produced_as_it_is_dissipated():
    flow = wilcox_channel(RE_TAU, cells=640)
    slope = flow["velocity_gradient"].values[:, 0, 1]
    production = flow["eddy_viscosity"].values * slope**2
    dissipation = 0.09 * flow["k"].values * flow["omega"].values
    wall_flux = 2 * flow["k"].values[0] / flow["volume"].values[0]  # through half of the first cell
    balance = (production - dissipation) @ flow["volume"].values
    assert balance == pytest.approx(wall_flux, abs=1e-6 * production @ flow["volume"].values)


def test_the_stress_of_the_model_changes_nothing():
    once = channel_with(boussinesq, RE_TAU, cells=80)
    looped = channel_with(boussinesq, RE_TAU, cells=80, in_loop=True)
    for ds in (once, looped):
        baseline, corrected = ds["velocity"].sel(model="baseline"), ds["velocity"].sel(model="corrected")
        np.testing.assert_allclose(corrected, baseline, rtol=1e-4, atol=1e-12)


def test_the_closure_in_the_loop_is_a_fixed_point():
    def weaker(flow: xr.Dataset) -> xr.Dataset:
        closed = boussinesq(flow)
        return closed.assign(k_corrected=0.8 * flow["k"] * (flow["k"] / flow["omega"]) / flow["eddy_viscosity"])

    flow = wilcox_channel(RE_TAU, cells=80, closure=weaker)
    np.testing.assert_allclose(flow["eddy_viscosity"], 0.8 * flow["k"] / flow["omega"], rtol=1e-3, atol=1e-9)
    assert flow.attrs["closure_change"] < 1e-5


def test_the_true_stress_gives_the_velocity_of_the_dns():
    profiles = dns().isel(y_plus=slice(1, None))
    truth = profiles["mean_velocity"].values
    velocity = channel_velocity(profiles["y_plus"].values, RE_TAU, remainder=profiles["uv"].values)
    assert np.abs(velocity - truth).max() / truth.max() <= 0.0131  # the ceiling


def test_a_correction_brings_wilcox_to_the_dns():
    ds = channel_with(true_closure, RE_TAU, truth=dns())
    error = ds["velocity_error"]
    assert float(error.sel(model="baseline")) == pytest.approx(0.046, abs=0.002)
    assert float(error.sel(model="corrected")) <= 0.03


def test_the_profile_is_drawn_with_units():
    (axis,) = channel_profile(channel_with(boussinesq, RE_TAU, cells=80)).axes
    assert "[1]" in axis.get_xlabel()
    assert "[1]" in axis.get_ylabel()
    assert len(axis.lines) == 2


def test_wrong_channels_are_refused():
    assert_refused(OptionError, lambda: wilcox_channel(10.0), "10.0", "re_tau >= 50")
    assert_refused(OptionError, lambda: wilcox_channel(395.0, cells=8), "8")
    empty = xr.Dataset({"k_corrected": ("cell", np.ones(80))})
    assert_refused(SchemaError, lambda: channel_with(lambda _: empty, 395.0, cells=80), "anisotropy", "k_corrected")
    assert_refused(SchemaError, lambda: channel_profile(xr.Dataset()), "wall_distance")
