"""The family as users meet it: what a Dataset may lack, what is refused, and what a prediction promises."""

import numpy as np
import pytest
import torch
import xarray as xr

import geodl
from geodl.core.surrogate import Surrogate
from geodl.errors import OptionError, SchemaError, UnitsError, UnknownNameError
from geodl.testing import assert_refused
from geodl.train.config import FitConfig
from geodl.train.split import split
from geodl.turbulence.physics.realizability import LARGEST_NORM, is_realizable
from tests.turbulence.tensors import orthogonal

SMALL = {"members": 2, "width": 16, "depth": 2}
INPUTS = ["velocity_gradient", "k", "omega", "wall_distance", "nu", "k_gradient", "pressure_gradient"]
TENSORS = ("anisotropy", "anisotropy_remainder", "stress_remainder")


def trained(dtype: str = "float64", **options) -> Surrogate:
    """A small surrogate of the made-up flows."""
    family = geodl.family("turbulence", **{**SMALL, **options})
    parts = split(family.example(0), "flow")
    config = FitConfig.parse({**family.settings, "epochs": 4, "batch_size": 64, "dtype": dtype})
    return geodl.fit(family, parts.train, parts.valid, config=config, show=False)


@pytest.fixture(scope="module")
def surrogate() -> Surrogate:
    return trained()


@pytest.fixture
def flow() -> xr.Dataset:
    """The inputs of a made-up flow that nobody has trained on."""
    return geodl.family("turbulence").example(1)[INPUTS].isel(cell=slice(0, 60)).copy(deep=True)


def turned(ds: xr.Dataset, q: torch.Tensor) -> xr.Dataset:
    """Every vector and tensor of a Dataset in other axes, x' = Q x."""
    matrix, made = q.numpy(), ds.copy()
    for name in ds.data_vars:
        if ds[name].dims[-2:] == ("i", "j"):
            made[name] = ds[name].copy(data=matrix @ ds[name].values @ matrix.T)
        elif ds[name].dims[-1:] == ("i",):
            made[name] = ds[name].copy(data=ds[name].values @ matrix.T)
    return made


def assert_same(first: xr.Dataset, second: xr.Dataset, rtol: float = 0.0, atol: float = 0.0) -> None:
    """The same predictions and flags; attributes are free."""
    assert set(first.data_vars) == set(second.data_vars)
    for name in first.data_vars:
        np.testing.assert_allclose(second[name].values, first[name].values, rtol=rtol, atol=atol, err_msg=str(name))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_a_prediction_turns_with_the_axes_reflections_included(flow, dtype, tolerance):
    made = trained(dtype)
    before = made(flow)
    for q in orthogonal(2):
        after, expected = made(turned(flow, q)), turned(before, q)
        for name in TENSORS[:2]:
            np.testing.assert_allclose(after[name].values, expected[name].values, rtol=0, atol=tolerance)
        np.testing.assert_allclose(after["k_corrected"], before["k_corrected"], rtol=tolerance)
        np.testing.assert_array_equal(after["in_domain"], before["in_domain"])


def test_the_rotated_hill_is_predicted_as_the_hill_is_rotated(surrogate):
    """2e-8: what the solver, which computed the hill twice, leaves."""
    hill, again = (geodl.open_sample(f"turbulence-rotated-hill/{name}") for name in ("original", "rotated"))
    q = torch.from_numpy(again["change_of_axes"].values.astype(float))
    straight, other = turned(surrogate(hill[INPUTS]), q), surrogate(again[INPUTS])
    np.testing.assert_allclose(other["anisotropy"], straight["anisotropy"], rtol=0, atol=2e-8)
    np.testing.assert_allclose(other["k_corrected"], straight["k_corrected"], rtol=2e-8)


def test_a_shift_of_the_velocity_changes_nothing_at_all(surrogate):
    there = surrogate.family.example(1)
    passing = there.assign(velocity=there["velocity"] + 7.0)
    xr.testing.assert_identical(surrogate(passing), surrogate(there))


def test_features_with_the_velocity_see_the_frame_of_the_walls():
    made = trained(features="all")
    there = made.family.example(1)
    passing = there.assign(velocity=(there["velocity"] + 7.0).assign_attrs(there["velocity"].attrs))
    assert float(np.abs(made(passing)["anisotropy"] - made(there)["anisotropy"]).max()) > 1e-4


def test_a_surrogate_of_fixed_tensors_does_not_turn(flow):
    made = trained(basis="fixed")
    q = orthogonal(1)[0]
    wrong = np.abs(made(turned(flow, q))["anisotropy"] - turned(made(flow), q)["anisotropy"])
    assert float(wrong.max()) > 0.01


def test_the_invariants_of_pope_need_three_inputs_only(flow):
    made = trained(features="pope")
    predicted = made(flow[["velocity_gradient", "k", "omega"]])
    assert bool(np.isfinite(predicted["anisotropy"]).all())
    assert "stress_remainder" not in predicted


def test_a_prediction_is_labelled_in_units_and_says_what_it_thinks_of_itself(surrogate, flow):
    made = surrogate(flow)
    units = {
        "anisotropy": "1",
        "k_corrected": "m2 s-2",
        "anisotropy_remainder": "1",
        "anisotropy_spread": "1",
        "mahalanobis": "1",
        "kernel_distance": "1",
        "eddy_viscosity_implicit": "m2 s-1",
        "stress_remainder": "m2 s-2",
        "in_domain": "1",
    }
    assert {name: made[name].attrs["units"] for name in units} == units
    assert made["anisotropy"].dims == ("cell", "i", "j")
    assert [*made["i"].values, *made["j"].values] == [*"xyz", *"xyz"]
    assert bool((made["anisotropy_spread"] > 0).all())
    assert bool(is_realizable(torch.from_numpy(made["anisotropy"].values)).all())
    assert float(np.sqrt(np.square(made["anisotropy"]).sum(("i", "j"))).max()) <= LARGEST_NORM


def test_what_is_given_to_a_solver_adds_up_to_the_stress(surrogate, flow):
    made = surrogate(flow)
    np.testing.assert_allclose(made["eddy_viscosity_implicit"], flow["k"] / flow["omega"], rtol=1e-12)
    stress = 2 * made["k_corrected"] * made["anisotropy_remainder"]
    np.testing.assert_allclose(made["stress_remainder"], stress.transpose("cell", "i", "j"), rtol=1e-10, atol=1e-14)


def test_one_member_has_no_spread(flow):
    assert not bool(trained(members=1)(flow)["anisotropy_spread"].any())


def test_cells_are_flagged_as_they_leave_the_training_data(surrogate, flow):
    far = surrogate(flow.assign(omega=1e4 * flow["omega"].assign_attrs(units="s-1")))
    near = surrogate(flow)
    assert float(near["in_domain"].mean()) > 0.9
    assert not bool(far["in_domain"].any())
    for name in ("mahalanobis", "kernel_distance"):
        assert float(far[name].min()) > float(near[name].max()) > 0


def test_epsilon_will_do_for_omega(surrogate, flow):
    epsilon = (0.09 * flow["k"] * flow["omega"]).assign_attrs(units="m2 s-3")
    assert_same(surrogate(flow), surrogate(flow.drop_vars("omega").assign(epsilon=epsilon)), rtol=1e-9, atol=1e-11)


def test_one_viscosity_will_do_for_all_cells(surrogate, flow):
    single = flow["nu"].isel(cell=0, drop=True)
    xr.testing.assert_identical(surrogate(flow.assign(nu=single)), surrogate(flow))


def test_a_plane_flow_needs_no_third_component(surrogate, flow):
    """Of a two-dimensional case, what is zero may be left out."""
    plane = flow.copy(deep=True)
    plane["velocity_gradient"].loc[{"i": "z"}] = 0.0
    plane["velocity_gradient"].loc[{"j": "z"}] = 0.0
    for name in ("k_gradient", "pressure_gradient"):
        plane[name].loc[{"i": "z"}] = 0.0
    assert_same(surrogate(plane), surrogate(plane.sel(i=["x", "y"], j=["x", "y"])))
    assert_same(surrogate(plane), surrogate(plane.sel(i=["x", "y"], j=["x", "y"]).drop_vars(["i", "j"])))


@pytest.mark.parametrize("value", [0.0, -1e-3])
def test_energies_that_are_not_positive_are_floored_and_counted(surrogate, flow, value):
    flow["k"][:5], flow["omega"][3:9] = value, value
    made = surrogate(flow)
    assert made.attrs["floored_cells"] == 9
    assert all(bool(np.isfinite(made[name]).all()) for name in made.data_vars)
    assert not bool(made["in_domain"][:9].any())
    assert_same(surrogate(flow.isel(cell=slice(9, None))), made.isel(cell=slice(9, None)), rtol=1e-11, atol=1e-13)


def test_what_is_not_a_number_stays_in_its_cell_and_is_flagged(surrogate, flow):
    straight = surrogate(flow)
    flow["k_gradient"][4, 1] = np.nan
    made = surrogate(flow)
    assert bool(made["anisotropy"][4].isnull().all())
    assert not bool(made["in_domain"][4])
    others = np.arange(60) != 4
    assert_same(straight.isel(cell=others), made.isel(cell=others))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cells_without_any_motion_get_an_answer(surrogate, flow, dtype):
    still = (0 * flow).assign(nu=flow["nu"]).astype(dtype)
    for name in INPUTS:
        still[name].attrs = flow[name].attrs
    made = surrogate(still)
    assert all(bool(np.isfinite(made[name]).all()) for name in made.data_vars)
    assert bool(is_realizable(torch.from_numpy(made["anisotropy"].values)).all())


def test_a_transposed_gradient_is_seen_where_position_and_velocity_are_there(surrogate):
    hill = geodl.open_sample("turbulence-rotated-hill/original")
    transposed = hill.assign(velocity_gradient=hill["velocity_gradient"].rename(i="j", j="i"))
    assert_refused(SchemaError, lambda: surrogate(transposed), "transpose", "rename(i='j', j='i')")
    surrogate(transposed.drop_vars("position"))  # nothing to see it by


def test_a_missing_gradient_says_where_to_get_one(surrogate, flow):
    without = flow.drop_vars("velocity_gradient")
    assert_refused(SchemaError, lambda: surrogate(without), "velocity_gradient", "missing", "read_openfoam")


@pytest.mark.parametrize("name", INPUTS[3:])
def test_an_input_that_cannot_be_derived_is_asked_for_by_name(surrogate, flow, name):
    assert_refused(SchemaError, lambda: surrogate(flow.drop_vars(name)), name, "missing")


def test_units_are_converted_and_foreign_ones_refused(surrogate, flow):
    other = flow.assign(
        omega=(60 * flow["omega"]).assign_attrs(units="min-1"),
        nu=(1e6 * flow["nu"]).assign_attrs(units="mm2 s-1"),
        wall_distance=(100 * flow["wall_distance"]).assign_attrs(units="cm"),
    )
    assert_same(surrogate(flow), surrogate(other), rtol=1e-9, atol=1e-11)
    foreign = flow.assign(omega=flow["omega"].assign_attrs(units="m2 s-3"))
    assert_refused(UnitsError, lambda: surrogate(foreign), "omega", "m2 s-3")
    assert_refused(UnitsError, lambda: surrogate(flow.assign(k=flow["k"].drop_attrs())), "k", "units")


def test_cells_do_not_see_each_other(surrogate, flow):
    alone = [surrogate(flow.isel(cell=[i])) for i in range(10)]
    assert_same(surrogate(flow).isel(cell=slice(0, 10)), xr.concat(alone, "cell"), rtol=1e-10, atol=1e-12)


def test_a_lazy_dataset_gives_the_same_block_by_block(surrogate, flow):
    pytest.importorskip("dask")
    lazy = surrogate(flow.chunk(cell=17))
    assert lazy["anisotropy"].chunks is not None
    assert_same(surrogate(flow), lazy.compute(), rtol=1e-10, atol=1e-12)


def test_saved_and_loaded_it_is_the_same(surrogate, flow, tmp_path):
    surrogate.save(tmp_path / "bundle.safetensors")
    again = geodl.load(tmp_path / "bundle.safetensors")
    xr.testing.assert_identical(again(flow), surrogate(flow))
    assert again.family.options == surrogate.family.options


def test_it_learns_more_than_the_closures_in_ten_epochs():
    family = geodl.family("turbulence", **SMALL)
    parts = split(family.example(0), "flow")
    config = FitConfig.parse({**family.settings, "epochs": 10, "batch_size": 32})
    scores = geodl.evaluate(geodl.fit(family, parts.train, parts.valid, config=config, show=False), parts.test)
    for name in ("anisotropy", "k_corrected"):
        score = scores[f"rmse_{name}"]
        own, mean, linear, _ = score.mean([dim for dim in score.dims if dim != "model"]).values  # the last is the truth
        assert own < 0.6 * min(mean, linear)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"features": "galilei"}, OptionError),
        ({"basis": "twelve"}, OptionError),
        ({"members": 0}, OptionError),
        ({"activation": "sine of the times"}, OptionError),
        ({"feature": "pope"}, UnknownNameError),
    ],
)
def test_options_that_do_not_exist_are_refused(options, error):
    (name,) = options
    assert_refused(error, lambda: geodl.family("turbulence", **options), name)


def test_the_gradient_of_k_is_asked_for_where_the_basis_needs_it():
    """The extended basis has no place among the invariants of Pope, which know no gradient of k."""
    assert_refused(OptionError, lambda: geodl.family("turbulence", features="pope", basis="extended"), "basis")


def test_data_are_read_and_not_made_up():
    assert_refused(OptionError, lambda: geodl.family("turbulence").generate(0), "geodl data turbulence")
