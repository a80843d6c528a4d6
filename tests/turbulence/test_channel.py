"""Plane channel: two k-omega models, their order of accuracy, and what a stress does to the velocity."""

import numpy as np
import pytest
import xarray as xr

from geodl.errors import OptionError, SchemaError, UnknownNameError
from geodl.testing import assert_refused, observed_order
from geodl.turbulence.a_posteriori import channel_flow, channel_velocity, channel_with
from geodl.turbulence.a_posteriori.figures import channel_profile
from geodl.turbulence.a_posteriori.k_omega import MODELS, Shear
from geodl.turbulence.datasets.closure_challenge import closure_challenge
from tests.turbulence.provided import provided

RE_TAU = 395.0
both_models = pytest.mark.parametrize("model", ["sst", "wilcox"])


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


@both_models
def test_the_models_converge_with_second_order(model):
    flows = [channel_flow(RE_TAU, model=model, cells=n) for n in (80, 160, 320, 640)]
    centre = [float(ds["velocity"][-1, 0]) for ds in flows]
    bulk = [float((ds["velocity"][:, 0] @ ds["volume"]) / RE_TAU) for ds in flows]
    for values in (centre, bulk):
        order = observed_order(np.abs(np.diff(values)).tolist(), [1 / 80, 1 / 160, 1 / 320])
        assert order == pytest.approx([2, 2], abs=0.15)


@both_models
def test_the_wall_layers_are_there(model):
    flow = channel_flow(1e5, model=model)
    y, u = flow["wall_distance"].values, flow["velocity"].values[:, 0]
    near = y < 1
    np.testing.assert_allclose(u[near], y[near], rtol=5e-3)  # viscous sublayer
    log_layer = (y > 300) & (y < 2000)
    slope = np.polyfit(np.log(y[log_layer]), u[log_layer], 1)[0]
    assert slope == pytest.approx(1 / 0.408, rel=0.03)  # kappa² = (beta/beta* - alpha) sqrt(beta*) / sigma_omega
    np.testing.assert_allclose(flow["omega"].values[near] * y[near] ** 2, 80, rtol=0.02)  # 6/beta


def test_next_to_the_wall_sst_is_wilcox_but_for_the_diffusion_of_k():
    """F1 and F2 are 1 there, where also no limiter acts: alpha, beta and sigma_omega are Wilcox's."""
    y = np.linspace(0.1, 20, 50)
    flow = Shear(y, 0.1 / y, np.full(50, 1e-3), 80 / y**2, -np.ones(50))
    inner, classic = MODELS["sst"](flow), MODELS["wilcox"](flow)
    for name in ("alpha", "beta", "sigma_omega"):
        np.testing.assert_allclose(getattr(inner, name), getattr(classic, name), rtol=1e-12)
    np.testing.assert_allclose(inner.cross, 0, atol=1e-12)
    np.testing.assert_allclose(inner.sigma_k, 0.85)
    np.testing.assert_allclose(inner.eddy_viscosity, classic.eddy_viscosity)


def test_the_shear_stress_of_sst_stays_below_bradshaws_share_of_k():
    flow = Shear(np.full(3, 5.0), np.array([0.1, 10.0, 1e3]), np.ones(3), np.ones(3), np.zeros(3))
    shear_stress = MODELS["sst"](flow).eddy_viscosity * flow.slope
    assert shear_stress[0] == pytest.approx(0.1)  # k/omega times the slope
    np.testing.assert_allclose(shear_stress[1:], 0.31)


def test_sst_gives_what_the_ducts_of_openfoam_have_in_the_middle_of_their_long_wall():
    data = closure_challenge(provided("closure_challenge"))["train"]
    duct = data.isel(cell=np.flatnonzero(data["flow"].values == "AR_10_Ret_180"))
    z = duct["position"].values[:, 2]
    plane = duct.isel(cell=np.flatnonzero(z == z.min())).sortby("wall_distance")
    nu = plane["nu"].values[0]
    wall = np.sqrt(nu * abs(plane["velocity_gradient"].values[0, 0, 1]))
    y = plane["wall_distance"].values * wall / nu
    flow = channel_flow(float(y[-1]))
    there = (y > 5) & (y < 60)
    for name, unit in (("k", wall**2), ("omega", wall**2 / nu), ("eddy_viscosity", nu)):
        ours = np.interp(y[there], flow["wall_distance"], flow[name])
        np.testing.assert_allclose(plane[name].values[there] / unit, ours, rtol=0.15)  # the force is not all the wall's


@both_models
def test_k_is_produced_as_it_is_dissipated(model):
    flow = channel_flow(RE_TAU, model=model, cells=640)
    slope = flow["velocity_gradient"].values[:, 0, 1]
    production = flow["eddy_viscosity"].values * slope**2
    dissipation = 0.09 * flow["k"].values * flow["omega"].values
    wall_flux = 2 * flow["k"].values[0] / flow["volume"].values[0]  # through half of the first cell
    balance = (production - dissipation) @ flow["volume"].values
    assert balance == pytest.approx(wall_flux, abs=1e-6 * production @ flow["volume"].values)


@both_models
def test_the_stress_of_the_model_changes_nothing(model):
    once = channel_with(boussinesq, RE_TAU, model=model, cells=80)
    looped = channel_with(boussinesq, RE_TAU, model=model, cells=80, in_loop=True)
    for ds in (once, looped):
        baseline, corrected = ds["velocity"].sel(model="baseline"), ds["velocity"].sel(model="corrected")
        np.testing.assert_allclose(corrected, baseline, rtol=1e-4, atol=1e-12)


def test_the_closure_in_the_loop_is_a_fixed_point():
    def weaker(flow: xr.Dataset) -> xr.Dataset:
        closed = boussinesq(flow)
        return closed.assign(k_corrected=0.8 * flow["k"] * (flow["k"] / flow["omega"]) / flow["eddy_viscosity"])

    flow = channel_flow(RE_TAU, model="wilcox", cells=80, closure=weaker)
    np.testing.assert_allclose(flow["eddy_viscosity"], 0.8 * flow["k"] / flow["omega"], rtol=1e-3, atol=1e-9)
    assert flow.attrs["closure_change"] < 1e-5


def test_the_true_stress_gives_the_velocity_of_the_dns():
    profiles = dns().isel(y_plus=slice(1, None))
    truth = profiles["mean_velocity"].values
    velocity = channel_velocity(profiles["y_plus"].values, RE_TAU, remainder=profiles["uv"].values)
    assert np.abs(velocity - truth).max() / truth.max() <= 0.0131  # the ceiling


@pytest.mark.parametrize(("model", "plain"), [("sst", 0.0407), ("wilcox", 0.046)])
def test_a_correction_brings_the_models_to_the_dns(model, plain):
    error = channel_with(true_closure, RE_TAU, model=model, truth=dns())["velocity_error"]
    assert float(error.sel(model="baseline")) == pytest.approx(plain, abs=0.002)
    assert float(error.sel(model="corrected")) <= 0.03


def test_the_profile_is_drawn_with_units():
    (axis,) = channel_profile(channel_with(boussinesq, RE_TAU, cells=80)).axes
    assert "[1]" in axis.get_xlabel()
    assert "[1]" in axis.get_ylabel()
    assert [line.get_label() for line in axis.lines] == ["k-omega SST", "corrected"]


def test_wrong_channels_are_refused():
    assert_refused(OptionError, lambda: channel_flow(10.0), "10.0", "re_tau >= 50")
    assert_refused(OptionError, lambda: channel_flow(395.0, cells=8), "8")
    assert_refused(UnknownNameError, lambda: channel_flow(395.0, model="SSST"), "SSST", "sst")
    empty = xr.Dataset({"k_corrected": ("cell", np.ones(80))})
    assert_refused(SchemaError, lambda: channel_with(lambda _: empty, 395.0, cells=80), "anisotropy", "k_corrected")
    assert_refused(SchemaError, lambda: channel_profile(xr.Dataset()), "wall_distance")
