"""Time series cut into samples: a state, and the states at the lead times after it."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from geodl.core import units
from geodl.core.schema import refuse_non_finite
from geodl.errors import SchemaError, TimeAxisError, UnitsError

EVEN = 1e-6  # largest relative deviation of a time step


def windows(
    ds: xr.Dataset, names: Sequence[str], *, dt: float, leads: int, stride: int, time_units: str
) -> tuple[xr.Dataset, xr.Dataset]:
    """States (dimensions as in ``ds``) and the following ``leads`` states (with a dimension ``lead``), no gap between.

    Args:
        names: state variables; if one is missing, ``ds`` comes back as it is, for ``check`` to name it.
        dt: time between two points, in ``time_units``.
        stride: points between the starts of two windows; with ``stride = leads`` every interval is seen once.

    Raises:
        TimeAxisError: no time dimension or coordinate, not increasing, uneven, or another step than ``dt``.
        SchemaError: fewer than ``leads + 1`` points.
        NonFiniteError: NaN, infinite or masked values.
        UnitsError: the units of time are missing or not convertible.
    """
    _check_dimension(ds)
    points = ds.sizes["time"]
    if points <= leads:
        raise SchemaError(
            f"the series has {points} points, at least {leads + 1} are needed for {leads} leads. "
            f"Bring a longer series, or set the option leads."
        )
    _check_steps(ds, dt, time_units)
    if any(name not in ds.variables for name in names):
        return ds, ds
    present, count = ds[list(names)], points - leads
    still = [name for name, array in present.data_vars.items() if "time" not in array.dims]
    if still:
        raise SchemaError(f"'{still[0]}' has dimensions {present[still[0]].dims}, but 'time' is missing: not a series")
    for array in present.data_vars.values():  # here, where an entry still has its place in the series
        if array.dtype.kind == "f":
            refuse_non_finite(array)
    starts = present.isel(time=slice(0, count, stride))
    later = (present.isel(time=slice(k, k + count, stride)) for k in range(1, leads + 1))
    steps = [states.assign_coords(time=starts["time"]) for states in later]
    return starts, xr.concat(steps, dim="lead", coords="minimal", compat="override", join="override")


def _check_dimension(ds: xr.Dataset) -> None:
    if "time" not in ds.dims or "time" not in ds.coords:
        raise TimeAxisError(
            f"a dimension 'time' with a coordinate is needed, the dimensions are {tuple(map(str, ds.dims))}. "
            f"Rename with ds.rename(old='time')."
        )


def _check_steps(ds: xr.Dataset, dt: float, time_units: str) -> None:
    time = time_values(ds["time"], time_units)
    if not np.isfinite(time).all():
        raise TimeAxisError(
            f"time is not a number at entry {int(np.argmin(np.isfinite(time)))}: drop it with ds.dropna('time')"
        )
    steps = np.diff(time)
    if (steps == 0).any():
        raise TimeAxisError(
            f"time stands still at entry {int(np.argmax(steps == 0)) + 1}: drop it with ds.drop_duplicates('time')"
        )
    if (steps < 0).any():
        raise TimeAxisError(f"time goes back at entry {int(np.argmin(steps)) + 1}: sort it with ds.sortby('time')")
    rounding = 2 * np.finfo(np.float32).eps * np.abs(time).max()  # a coordinate is often stored in float32
    if not np.allclose(steps, dt, rtol=EVEN, atol=rounding):
        unit = "" if time_units == "1" else f" {time_units}"
        raise TimeAxisError(
            f"time steps lie between {steps.min():g} and {steps.max():g}{unit}, expected {dt:g}{unit} throughout. "
            f"Set the option dt, or interpolate with ds.interp(time=…)."
        )


def time_values(time: xr.DataArray, time_units: str) -> np.ndarray:
    """Time as float64 numbers in ``time_units``, from CF dates of any calendar, durations, or numbers with units.

    Raises:
        TimeAxisError: not numbers and not dates.
        UnitsError: units missing or not convertible.
    """
    values = time.values
    if values.dtype.kind in "mM":
        seconds = (values - values[0]) / np.timedelta64(1, "ns") * 1e-9
        return np.asarray(seconds * _scale("s", time_units))
    if values.dtype.kind == "O" and all(hasattr(value, "calendar") for value in values):
        return np.array([(value - values[0]).total_seconds() for value in values]) * _scale("s", time_units)
    if values.dtype.kind not in "iuf":
        raise TimeAxisError(
            f"time has dtype {values.dtype}, expected numbers with units or CF dates. "
            f"Convert it with ds.assign_coords(time=ds.time.astype('datetime64[ns]'))."
        )
    if "units" not in time.attrs:
        raise UnitsError(
            f"'time' has no units, expected {time_units!r} or what converts to it: set ds.time.attrs['units']"
        )
    return np.asarray(values.astype(np.float64) * _scale(str(time.attrs["units"]), time_units))


def _scale(given: str, wanted: str) -> float:
    try:
        return units.affine(given, wanted)[0]
    except UnitsError as error:
        raise UnitsError(
            f"'time': {str(error).rstrip('.')}. Set ds.time.attrs['units'], or the option time_units."
        ) from error
