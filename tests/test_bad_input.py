"""Mistakes that people make: each is refused by name, with what came, what was expected and what to do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import geodl
from geodl.core.contract import Family
from geodl.errors import (
    DivergedError,
    DomainError,
    GeodlError,
    NonFiniteError,
    OptionError,
    ResumeError,
    SchemaError,
    SplitError,
    TimeAxisError,
    UnitsError,
    UnknownNameError,
)
from geodl.testing import assert_refused
from geodl.train.state import load_state

STATE = {"temperature": "K", "salinity": "g kg-1"}
LEADS = 4
HOUR = 3600.0
SHORT = geodl.FitConfig(epochs=2, optimizer="lbfgs", learning_rate=1.0, line_steps=3, dtype="float64")


def series(members: int = 30, points: int = 13) -> xr.Dataset:
    """Temperature and salinity of members that turn around each other, hourly, in the units of the family."""
    angle = np.linspace(0, 2 * np.pi, members, endpoint=False)[:, None] + 0.13 * np.arange(points)
    values = {"temperature": 285 + 3 * np.cos(angle), "salinity": 35 + 0.4 * np.sin(angle)}
    return xr.Dataset(
        {name: (("member", "time"), values[name], {"units": units}) for name, units in STATE.items()},
        {"member": np.arange(members), "time": ("time", HOUR * np.arange(points), {"units": "s"})},
    )


@pytest.fixture(scope="module")
def box() -> Family:
    return geodl.family("dynamics", system="data", state=STATE, dt=HOUR, time_units="s", leads=LEADS)


@pytest.fixture(scope="module")
def trained(box: Family) -> geodl.Surrogate:
    return geodl.fit(box, series(), series(), config=SHORT, show=False)


Spoil = Callable[[xr.Dataset], xr.Dataset]


def units(name: str, given: str | None) -> Spoil:
    def spoil(ds: xr.Dataset) -> xr.Dataset:
        del ds[name].attrs["units"]
        ds[name].attrs |= {} if given is None else {"units": given}
        return ds

    return spoil


def value(bad: float) -> Spoil:
    def spoil(ds: xr.Dataset) -> xr.Dataset:
        ds["salinity"][3, 5] = bad
        return ds

    return spoil


def dtype(kind: str) -> Spoil:
    return lambda ds: ds.assign(salinity=ds["salinity"].astype(kind))


def times(*hours: Any) -> Spoil:
    """Other values of time, in hours where they are numbers."""

    def spoil(ds: xr.Dataset) -> xr.Dataset:
        made = np.asarray(hours)
        made = made * HOUR if made.dtype.kind in "if" else made
        return ds.isel(time=slice(len(hours))).assign_coords(time=("time", made, {"units": "s"}))

    return spoil


EVEN = tuple(range(6))
SERIES: dict[str, tuple[Spoil, type[GeodlError], tuple[str, ...]]] = {
    "a variable missing": (
        lambda ds: ds.drop_vars("salinity"), SchemaError,
        ("'salinity'", "is missing", "Known: member, temperature, time", "ds.rename"),
    ),
    "a variable misspelt": (
        lambda ds: ds.rename(salinity="salinty"), SchemaError, ("'salinity'", "Did you mean 'salinty'?"),
    ),
    "a variable in capitals": (
        lambda ds: ds.rename(salinity="SALINITY"), SchemaError, ("'salinity'", "Did you mean 'SALINITY'?"),
    ),
    "all variables missing": (
        lambda ds: ds.drop_vars(list(STATE)), SchemaError, ("'temperature'", "is missing", "Known: member, time"),
    ),
    "no units": (
        units("temperature", None), UnitsError, ("'temperature' has no units", "expected 'K'", ".attrs['units']"),
    ),
    "unknown units": (
        units("temperature", "kelwin"), UnitsError, ("'temperature'", "'kelwin' is not a unit", "'m s-1', 'K' or '1'"),
    ),
    "units of something else": (
        units("temperature", "m"), UnitsError, ("'temperature'", "'m' cannot be converted to 'K'", ".attrs['units']"),
    ),
    "a variable without time": (
        lambda ds: ds.assign(salinity=ds["salinity"].isel(time=0, drop=True)), SchemaError,
        ("'salinity'", "('member',)", "'time' is missing"),
    ),
    "an axis of the outputs in the inputs": (
        lambda ds: ds.expand_dims(lead=2), SchemaError, ("'lead', which it must not have", "ds.isel(lead=0)"),
    ),
    "time under another name": (
        lambda ds: ds.rename(time="hour"), TimeAxisError, ("'time'", "('member', 'hour')", "ds.rename"),
    ),
    "time without a coordinate": (
        lambda ds: ds.drop_vars("time"), TimeAxisError, ("'time'", "coordinate"),
    ),
    "no member": (
        lambda ds: ds.isel(member=[]), SchemaError, ("is empty", "'member': 0", "selected"),
    ),
    "no time": (
        lambda ds: ds.isel(time=[]), SchemaError, ("0 points", "at least 5", "4 leads"),
    ),
    "too short a series": (
        lambda ds: ds.isel(time=slice(LEADS)), SchemaError, ("4 points", "at least 5", "option leads"),
    ),
    **{
        f"{bad} in a variable": (
            value(bad), NonFiniteError, ("'salinity' has 1 of", "NaN, infinite or masked", "'member': 3", "ds.dropna"),
        )
        for bad in (np.nan, np.inf, -np.inf)
    },
    **{
        f"dtype {kind}": (
            dtype(kind), SchemaError, (f"'salinity' has dtype {shown}", "expected numbers", "astype('float64')"),
        )
        for kind, shown in {"object": "object", "str": "<U", "complex": "complex128", "bool": "bool"}.items()
    },
    "time that goes back": (
        times(0, 1, 3, 2, 4, 5), TimeAxisError, ("time goes back at entry 3", "ds.sortby('time')"),
    ),
    "a time that stands twice": (
        times(0, 1, 2, 2, 3, 4), TimeAxisError, ("time stands still at entry 3", "ds.drop_duplicates('time')"),
    ),
    "uneven time": (
        times(0, 1, 2, 3, 4, 6), TimeAxisError, ("between 3600 and 7200 s", "expected 3600 s", "ds.interp"),
    ),
    "time of another step": (
        times(*(2 * hour for hour in EVEN)), TimeAxisError, ("between 7200 and 7200 s", "expected 3600 s", "option dt"),
    ),
    "a time that is no number": (
        times(0, 1, np.nan, 3, 4, 5), TimeAxisError, ("not a number at entry 2", "ds.dropna('time')"),
    ),
    "time as text": (
        times(*(f"2024-01-0{day + 1}" for day in EVEN)), TimeAxisError, ("time has dtype <U10", "CF dates", "astype"),
    ),
    "time without units": (
        units("time", None), UnitsError, ("'time' has no units", "expected 's'", "ds.time.attrs['units']"),
    ),
    "time in metres": (
        units("time", "m"), UnitsError, ("'time'", "'m' cannot be converted to 's'", "time_units"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", SERIES)
def test_a_series_that_does_not_fit_is_refused_before_training(mistake: str, box: Family):
    spoil, error, words = SERIES[mistake]
    spoiled = spoil(series())
    assert_refused(error, lambda: geodl.fit(box, spoiled, series(), show=False), *words)
    assert_refused(error, lambda: geodl.fit(box, series(), spoiled, show=False), *words)


def test_a_transposed_array_gives_the_same_numbers(trained: geodl.Surrogate):
    straight, turned = trained(series()), trained(series().transpose("time", "member"))
    xr.testing.assert_allclose(turned.transpose(*straight.sizes), straight, rtol=1e-12)
    again = geodl.fit(trained.family, series().transpose(), series(), config=SHORT, show=False)
    xr.testing.assert_allclose(again(series()), straight, rtol=1e-6)


def test_other_units_of_the_same_kind_give_the_same_numbers(trained: geodl.Surrogate):
    other = series()
    other["temperature"] = (other["temperature"] - 273.15).assign_attrs(units="degC")
    other["salinity"] = (other["salinity"] / 1000).assign_attrs(units="kg/kg")
    xr.testing.assert_allclose(trained(other), trained(series()), rtol=1e-9)


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
def test_dates_of_any_calendar_are_time(calendar: str, box: Family, trained: geodl.Surrogate):
    attrs = {"units": "hours since 2001-02-27", "calendar": calendar}
    dated = series()
    dated["time"] = ("time", np.arange(dated.sizes["time"]), attrs)
    again = geodl.fit(box, xr.decode_cf(dated), series(), config=SHORT, show=False)
    xr.testing.assert_allclose(again(series()), trained(series()), rtol=1e-9)


def spoiled_gas(parts: Any, spoil: Spoil) -> xr.Dataset:
    return spoil(parts.test[["temperature", "pressure", "wind"]].copy(deep=True))


GAS: dict[str, tuple[Spoil, type[GeodlError], tuple[str, ...]]] = {
    "a variable misspelt": (
        lambda ds: ds.rename(pressure="presure"), SchemaError, ("'pressure'", "Did you mean 'presure'?"),
    ),
    "units of something else": (
        units("pressure", "K"), UnitsError, ("'pressure'", "'K' cannot be converted to 'Pa'"),
    ),
    "a dimension missing": (
        lambda ds: ds.assign(wind=ds["wind"].isel(component=0, drop=True)), SchemaError,
        ("'wind' has dimensions ('case', 'time')", "['component']", "is missing", "ds.rename_dims"),
    ),
    "a dimension renamed": (
        lambda ds: ds.rename(component="direction"), SchemaError, ("'wind'", "'direction'", "['component']", "rename"),
    ),
    "a dimension too many": (
        lambda ds: ds.assign(pressure=ds["wind"].assign_attrs(units="Pa")), SchemaError,
        ("'pressure'", "'component', which it must not have", "ds.isel(component=0)"),
    ),
    "a component missing": (
        lambda ds: ds.isel(component=[0, 1]), SchemaError, ("'wind' lacks 'up'", "'component'"),
    ),
    "empty": (
        lambda ds: ds.isel(case=[]), SchemaError, ("is empty", "'case': 0"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", GAS)
def test_a_prediction_of_what_does_not_fit_is_refused(mistake: str, surrogate: geodl.Surrogate, parts: Any):
    spoil, error, words = GAS[mistake]
    assert_refused(error, lambda: surrogate(spoiled_gas(parts, spoil)), *words)


def test_a_sample_outside_the_domain_is_refused_with_its_place_value_range_and_units(trained: geodl.Surrogate):
    far = series()
    far["temperature"][7, 2] = 450.0
    flags = trained(far)["in_domain"]
    assert not bool(flags[7, 2])
    assert_refused(
        DomainError, lambda: trained(far, outside="raise"),
        "1 of 390 samples", "member=7, time=2", "'temperature' is 450 K", "from 28", " to 28", "outside='flag'",
    )  # fmt: skip


def test_beyond_physical_bounds_training_is_refused(family: Family, parts: Any):
    colder = parts.train.assign(temperature=(parts.train["temperature"] - 300).assign_attrs(units="K"))
    assert_refused(
        DomainError,
        lambda: geodl.fit(family, colder, parts.valid, show=False),
        "'temperature' reaches -",
        "K",
        "bound 0",
    )


@pytest.mark.usefixtures("unchecked")
class TestThingsOfTheWrongKind:
    """What a signature forbids; outside these tests nothing checks signatures."""

    def test_a_typing_error_in_outside_is_named(self, trained: geodl.Surrogate):
        assert_refused(UnknownNameError, lambda: trained(series(), outside="rise"), "'rise'", "Did you mean 'raise'?")

    @pytest.mark.parametrize("given", ["run.nc", np.zeros((3, 3)), series()["salinity"], None], ids=type)
    def test_what_is_not_a_dataset_is_refused(self, given: Any, box: Family, trained: geodl.Surrogate):
        words = (type(given).__name__, "xarray.Dataset", "geodl.open_data(path)")
        assert_refused(SchemaError, lambda: trained(given), *words)
        assert_refused(SchemaError, lambda: geodl.fit(box, given, series()), *words)
        assert_refused(SchemaError, lambda: geodl.evaluate(trained, given), *words)

    def test_names_and_dicts_in_the_place_of_families_and_settings_are_refused(self, box: Family):
        call = lambda *a, **k: lambda: geodl.fit(*a, series(), series(), **k)  # noqa: E731
        assert_refused(OptionError, call("dynamics"), "'dynamics'", "geodl.family")
        assert_refused(OptionError, call(box, config={"epochs": 3}), "{'epochs': 3}", "geodl.FitConfig.parse")


SPLITS: dict[str, tuple[Callable[[xr.Dataset], Any], tuple[str, ...]]] = {
    "by a dimension that is not there": (
        lambda ds: geodl.split(ds, "members"), ("'members'", "Did you mean 'member'?"),
    ),
    "by a variable of two dimensions": (lambda ds: geodl.split(ds, "salinity"), ("'salinity' has 2 dimensions",)),
    "of too few groups": (
        lambda ds: geodl.split(ds.isel(member=[0, 1]), "member"), ("'member' has 2 groups", "at least 3"),
    ),
    "into shares that do not sum to one": (
        lambda ds: geodl.split(ds, "member", fractions=(0.7, 0.2, 0.2)), ("(0.7, 0.2, 0.2)", "sum to one"),
    ),
    "into two shares": (lambda ds: geodl.split(ds, "member", fractions=(0.7, 0.3)), ("(0.7, 0.3)", "three positive")),
    "into shares that are no numbers": (
        lambda ds: geodl.split(ds, "member", fractions=(float("nan"), 0.5, 0.5)), ("nan", "three positive numbers"),
    ),
    "that leaves nothing to train on": (
        lambda ds: geodl.split(ds.isel(member=slice(4)), "member", fractions=(0.1, 0.45, 0.45)),
        ("(0.1, 0.45, 0.45)", "none of the 4 groups of 'member' to train on"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", SPLITS)
def test_a_split_that_cannot_be_is_refused(mistake: str):
    call, words = SPLITS[mistake]
    assert_refused(SplitError, lambda: call(series()), *words)


def test_too_few_validation_samples_are_refused_with_the_number_needed(box: Family):
    few = series().isel(member=slice(3))
    assert_refused(
        SplitError,
        lambda: geodl.fit(box, series(), few, config=SHORT, show=False),
        "9 validation",
        "at least 10",
        "more",
    )


WILD = geodl.FitConfig(epochs=20, batch_size=16, learning_rate=1e6, schedule="constant", checkpoint_every=1)


def test_training_that_diverges_stops_and_keeps_its_last_good_state(box: Family, tmp_path):
    def run(**changes: Any) -> geodl.Surrogate:
        config = WILD.model_copy(update=changes)
        return geodl.fit(box, series(), series(), config=config, folder=tmp_path / "run", show=False)

    words = ("the loss is", "in epoch 1, step", "of 6", "lower learning_rate (now 1e+06)", "clip", "checkpoint is kept")
    assert_refused(DivergedError, run, *words)
    state = load_state(tmp_path / "run" / "checkpoint.safetensors")
    assert state["step"] >= 1
    assert all(bool(torch.isfinite(weight).all()) for weight in state["weights"].values())
    assert_refused(DivergedError, run, *words)  # from the checkpoint on, to the same end
    assert_refused(
        ResumeError, lambda: run(learning_rate=1e-3),
        "settings.learning_rate = 1000000.0", "this run has 0.001", "another folder", "the same settings.learning_rate",
    )  # fmt: skip


def test_the_folder_of_another_run_is_refused_with_the_difference(box: Family, tmp_path):
    def run(ds: xr.Dataset, family: Family = box, seed: int = 0) -> Callable[[], geodl.Surrogate]:
        return lambda: geodl.fit(family, ds, series(), config=SHORT, seed=seed, folder=tmp_path, show=False)

    run(series())()
    assert_refused(ResumeError, run(series(), seed=4), "seed = 0", "has 4", "another folder")
    assert_refused(ResumeError, run(series(29)), "data.train.samples = 90", "has 87", "another folder")
    other = geodl.family("dynamics", **{**box.options, "field": "mlp"})
    assert_refused(ResumeError, run(series(), other), "options.field = 'bilinear'", "has 'mlp'", "another folder")
