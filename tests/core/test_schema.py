"""A Dataset is brought into schema units and order, or refused by name with what to do next."""

import math

import numpy as np
import pytest
import xarray as xr

from geodl.core.pack import pack
from geodl.core.schema import Axis, Schema, Variable, check
from geodl.errors import DomainError, NonFiniteError, SchemaError, UnitsError
from geodl.testing import assert_refused

SPECIES = Axis("species", ("H2", "O2", "H2O"))
T = Variable("T", "K", "temperature", low=0.0, high=5000.0)
Y = Variable("Y", "1", "mass fractions", dims=("species",), low=0.0, high=1.0)


def dataset(**changes: xr.DataArray) -> xr.Dataset:
    t = xr.DataArray([300.0, 310.0], dims="cell", attrs={"units": "K", "instrument": "A"})
    y = xr.DataArray(
        [[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]],
        dims=("cell", "species"),
        coords={"species": list(SPECIES.labels)},
        attrs={"units": "1"},
    )
    ds = xr.Dataset({"T": t, "Y": y}, coords={"cell": [5, 6]}, attrs={"title": "flame"})
    return ds.assign(changes)


def checked(ds: xr.Dataset, **keywords: bool) -> xr.Dataset:
    return check(ds, [T, Y], axes=[SPECIES], **keywords)


def test_what_fits_comes_back_with_its_coordinates_and_attributes():
    ds = dataset()
    xr.testing.assert_identical(checked(ds.assign(other=1.0)), ds)


def test_units_are_converted_and_say_so():
    celsius = dataset(T=dataset()["T"].assign_attrs(units="degC"), Y=(dataset()["Y"] * 100).assign_attrs(units="%"))
    found = checked(celsius)
    np.testing.assert_allclose(found["T"], [573.15, 583.15], rtol=1e-15)
    np.testing.assert_allclose(found["Y"], dataset()["Y"], rtol=1e-15)
    assert found["T"].attrs == {"units": "K", "instrument": "A"}
    assert found["Y"].attrs["units"] == "1"


def test_dimensions_are_matched_by_name_whatever_their_order():
    xr.testing.assert_identical(checked(dataset().transpose("species", "cell")), checked(dataset()))


def test_labels_are_matched_by_name_whatever_their_order_and_extra_ones_left_out():
    shuffled = dataset().isel(species=[2, 0, 1])
    more = xr.concat(
        [shuffled, shuffled.isel(species=[0]).assign_coords(species=["N2"])], "species", data_vars="minimal"
    )
    xr.testing.assert_identical(checked(shuffled), checked(dataset()))
    xr.testing.assert_identical(checked(more), checked(dataset()))


def test_without_labels_the_position_counts_and_the_size_must_fit():
    bare = dataset().drop_vars("species")
    np.testing.assert_array_equal(checked(bare)["Y"], dataset()["Y"])
    assert_refused(SchemaError, lambda: checked(bare.isel(species=[0, 1])), "'Y'", "2 entries", "expected 3")


@pytest.mark.parametrize("dtype", ["<i2", ">i4", "u1", "<f4", ">f4", ">f8", "f2"])
def test_any_kind_of_number_is_read_with_its_value(dtype):
    ds = dataset(T=xr.DataArray(np.array([100, 200], dtype), dims="cell", attrs={"units": "K"}))
    assert pack(checked(ds), [T])[0].tolist() == [100.0, 200.0]
    assert checked(ds)["T"].dtype.isnative


def test_integers_in_other_units_do_not_wrap_around():
    ds = dataset(T=xr.DataArray(np.array([20, 120], "i1"), dims="cell", attrs={"units": "degC"}))
    np.testing.assert_allclose(checked(ds)["T"], [293.15, 393.15], rtol=1e-15)


@pytest.mark.parametrize("values", [["a", "b"], [True, False], np.array(["2000", "2001"], "M8[ns]"), [1j, 2j]])
def test_what_is_not_a_number_is_refused(values):
    ds = dataset(T=xr.DataArray(values, dims="cell", attrs={"units": "K"}))
    assert_refused(SchemaError, lambda: checked(ds), "'T'", str(ds["T"].dtype), "astype")


def test_a_missing_variable_is_named_with_the_nearest_one_there():
    assert_refused(
        SchemaError,
        lambda: check(dataset().rename(T="Temp"), [Variable("temp", "K", "air temperature")]),
        "'temp' (air temperature) is missing",
        "Did you mean 'Temp'?",
    )


def test_missing_foreign_and_empty_dimensions_are_named():
    assert_refused(SchemaError, lambda: checked(dataset().rename(species="kind")), "'Y'", "'species'", "rename_dims")
    foreign = dataset(T=dataset()["Y"].assign_attrs(units="K"))
    assert_refused(SchemaError, lambda: checked(foreign), "'T'", "'species'", "isel")
    assert_refused(SchemaError, lambda: checked(dataset().isel(cell=[])), "'T' is empty")


def test_a_missing_label_is_named_with_the_nearest_one_there():
    typed = dataset().assign_coords(species=["h2", "O2", "H2O"])
    assert_refused(SchemaError, lambda: checked(typed), "'Y' lacks 'H2'", "Did you mean 'h2'?")


def test_a_label_that_stands_twice_is_refused():
    twice = dataset().isel(species=[0, 0, 1, 2])
    assert_refused(SchemaError, lambda: checked(twice), "'Y'", "'H2'", "species")


def test_missing_unknown_and_foreign_units_are_named():
    bare = dataset()
    del bare["T"].attrs["units"]
    assert_refused(UnitsError, lambda: checked(bare), "'T' has no units", "'K'", "attrs['units']")
    for foreign in ("kelvins?", "m s-1"):
        wrong = dataset(T=dataset()["T"].assign_attrs(units=foreign))
        assert_refused(UnitsError, lambda ds=wrong: checked(ds), "'T'", foreign)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_counted_and_placed(bad):
    ds = dataset()
    ds["Y"][1, 2] = bad
    assert_refused(NonFiniteError, lambda: checked(ds), "'Y'", "1 of 6", "{'cell': 1, 'species': 2}")
    assert not np.isfinite(checked(ds, finite=False)["Y"][1, 2])


def test_masked_values_of_a_file_count_as_missing(tmp_path):
    ds = dataset()
    ds["T"] = ds["T"].where(ds["cell"] == 5).assign_attrs(units="K")
    ds.to_netcdf(tmp_path / "masked.nc", encoding={"T": {"dtype": "i2", "_FillValue": -999}})
    with xr.open_dataset(tmp_path / "masked.nc") as masked:
        assert_refused(NonFiniteError, lambda: checked(masked), "'T'", "1 of 2", "masked")


def test_bounds_of_physics_hold_in_schema_units():
    cold = dataset(T=xr.DataArray([20.0, -300.0], dims="cell", attrs={"units": "degC"}))
    assert_refused(DomainError, lambda: checked(cold), "'T' reaches -26.85 K", "bound 0")
    hot = dataset(T=xr.DataArray([20.0, 4.8], dims="cell", attrs={"units": "kK"}))
    assert_refused(DomainError, lambda: checked(hot), "'T' reaches 20000 K", "bound 5000")
    np.testing.assert_allclose(checked(cold, finite=False)["T"], [293.15, -26.85], rtol=1e-12)


def test_on_the_bound_is_inside():
    edge = dataset(T=xr.DataArray([0.0, 5000.0], dims="cell", attrs={"units": "K"}))
    np.testing.assert_array_equal(checked(edge)["T"], [0.0, 5000.0])


@pytest.mark.parametrize("dims", [("cell",), ("species",)])
def test_the_users_dataset_is_left_as_it_was(dims):
    ds = dataset(T=dataset()["T"].assign_attrs(units="degC")).transpose(*dims, ...)
    before = ds.copy(deep=True)
    checked(ds)
    xr.testing.assert_identical(ds, before)


def test_a_variable_is_refused_where_it_is_declared():
    assert_refused(UnitsError, lambda: Variable("a", "mps?", ""), "mps?")
    assert_refused(SchemaError, lambda: Variable("a", "m", "", scale="isotrop"), "'isotrop'", "'isotropic'")
    for low, high in ((1.0, 1.0), (2.0, 1.0), (math.nan, 1.0)):
        assert_refused(SchemaError, lambda a=low, b=high: Variable("a", "m", "", low=a, high=b), "low must be below")


def test_the_description_of_a_schema_is_plain_json_and_tells_schemas_apart():
    import json

    schema = Schema((T,), (Y,), (SPECIES,))
    described = schema.describe()
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert described["outputs"][0]["dims"] == ["species"]
    assert schema.shape(Y) == (3,)
    assert Schema((T,), (Y,)).shape(Y) == (None,)
    assert Schema((T,), (Y,)).describe() != described


def test_numbers_along_an_axis_must_be_those_of_the_schema():
    lead = Axis("lead", (0.1, 0.2), "s")
    variable = Variable("u", "m", "displacement", dims=("lead",))
    for labels, fits in (([0.1, 0.2], True), ([0.2, 0.4], False)):
        ds = xr.Dataset({"u": (("run", "lead"), np.ones((3, 2)), {"units": "m"})}, coords={"lead": labels})
        if fits:
            assert check(ds, [variable], axes=[lead])["u"].sizes["lead"] == 2
        else:
            assert_refused(SchemaError, lambda ds=ds: check(ds, [variable], axes=[lead]), "0.4", "expected (0.1, 0.2)")
