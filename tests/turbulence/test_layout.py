"""One layout for every flow, and what follows from what a solver wrote: laws and closed forms on a few cells."""

import math

import numpy as np
import pytest
import xarray as xr

from geodl.errors import SchemaError, ShapeError, UnitsError, UnknownNameError
from geodl.testing import assert_refused
from geodl.turbulence.datasets.completion import BETA_STAR, FLOOR, complete
from geodl.turbulence.datasets.layout import flow_dataset, join, masks, symmetric
from geodl.turbulence.datasets.orientation import alignment, refuse_transposed

CELLS = 12


def flow(name: str = "shear", **changed: np.ndarray | float) -> xr.Dataset:
    """Uniform shear dU/dy = 2 s-1 with k, omega and a viscosity."""
    gradient = np.zeros((CELLS, 3, 3))
    gradient[:, 0, 1] = 2.0
    variables = {"velocity_gradient": gradient, "k": np.full(CELLS, 0.5), "omega": np.full(CELLS, 4.0), "nu": 1e-3}
    return flow_dataset(name, variables | changed, unit_system="SI", shape=(3, 4), attrs={"licence": "none"})


def vortex(cells: int = 4000) -> xr.Dataset:
    """Solid rotation with shear, U = (-2y, x, 0), on scattered cells of a plane."""
    rng = np.random.default_rng(0)
    position = np.concatenate([rng.random((cells, 2)), np.zeros((cells, 1))], axis=1)
    velocity = np.stack([-2 * position[:, 1], position[:, 0], 0 * position[:, 0]], axis=1)
    gradient = np.broadcast_to([[0, -2.0, 0], [1, 0, 0], [0, 0, 0]], (cells, 3, 3))
    variables = {"position": position, "velocity": velocity, "velocity_gradient": gradient}
    return flow_dataset("vortex", variables, unit_system="SI")


def test_every_variable_has_units_a_name_and_its_dimensions():
    ds = flow()
    assert ds["velocity_gradient"].dims == ("cell", "i", "j")
    assert ds["nu"].shape == (CELLS,)
    assert list(ds["i"].values) == list(ds["j"].values) == ["x", "y", "z"]
    assert all(array.attrs["units"] and array.attrs["long_name"] for array in ds.data_vars.values())
    assert {"flow", "family", "row", "column"} <= set(ds.coords)
    np.testing.assert_array_equal(4 * ds["row"] + ds["column"], np.arange(CELLS))


def test_a_flow_of_other_names_shapes_or_sizes_is_refused():
    assert_refused(UnknownNameError, lambda: flow(omga=np.ones(CELLS)), "'omga'", "Did you mean 'omega'?")
    assert_refused(ShapeError, lambda: flow(k=np.ones((CELLS, 3))), "'k'", f"({CELLS}, 3)", "[cell]")
    assert_refused(ShapeError, lambda: flow(velocity=np.ones((CELLS, 2))), "'velocity'", "[cell, i]")
    assert_refused(ShapeError, lambda: flow(k=np.ones(CELLS + 1)), "different numbers of cells")
    unstructured = {"k": np.ones(5)}
    assert_refused(ShapeError, lambda: flow_dataset("a", unstructured, unit_system="SI", shape=(2, 3)), "2 x 3 has 6")
    assert set(flow_dataset("a", unstructured, unit_system="SI")["row"].values) == {-1}


def test_six_entries_make_a_symmetric_tensor():
    np.testing.assert_array_equal(symmetric(np.arange(6.0)[None])[0], [[0, 1, 2], [1, 3, 4], [2, 4, 5]])


def test_the_masks_leave_out_what_has_no_energy_and_what_is_not_realizable():
    tau = np.tile(np.diag([2.0, 1.0, 0.5]), (4, 1, 1))
    tau[1] *= 1e-6  # hardly any energy
    tau[2] = np.diag([1.0, 1.0, -0.1])
    tau[3] = np.diag([1.0, 1.0, -1e-4])  # unrealizable by less than the rounding that is allowed
    found = masks(tau)
    assert found["valid_les"].tolist() == [True, False, True, True]
    assert found["valid_clean"].tolist() == [True, False, False, True]


def test_joined_flows_keep_every_cell_and_list_attributes_that_differ():
    first, second = flow("a"), flow("b", k=np.ones(CELLS)).assign_attrs(unit_system="wall units")
    joined = join([first, second])
    assert joined.sizes["cell"] == 2 * CELLS
    assert joined.attrs["unit_system"] == "SI; wall units"
    assert joined.attrs["licence"] == "none"
    for name, part in (("a", first), ("b", second)):
        again = joined.isel(cell=joined["flow"].values == name)
        xr.testing.assert_identical(again.assign_attrs(part.attrs), part)


def test_flows_with_different_variables_are_joined_only_when_asked():
    rich = flow("rich", wall_distance=np.ones(CELLS))
    assert_refused(SchemaError, lambda: join([flow("poor"), rich]), "'wall_distance'", "flow poor", "common_only=True")
    assert set(join([rich, flow("poor")], common_only=True).data_vars) == set(flow().data_vars)
    assert_refused(SchemaError, lambda: join([]), "at least one")
    turned = flow().isel(i=[1, 0, 2])
    assert_refused(SchemaError, lambda: join([flow(), turned]), "cannot be joined")


def test_epsilon_and_omega_follow_from_each_other():
    ds = flow()
    made = complete(ds)
    np.testing.assert_allclose(made["epsilon"], 0.09 * 0.5 * 4.0, rtol=1e-15)
    assert made["epsilon"].attrs["units"] == "m2 s-3"
    back = complete(made.drop_vars("omega"))
    np.testing.assert_allclose(back["omega"], ds["omega"], rtol=1e-15)


def test_other_units_are_converted_before_they_are_multiplied():
    ds = flow()
    ds["k"] = (ds["k"] * 1e4).assign_attrs(units="cm2 s-2")
    made = complete(ds)
    np.testing.assert_allclose(made["epsilon"], 0.09 * 0.5 * 4.0, rtol=1e-12)
    assert made["k"].attrs["units"] == "cm2 s-2"
    foreign = ds.assign(k=ds["k"].assign_attrs(units="K"))
    assert_refused(UnitsError, lambda: complete(foreign), "'k'", "'K'", "m2 s-2")
    assert_refused(UnitsError, lambda: complete(ds.assign(omega=ds["omega"].drop_attrs())), "'omega'", "no units")


def test_a_viscosity_without_dimensions_counts_for_every_cell():
    ds = flow().drop_vars("nu").assign(nu=xr.DataArray(1e-3, attrs={"units": "m2 s-1"}))
    made = complete(ds)["nu"]
    np.testing.assert_array_equal(made, flow()["nu"])
    assert (made.dims, made.attrs["units"]) == (("cell",), "m2 s-1")


def test_a_two_dimensional_case_gets_zeros_for_the_third_axis():
    whole = flow(velocity=np.tile([1.0, 2.0, 0.0], (CELLS, 1)))
    plane = whole.isel(i=slice(2), j=slice(2))
    for ds in (plane, plane.drop_vars(["i", "j"])):
        xr.testing.assert_equal(complete(ds).drop_vars(["i", "j"]), complete(whole).drop_vars(["i", "j"]))
    xr.testing.assert_equal(complete(whole.isel(j=slice(2))), complete(whole))
    meridional = complete(whole.isel(i=[0, 2], j=[0, 2]))
    assert (meridional["velocity"].values == [1.0, 0.0, 0.0]).all()
    strange = plane.assign_coords(i=["r", "theta"])
    assert_refused(SchemaError, lambda: complete(strange), "'r' is no axis")
    stress = whole.assign(reynolds_stress=whole["velocity_gradient"]).isel(i=slice(2), j=slice(2))
    assert_refused(SchemaError, lambda: complete(stress), "'reynolds_stress'", "all nine entries")


def test_what_is_not_positive_is_lifted_to_a_floor_that_the_cell_gives_and_counted():
    k, omega = np.full(CELLS, 0.5), np.full(CELLS, 4.0)
    k[[1, 3]], omega[[3, 4]] = [0.0, -1.0], [0.0, -2.0]
    made = complete(flow(k=k, omega=omega))
    assert made.attrs["floored_cells"] == 3
    assert np.flatnonzero(made["floored"]).tolist() == [1, 3, 4]
    np.testing.assert_allclose(made["k"][[1, 3]], FLOOR * 1e-3 * 2.0, rtol=1e-6)
    np.testing.assert_allclose(made["omega"][[3, 4]], FLOOR * 2.0, rtol=1e-6)
    np.testing.assert_array_equal(made["epsilon"], BETA_STAR * made["k"] * made["omega"])
    assert bool((made["epsilon"] > 0).all())
    np.testing.assert_array_equal(complete(flow(k=k, omega=omega).isel(cell=[3]))["epsilon"], made["epsilon"][3:4])
    xr.testing.assert_equal(complete(made).drop_vars("floored"), made.drop_vars("floored"))


def test_a_dissipation_rate_of_zero_and_a_cell_at_rest_stay_finite():
    ds = flow(velocity_gradient=np.zeros((CELLS, 3, 3)), k=np.zeros(CELLS)).drop_vars(["omega", "nu"])
    ds["epsilon"] = ("cell", np.zeros(CELLS), {"units": "m2 s-3"})
    for dtype in ("float32", "float64"):
        made = complete(ds.astype(dtype))
        for name in ("k", "epsilon", "omega"):
            assert made[name].dtype == dtype
            assert bool((np.isfinite(made[name]) & (made[name] > 0)).all())


def test_a_value_that_is_not_a_number_is_left_for_the_guard_to_flag():
    k = np.full(CELLS, 0.5)
    k[2] = math.nan
    made = complete(flow(k=k))
    assert np.isnan(made["k"].values[2])
    assert not made["floored"].any()


def test_a_divergent_gradient_is_counted_and_left_alone():
    ds = flow()
    gradient = ds["velocity_gradient"].values.copy()
    gradient[:2] += np.eye(3)
    made = complete(flow(velocity_gradient=gradient))
    assert made.attrs["divergent_cells"] == 2
    assert made.attrs["largest_divergence"] == pytest.approx(3 / math.sqrt(4 + 3))
    np.testing.assert_array_equal(made["velocity_gradient"], gradient)
    assert not {"divergent_cells", "largest_divergence", "floored_cells"} & set(complete(ds).attrs)


def test_the_reference_anisotropy_is_traceless_and_zero_where_there_is_no_energy():
    tau = np.tile(np.array([[2.0, -0.5, 0], [-0.5, 1.0, 0], [0, 0, 1.0]]), (CELLS, 1, 1))
    tau[0], tau[1] = 0.0, -np.eye(3)
    made = complete(flow(reynolds_stress=tau))
    b = made["anisotropy"].values
    np.testing.assert_allclose(b[2:], tau[2:] / 4.0 - np.eye(3) / 3, atol=1e-15)
    np.testing.assert_allclose(np.trace(b, axis1=1, axis2=2), 0, atol=1e-15)
    assert (b[:2] == 0).all()
    np.testing.assert_array_equal(made["k_corrected"][2:], 2.0)
    assert bool((made["k_corrected"] > 0).all())
    assert made.attrs["stressless_cells"] == 2


@pytest.mark.parametrize("name", ["velocity_gradient", "k"])
def test_what_cannot_be_derived_is_missed_by_name(name):
    words = {"velocity_gradient": ("read_openfoam", "mesh"), "k": ("'omega'", "rename")}[name]
    assert_refused(SchemaError, lambda: complete(flow().drop_vars(name)), f"'{name}'", *words)
    assert_refused(SchemaError, lambda: complete(flow().drop_vars("omega")), "'omega' and 'epsilon'")
    assert_refused(SchemaError, lambda: complete(flow().rename(i="a")), "rename", "'i'")
    assert_refused(SchemaError, lambda: complete(flow().isel(i=[0])), "'velocity_gradient'", "'i': 1")
    assert_refused(SchemaError, lambda: complete(flow(k=np.full(CELLS, "a"))), "'k'", "astype('float64')")


def test_whole_numbers_are_lifted_too():
    made = complete(flow(k=np.arange(CELLS)))
    assert made["k"].dtype == np.float64
    assert bool((made["k"] > 0).all())


def test_dask_arrays_stay_lazy_and_give_the_same():
    pytest.importorskip("dask")
    k = np.full(CELLS, 0.5)
    k[5] = 0.0
    ds = flow(k=k, reynolds_stress=np.tile(np.eye(3), (CELLS, 1, 1)))
    lazy = complete(ds.chunk(cell=5))
    for name in ("k", "epsilon", "floored", "anisotropy", "k_corrected"):
        assert lazy[name].chunks is not None, name
    xr.testing.assert_allclose(lazy.compute().drop_attrs(), complete(ds).drop_attrs(), rtol=1e-14)


def test_the_transpose_of_a_gradient_is_refused():
    ds = vortex()
    refuse_transposed(ds)
    straight, turned = alignment(ds)
    assert straight == pytest.approx(1, abs=1e-12)
    assert turned < 0.9
    other = ds.assign(velocity_gradient=ds["velocity_gradient"].rename(i="j", j="i"))
    assert_refused(SchemaError, lambda: refuse_transposed(other), "transpose", "rename(i='j', j='i')")
    refuse_transposed(other.assign(velocity_gradient=other["velocity_gradient"].rename(i="j", j="i")))


def test_the_orientation_does_not_depend_on_units_or_on_the_order_of_cells():
    ds = vortex().isel(cell=np.random.default_rng(1).permutation(4000))
    scaled = ds.assign(position=1e3 * ds["position"])
    np.testing.assert_allclose(alignment(scaled), alignment(vortex()), atol=0.05)


def test_without_neighbours_velocity_or_difference_nothing_is_said():
    ds = vortex()
    for quiet in (ds.drop_vars("velocity"), ds.isel(cell=[0]), ds.assign(velocity=0 * ds["velocity"])):
        refuse_transposed(quiet)
    assert alignment(ds.isel(cell=[0])) == (0.0, 0.0)


def test_cells_of_different_flows_are_no_neighbours():
    ds = vortex(500)
    other = ds.assign(velocity=ds["velocity"] + 100.0).assign_coords(flow=("cell", np.full(500, "other")))
    assert alignment(join([ds, other]))[0] == pytest.approx(1, abs=1e-9)
    several = xr.concat([ds.drop_vars(list(ds.coords)), ds.drop_vars(list(ds.coords))], "time")
    assert alignment(several)[0] == pytest.approx(1, abs=1e-9)
