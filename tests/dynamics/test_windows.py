"""Series cut into windows."""

import numpy as np
import pytest
import xarray as xr

from geodl.dynamics.windows import time_values, windows
from geodl.errors import NonFiniteError, SchemaError, TimeAxisError, UnitsError


def series(points: int = 10, dt: float = 0.5) -> xr.Dataset:
    """u counts the points, so that a window shows where it was cut."""
    values = np.arange(2 * points, dtype=float).reshape(2, points)
    time = ("time", np.arange(points) * dt, {"units": "s"})
    return xr.Dataset({"u": (("member", "time"), values, {"units": "m"})}, coords={"time": time, "member": [0, 1]})


def cut(ds: xr.Dataset, **changes):
    return windows(ds, ["u"], **{"dt": 0.5, "leads": 3, "stride": 1, "time_units": "s"} | changes)


def test_every_window_holds_a_state_and_the_next_leads():
    starts, later = cut(series())
    for lead in range(3):
        np.testing.assert_array_equal(later.u.isel(lead=lead), starts.u + lead + 1)
    assert starts.u.isel(member=0).values.tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_windows_never_reach_into_another_member():
    _, later = cut(series())
    assert float(later.u.sel(member=0).max()) == 9.0


def test_a_stride_of_leads_uses_every_interval_once():
    starts, later = cut(series(), stride=3)
    assert starts.u.isel(member=0).values.tolist() == [0, 3, 6]
    used = later.u.isel(member=0).values.ravel()
    assert sorted(used.tolist()) == list(range(1, 10))


def test_the_order_of_dimensions_does_not_matter():
    straight, turned = cut(series()), cut(series().transpose("time", "member"))
    xr.testing.assert_equal(straight[1].u, turned[1].u.transpose(*straight[1].u.dims))


@pytest.mark.parametrize(("units", "dt"), [("ms", 500.0), ("min", 0.5 / 60), ("h", 0.5 / 3600)])
def test_time_is_converted(units, dt):
    ds = series(dt=dt)
    ds["time"] = ds.time.assign_attrs(units=units)
    starts, _ = cut(ds)
    assert starts.sizes["time"] == 7


def test_dates_become_seconds_since_the_first():
    dates = np.datetime64("2000-02-28T23:00", "ns") + np.arange(4) * np.timedelta64(30, "m")
    np.testing.assert_allclose(time_values(xr.DataArray(dates, dims="time"), "h"), [0, 0.5, 1, 1.5], rtol=1e-12)


def test_float32_time_counts_as_even():
    ds = series(points=2000, dt=0.01)
    ds["time"] = ds.time.astype("float32").assign_attrs(units="s")
    starts, _ = cut(ds, dt=0.01)
    assert starts.sizes["time"] == 1997


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda ds: ds.rename(time="t"), TimeAxisError, "rename"),
        (lambda ds: ds.drop_vars("time"), TimeAxisError, "coordinate"),
        (lambda ds: ds.isel(time=[0, 1, 1, 2, 3]), TimeAxisError, "stands still at entry 2"),
        (lambda ds: ds.isel(time=slice(None, None, -1)), TimeAxisError, "goes back"),
        (lambda ds: ds.isel(time=[0, 1, 2, 4, 5, 6]), TimeAxisError, "between 0.5 and 1 s, expected 0.5"),
        (lambda ds: ds.isel(time=slice(0, 3)), SchemaError, "3 points, at least 4"),
        (lambda ds: ds.assign_coords(time=ds.time.drop_attrs()), UnitsError, "no units"),
        (lambda ds: ds.assign_coords(time=ds.time.assign_attrs(units="m")), UnitsError, "'m'"),
        (lambda ds: ds.assign_coords(time=[str(i) for i in range(10)]), TimeAxisError, "dtype"),
        (lambda ds: ds.where(ds.u != 19), NonFiniteError, "1 of 20 .* {'member': 1, 'time': 9}"),
    ],
)
def test_a_series_that_does_not_fit_is_refused(spoil, error, words):
    with pytest.raises(error, match=words):
        cut(spoil(series()))
