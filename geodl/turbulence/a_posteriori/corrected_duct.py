"""A duct whose velocity is computed again with the stress that a closure predicts."""

import numpy as np
import xarray as xr

from geodl.errors import OptionError, SchemaError
from geodl.turbulence.a_posteriori.comparison import BASELINE, CORRECTED, TRUTH, Closure, compare, score
from geodl.turbulence.a_posteriori.duct import duct_flow, duct_velocity
from geodl.turbulence.a_posteriori.grid import DuctGrid
from geodl.turbulence.a_posteriori.secondary import refined_secondary_flow
from geodl.turbulence.a_posteriori.stress import (
    effective_viscosity,
    field,
    implicit_viscosity,
    predicted_remainder,
    predicted_stress,
)

_NEEDED = ("velocity", "velocity_gradient", "eddy_viscosity", "nu", "position", "volume")


def duct_with(closure: Closure, flow: xr.Dataset, *, refinements: int = 3) -> xr.Dataset:
    """A duct's RANS velocity, and that with the stress which a closure predicts for it.

    The closure is asked once, for the RANS fields, and the bulk velocity of the RANS is kept. Of tau = 2k (b + I/3) the
    streamwise momentum takes the effective viscosity alone, and the section ``refined_secondary_flow``. Where the
    closure gives ``stress_remainder`` (R = tau - 2k/3 I + 2 nu_t S with the eddy viscosity of the RANS and the strain
    of the true flow), nu_t is implicit and R explicit in all three momenta: far less sensitive to errors.

    Args:
        closure: any callable from Dataset to Dataset, such as a ``geodl.Surrogate``.
        flow: one quarter duct in the layout of the family: velocity, velocity_gradient, eddy_viscosity, nu, position,
            volume and what the closure needs; ``velocity_truth`` if there is one.
        refinements: passes of the secondary flow after the first, if it is driven by tau.
    Returns:
        ``velocity`` [model, cell, i], ``secondary_strength`` [model] (largest in-plane speed over the bulk velocity);
        with a truth also ``velocity_error`` [model] (RMS error of U over the mean of U) and
        ``secondary_correlation`` [model] of the in-plane velocity with the true one.
        The attribute ``change`` is that of the last iteration of the secondary flow: above 1e-3 it has not settled.
    Raises:
        SchemaError: a variable is missing, or there is more than one flow.
        OptionError: nu differs from cell to cell.
        ShapeError: the cells are not a structured quarter duct.
    """
    _refuse_incomplete(flow)
    grid = DuctGrid.from_centres(field(flow, "position"), field(flow, "volume"))
    corrected, change = _correction(grid, flow, closure(flow), refinements)
    models = {BASELINE: field(flow, "velocity"), CORRECTED: corrected}
    if "velocity_truth" in flow:
        models = {TRUTH: field(flow, "velocity_truth"), **models}
    ds = compare(flow, models).assign_attrs(change=change)
    return _scored(ds, grid.average(grid.fold(field(flow, "velocity")[:, 0])))


def _correction(grid: DuctGrid, flow: xr.Dataset, predicted: xr.Dataset, refinements: int) -> tuple[np.ndarray, float]:
    """Velocity [cell, i] and the last change of the secondary flow."""
    nu, bulk = float(field(flow, "nu")[0]), grid.average(grid.fold(field(flow, "velocity")[:, 0]))
    eddy_viscosity = grid.fold(implicit_viscosity(flow, predicted))
    if (remainder := predicted_remainder(predicted)) is not None:
        solved = duct_flow(grid, nu, bulk, eddy_viscosity=eddy_viscosity, remainder=grid.fold(remainder))
        return solved["velocity"].values, solved.attrs["change"]
    stress, effective = grid.fold(predicted_stress(predicted)), grid.fold(effective_viscosity(flow, predicted))
    secondary = refined_secondary_flow(
        grid, nu, stress, eddy_viscosity=eddy_viscosity, refinements=refinements, tolerance=1e-4
    )
    velocity = secondary.cells()
    velocity[..., 0], _ = duct_velocity(grid, nu, bulk, eddy_viscosity=effective, secondary=secondary)
    return grid.unfold(velocity), secondary.change


def _scored(ds: xr.Dataset, bulk: float) -> xr.Dataset:
    along, across = ds["velocity"].isel(i=0), ds["velocity"].isel(i=[1, 2])
    strength = ((across**2).sum("i") ** 0.5).max("cell") / bulk
    ds = ds.assign(secondary_strength=score(strength, "largest in-plane speed over the bulk velocity"))
    if TRUTH not in ds["model"]:
        return ds
    true_along, true_across = (values.sel(model=TRUTH, drop=True) for values in (along, across))
    error = ((along - true_along) ** 2).mean("cell") ** 0.5 / abs(true_along).mean("cell")
    size = ((across**2).sum(("cell", "i")) * (true_across**2).sum()) ** 0.5
    correlation = (across * true_across).sum(("cell", "i")) / size.where(size > 0)
    return ds.assign(
        velocity_error=score(error, "RMS error of the streamwise velocity over its mean"),
        secondary_correlation=score(correlation, "correlation of the in-plane velocity with the true one"),
    )


def _refuse_incomplete(flow: xr.Dataset) -> None:
    missing = [name for name in _NEEDED if name not in flow]
    if missing:
        raise SchemaError(
            f"{missing} are missing: the Dataset has {sorted(map(str, flow.data_vars))}, expected {list(_NEEDED)}. "
            "Rename with ds.rename(old=new)."
        )
    names = sorted(set(map(str, flow["flow"].values))) if "flow" in flow.coords else []
    if len(names) > 1:
        raise SchemaError(
            f"the Dataset holds {len(names)} flows, among them {names[:3]}, expected one. "
            f"Select it with ds.isel(cell=ds['flow'].values == {names[0]!r})."
        )
    nu = flow["nu"].values
    if np.ptp(nu) > 1e-6 * nu.max():
        raise OptionError(f"nu runs from {nu.min():g} to {nu.max():g} m2 s-1, expected one value in the whole duct.")
