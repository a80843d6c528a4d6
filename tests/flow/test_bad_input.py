"""Mistakes that people make with flows: refused by name with what to do, or flagged where a prediction goes on."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import xarray as xr
from typer.testing import CliRunner

import geodl
from geodl import cli
from geodl.core.contract import Family
from geodl.core.files import write_data
from geodl.core.surrogate import Surrogate
from geodl.errors import (
    DomainError,
    GeodlError,
    GeometryError,
    NonFiniteError,
    OptionError,
    SchemaError,
    StabilityError,
    UnitsError,
)
from geodl.flow import Circle, Grid, LatticeBoltzmann, Polygon, generate, read_stl, signed_distance
from geodl.testing import assert_refused

GRID = Grid.parse("128x64")
SMALL = {"members": 1, "widths": (4, 8)}
INPUTS = ["sdf", "reynolds"]
Spoil = Callable[[xr.Dataset], xr.Dataset]


@pytest.fixture(scope="module")
def family() -> Family:
    return geodl.family("flow", **SMALL)


@pytest.fixture(scope="module")
def flows(family) -> xr.Dataset:
    return family.example(0).isel(sample=slice(16))


@pytest.fixture(scope="module")
def trained(family, flows) -> Surrogate:
    """As good as untrained: what it refuses and flags does not depend on it."""
    config = geodl.FitConfig.parse({**family.settings, "epochs": 1})
    return geodl.fit(family, family.example(0), flows, config=config, show=False)


def bodies(*shapes) -> Spoil:
    """Others in the place of the first."""

    def spoil(ds: xr.Dataset) -> xr.Dataset:
        for n, shape in enumerate(shapes):
            ds["sdf"][n] = shape.distance(GRID.centres()).numpy()
        return ds

    return spoil


def sdf(change: Callable[[xr.DataArray], object], sample: int = 1) -> Spoil:
    """The distance of one sample changed."""

    def spoil(ds: xr.Dataset) -> xr.Dataset:
        ds["sdf"][sample] = change(ds["sdf"][sample])
        return ds

    return spoil


def mask(change: Callable[[xr.DataArray], xr.DataArray], sample: int = 1) -> Spoil:
    """The mask in the place of the distance, that of one sample changed."""

    def spoil(ds: xr.Dataset) -> xr.Dataset:
        solid = (ds["sdf"] <= 0).astype(float)
        solid[sample] = change(solid[sample])
        return ds.drop_vars("sdf").assign(mask=solid)

    return spoil


drawn = mask(lambda m: m)


def reynolds(value: float) -> Spoil:
    def spoil(ds: xr.Dataset) -> xr.Dataset:
        ds["reynolds"][1] = value
        return ds

    return spoil


def swapped(ds: xr.Dataset) -> xr.Dataset:
    return ds.drop_vars(["x", "y"]).rename(x="y", y="x")


REFUSED: dict[str, tuple[Spoil, type[GeodlError], tuple[str, ...]]] = {
    "a grey mask": (mask(lambda m: 0.5 * m), GeometryError, ("sample 1", "not binary", "0.5", "mask > 0.5")),
    "a mask with holes": (mask(lambda m: m.where(m == 1)), GeometryError, ("sample 1", "not binary", "nan")),
    "an empty mask": (mask(lambda m: 0 * m), GeometryError, ("sample 1", "empty", "Draw it larger")),
    "a full mask": (mask(lambda m: 0 * m + 1), GeometryError, ("sample 1", "full", "Is 1 meant to be the body?")),
    "a mask of the fluid": (mask(lambda m: 1 - m), GeometryError, ("sample 1", "all along the sides", "in the body")),
    "a mask of words": (lambda ds: drawn(ds).assign(mask=drawn(ds)["mask"].astype(str)), SchemaError, ("0 and 1",)),
    "a mask without x": (
        lambda ds: drawn(ds).isel(x=0, drop=True), SchemaError, ("'mask'", "('sample', 'y')", "along y and x"),
    ),
    "neither mask nor distance": (lambda ds: ds.drop_vars("sdf"), SchemaError, ("'sdf'", "missing")),
    "a distance of the wrong sign": (sdf(lambda d: -d), GeometryError, ("body 1", "wrong sign", "Give -sdf")),
    "a distance without units": (
        lambda ds: ds.assign(sdf=ds["sdf"].drop_attrs()), UnitsError, ("'sdf' has no units", "'m'"),
    ),
    "a distance in seconds": (
        lambda ds: ds.assign(sdf=ds["sdf"].assign_attrs(units="s")), UnitsError, ("'sdf'", "'s' cannot be converted"),
    ),
    "another size": (
        lambda ds: ds.isel(x=slice(100)), GeometryError, ("'sdf' has 100 cells along x and 64 along y", "128 and 64"),
    ),
    "a mask of another size": (
        lambda ds: drawn(ds).isel(y=slice(None, None, 2)), GeometryError, ("'mask' has 128", "32 along y"),
    ),
    "x and y swapped": (swapped, GeometryError, ("64 cells along x", "ds.rename(x='y', y='x')")),
    "other coordinates": (
        lambda ds: ds.assign_coords(x=ds["x"] - 2.5), GeometryError, ("x from -2.46875", "0.03125 to 7.96875"),
    ),
    "names of columns": (
        lambda ds: ds.assign_coords(x=[f"c{n}" for n in range(128)]), GeometryError, ("x from c0 to c127", "drop_vars"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_is_no_flow_problem_is_refused_when_predicting_and_when_fitting(mistake, trained, family, flows):
    spoil, error, words = REFUSED[mistake]
    spoiled = spoil(flows.copy(deep=True))
    names = [name for name in (*INPUTS, "mask") if name in spoiled]
    assert_refused(error, lambda: trained(spoiled[names]), *words)
    assert_refused(error, lambda: geodl.fit(family, spoiled, flows, show=False), *words)


FLAGGED: dict[str, tuple[Spoil, type[GeodlError] | None, tuple[str, ...]]] = {
    "NaN in a distance": (sdf(lambda d: d.where(d > 0)), NonFiniteError, ("'sdf'", "NaN", "'sample': 1")),
    "an infinite distance": (sdf(lambda d: d + np.inf), NonFiniteError, ("'sdf'", "infinite")),
    "no body": (sdf(abs), GeometryError, ("empty",)),
    "absurd distances": (sdf(lambda d: 0 * d + 1e6), GeometryError, ("empty",)),
    "nothing but body": (sdf(lambda d: 0 * d - 1), GeometryError, ("full",)),
    "a distance in cells": (sdf(lambda d: 16 * d), GeometryError, ("body 1", "in cells", "spacing")),
    "a body at the inlet": (bodies(Circle((0.3, 2.0), 0.4)), GeometryError, ("body 0", "touches or leaves", "Move it")),
    "a body half outside": (bodies(Circle((8.0, 2.0), 0.4)), GeometryError, ("body 0", "touches or leaves")),
    "a body at the wall": (bodies(Circle((2.5, 0.3), 0.4)), GeometryError, ("body 0", "touches or leaves")),
    "a body that blocks the stream": (bodies(Circle((2.5, 2.0), 0.9)), GeometryError, ("body 0 blocks 45.0%", "30.0%")),
    "NaN as a Reynolds number": (reynolds(np.nan), NonFiniteError, ("'reynolds'",)),
    "a Reynolds number of zero": (reynolds(0.0), DomainError, ("'reynolds'", "reaches 0", "positive")),
    "a negative Reynolds number": (reynolds(-20.0), DomainError, ("'reynolds'", "-20")),
    "a Reynolds number of another flow": (reynolds(4000.0), None, ()),
}  # fmt: skip


@pytest.mark.parametrize("strange", FLAGGED)
def test_a_sample_that_cannot_be_right_is_flagged_among_others_and_nothing_is_learned_from_it(
    strange, trained, family, flows
):
    spoil, error, words = FLAGGED[strange]
    spoiled = spoil(flows.copy(deep=True))
    changed = [not spoiled.isel(sample=n).equals(flows.isel(sample=n)) for n in range(16)]
    before, after = (trained(ds[INPUTS])["in_domain"].values for ds in (flows, spoiled))
    assert sum(changed) == 1
    assert not after[changed].any()
    np.testing.assert_array_equal(after[~np.array(changed)], before[~np.array(changed)])
    assert_refused(DomainError, lambda: trained(spoiled[INPUTS], outside="raise"), "outside the domain of validity")
    if error:
        assert_refused(error, lambda: geodl.fit(family, spoiled, flows, show=False), *words)


def test_nan_in_gives_nan_out_and_nothing_to_its_neighbours(trained, flows):
    spoiled = sdf(lambda d: d.where(d > 0))(flows.copy(deep=True))
    found, clean = trained(spoiled[INPUTS]), trained(flows[INPUTS])
    assert bool(found["drag"][1].isnull())
    xr.testing.assert_allclose(found.drop_sel(sample=1, errors="ignore").isel(sample=0), clean.isel(sample=0))


@pytest.mark.parametrize("by_sign", [False, True])
def test_a_mask_predicts_what_its_distance_does(trained, flows, by_sign):
    masks = drawn(flows)
    made = np.stack([signed_distance(one, GRID).numpy() for one in masks["mask"].values])
    family = geodl.family("flow", **SMALL, geometry="mask-sdf")
    ours = family.complete(flows[INPUTS] if by_sign else masks.transpose("x", "sample", "y"))
    np.testing.assert_array_equal(ours["sdf"].transpose("sample", "y", "x"), made)
    assert ours["sdf"].attrs["units"] == "m"


def test_a_distance_seen_as_a_mask_keeps_what_has_no_body_for_the_guard(flows):
    family = geodl.family("flow", **SMALL, geometry="mask-sdf")
    spoiled = sdf(lambda d: 0 * d + np.nan)(sdf(abs, 2)(flows.copy(deep=True)))
    found = family.complete(spoiled)["sdf"]
    assert bool(found[1].isnull().all())
    xr.testing.assert_equal(found[2], spoiled["sdf"][2])


@pytest.mark.parametrize("kind", [">f4", "<f8"])
def test_units_order_of_dimensions_and_of_bytes_change_nothing(trained, flows, kind):
    turned = flows[INPUTS].transpose("x", "sample", "y")
    turned["sdf"] = (100 * turned["sdf"]).astype(kind).assign_attrs(units="cm")
    xr.testing.assert_allclose(
        trained(turned)["u"].transpose("sample", "y", "x"), trained(flows[INPUTS])["u"], atol=1e-5
    )


def test_masks_that_dask_holds_stay_there_until_they_are_asked_for(trained, flows):
    masks = drawn(flows)[["mask", "reynolds"]]
    lazy = trained(masks.chunk(sample=5))
    assert lazy["u"].chunks is not None
    xr.testing.assert_allclose(lazy.compute(), trained(masks), atol=1e-4)
    inverted = mask(lambda m: 1 - m, 0)(flows.copy(deep=True))[["mask", "reynolds"]]
    assert_refused(GeometryError, lambda: trained(inverted.chunk(sample=5)), "all along the sides")
    wrong = sdf(lambda d: -d, 7)(flows.copy(deep=True))[INPUTS].chunk(sample=5)
    assert_refused(GeometryError, lambda: trained(wrong).compute(), "wrong sign")


def test_the_command_line_says_what_is_wrong_with_a_file(trained, flows, tmp_path):
    trained.save(tmp_path / "model.safetensors")
    write_data(flows.assign(sdf=(-flows["sdf"]).assign_attrs(units="m")), tmp_path / "inside_out.nc")
    write_data(mask(lambda m: m * 255)(flows.copy(deep=True))[["mask", "reynolds"]], tmp_path / "image.nc")
    for words, expected in (
        (["check", "inside_out.nc", "--family", "flow"], "wrong sign"),
        (["fit", "inside_out.nc", "new.safetensors", "--family", "flow"], "wrong sign"),
        (["predict", "model.safetensors", "inside_out.nc", "out.nc"], "wrong sign"),
        (["predict", "model.safetensors", "image.nc", "out.nc"], "holds 255"),
    ):
        paths = [str(tmp_path / word) if "." in word else word for word in words]
        done = CliRunner().invoke(cli.app, paths)
        assert isinstance(done.exception, GeometryError)
        assert expected in str(done.exception)
        assert not (tmp_path / "out.nc").exists()


OPEN = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def test_what_the_solver_and_its_geometry_cannot_use_is_refused(tmp_path):
    circle = Circle((2.5, 2.0), 0.5)
    (tmp_path / "broken.stl").write_bytes(b"solid nothing\nfacet normal 0 0\n")
    refused: list[tuple[type[GeodlError], Callable[[], object], tuple[str, ...]]] = [
        (GeometryError, lambda: Polygon.closed(OPEN, tolerance=0.01), ("closed",)),
        (GeometryError, lambda: signed_distance(np.zeros((4000, 4000)), GRID), ("too large", "4000 x 4000")),
        (GeometryError, lambda: signed_distance(circle.distance(GRID.centres()) < 0, Grid.parse("96x48")), ("shape",)),
        (GeometryError, lambda: LatticeBoltzmann([Circle((0.4, 2.0), 0.5)], GRID, reynolds=20.0), ("left side",)),
        (GeometryError, lambda: LatticeBoltzmann([Circle((2.5, 2.0), 0.7)], GRID, reynolds=20.0), ("blocks 35.0%",)),
        (StabilityError, lambda: LatticeBoltzmann([circle], GRID, reynolds=60.0), ("Re 60", "5 to 45")),
        (
            StabilityError,
            lambda: LatticeBoltzmann([circle], GRID, reynolds=20.0, lattice_speed=0.001),
            ("unstable", "Use Re up to", "or at least", "cells"),
        ),
        (StabilityError, lambda: generate(0, n=2, re="5:400"), ("'5:400'", "5 to 45")),
        (OptionError, lambda: generate(0, n=2, re="-5:40"), ("'re'", "5:40")),
        (GeometryError, lambda: read_stl(tmp_path / "broken.stl", 0.0), ("broken.stl",)),
    ]
    for error, call, words in refused:
        if "broken.stl" in words:
            pytest.importorskip("trimesh")
        assert_refused(error, call, *words)


def test_a_flow_that_diverges_is_marked_and_its_mates_arrive():
    bodies = [Circle((2.5, 2.0), 0.5), Circle((2.4, 2.1), 0.4)]
    solver = LatticeBoltzmann(bodies, Grid.parse("48x24"), reynolds=10.0, dtype=torch.float64)
    solver.state.populations[0, 1, 12, 30] = torch.nan
    found = solver.run(show=False)
    assert found.converged.tolist() == [False, True]
    assert found.diverged.tolist() == [True, False]


@pytest.mark.usefixtures("unchecked")
def test_samples_that_did_not_become_steady_are_not_learned_from(family, flows):
    marked = flows.assign(converged=("sample", np.arange(16) != 3))
    marked["u"][3] = np.nan
    inputs, _ = family.samples(marked)
    assert inputs.sizes["sample"] == 15
    geodl.train.fit.prepare(family, marked, torch.float32)
