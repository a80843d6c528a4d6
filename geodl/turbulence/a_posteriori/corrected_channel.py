"""A channel whose velocity is computed again with the stress that a closure predicts."""

import numpy as np
import xarray as xr

from geodl.turbulence.a_posteriori.channel import channel_flow, channel_velocity
from geodl.turbulence.a_posteriori.comparison import BASELINE, CORRECTED, TRUTH, Closure, compare, score
from geodl.turbulence.a_posteriori.stress import effective_viscosity, implicit_viscosity, predicted_remainder


def channel_with(
    closure: Closure,
    re_tau: float,
    *,
    model: str = "sst",
    truth: xr.Dataset | None = None,
    cells: int = 320,
    in_loop: bool = False,
) -> xr.Dataset:
    """The channel of a k-omega model, and the same channel with the stress of a closure, in wall units.

    The closure sees the fields of the plain model; its nu_eff = -tau_xy/(dU/dy) is implicit in the momentum. Where it
    gives ``stress_remainder``, the eddy viscosity of the model stays implicit and R_xy is added.

    Args:
        closure: any callable from Dataset to Dataset, such as a ``geodl.Surrogate``.
        model: "sst" or "wilcox": take the one on whose fields the closure was trained.
        truth: profile ``mean_velocity`` along ``y_plus``.
        in_loop: solve k, omega and the closure's nu_eff together, instead of asking it once. The closure then sees
            other fields than those of the model, for which most are trained.
    Returns:
        ``velocity`` [model, cell, i], and as attribute ``turbulence_model`` the baseline's name; with a truth also
        ``velocity_error`` [model], the largest difference over the true centreline velocity.
    Raises:
        OptionError: re_tau or cells too small.
        UnknownNameError: there is no such model.
        SchemaError: the closure lacks ``anisotropy`` or ``k_corrected``.
        DivergedError: k and omega did not converge with the closure in the loop.
    """
    flow = channel_flow(re_tau, model=model, cells=cells)
    if in_loop:
        corrected = channel_flow(re_tau, model=model, cells=cells, closure=closure)["velocity"].values[:, 0]
    else:
        corrected = _correction(flow, closure(flow), re_tau)
    models = {BASELINE: flow["velocity"].values, CORRECTED: _along_x(corrected)}
    named = {"turbulence_model": flow.attrs["turbulence_model"]}
    if truth is None:
        return compare(flow, models).assign_attrs(named)
    reference = np.interp(flow["wall_distance"].values, truth["y_plus"].values, truth["mean_velocity"].values)
    ds = compare(flow, {TRUTH: _along_x(reference), **models}).assign_attrs(named)
    worst = abs(ds["velocity"] - ds["velocity"].sel(model=TRUTH)).max(("cell", "i")) / reference.max()
    return ds.assign(velocity_error=score(worst, "largest velocity error over the true centreline velocity"))


def _correction(flow: xr.Dataset, predicted: xr.Dataset, re_tau: float) -> np.ndarray:
    y, remainder = flow["wall_distance"].values, predicted_remainder(predicted)
    if remainder is None:
        return channel_velocity(y, re_tau, eddy_viscosity=effective_viscosity(flow, predicted))
    return channel_velocity(y, re_tau, eddy_viscosity=implicit_viscosity(flow, predicted), remainder=remainder[:, 0, 1])


def _along_x(profile: np.ndarray) -> np.ndarray:
    return np.pad(profile[:, None], ((0, 0), (0, 2)))
