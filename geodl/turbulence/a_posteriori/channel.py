"""Plane channel in wall units, along y from the wall to the centre: k-omega models and their momentum."""

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy.integrate import cumulative_trapezoid
from scipy.linalg import solve_banded
from scipy.optimize import brentq

from geodl.core.progress import progress
from geodl.errors import DivergedError, OptionError, UnknownNameError, did_you_mean
from geodl.turbulence.a_posteriori.comparison import Closure
from geodl.turbulence.a_posteriori.k_omega import BETA_STAR, BETA_WALL, MODELS, TITLES, Shear
from geodl.turbulence.a_posteriori.line import Line
from geodl.turbulence.a_posteriori.stress import effective_viscosity
from geodl.turbulence.datasets.layout import flow_dataset

WALL_UNITS = "wall units: 1 m stands for nu/u_tau, 1 m s-1 for u_tau"
_TOLERANCE, _STEPS = 1e-9, 5000
_SHAPES = (3, 3), (3,), (3,), (3,), (3,)
_WALL_PART = 40  # one cell in so many, those at the wall, holds the analytic omega


def channel_velocity(
    y: Float[np.ndarray, " point"],
    re_tau: float,
    *,
    eddy_viscosity: Float[np.ndarray, " point"] | float = 0.0,
    remainder: Float[np.ndarray, " point"] | float = 0.0,
) -> Float[np.ndarray, " point"]:
    """U in wall units: the momentum equation (1 + nu_t) dU/dy - R_xy = 1 - y/re_tau integrated from the wall.

    Args:
        y: increasing distances from the wall, in wall units; trapezoidal rule between them, dU/dy = 1 on the wall.
        eddy_viscosity: nu_t over nu.
        remainder: R_xy, or all of the stress <u'v'> where there is no eddy viscosity.
    """
    slope = (1 - y / re_tau + remainder) / (1 + eddy_viscosity)
    return cumulative_trapezoid(np.append(1.0, slope), np.append(0.0, y))


def channel_flow(
    re_tau: float,
    *,
    model: str = "sst",
    cells: int = 320,
    closure: Closure | None = None,
    relaxation: float = 0.5,
    rounds: int = 40,
) -> xr.Dataset:
    """Mean flow of a k-omega model, in the layout of the family, so that a surrogate can be called.

    The force that drives the flow is a source, as in solvers that keep a bulk velocity: ``pressure_gradient`` is zero.

    Args:
        re_tau: half height over nu/u_tau.
        model: "sst" of Menter (2003), or "wilcox" of 1988.
        cells: from the wall to the centre, stretched; the solution is second order in their width.
        closure: maps the flow to a Dataset with ``anisotropy`` and ``k_corrected``; its effective viscosity replaces
            the model's in the momentum and in the production, in the loop. None for the plain model.
        relaxation: part of the closure's change that is taken in each of at most ``rounds`` calls; the attribute
            ``closure_change`` tells the last one, over the largest viscosity.
    Raises:
        OptionError: re_tau or cells too small.
        UnknownNameError: there is no such model.
        DivergedError: the model did not converge.
        SchemaError: the closure lacks ``anisotropy`` or ``k_corrected``.
    """
    if model not in MODELS:
        raise UnknownNameError(f"there is no model {model!r}. {did_you_mean(model, MODELS)}")
    if not re_tau >= 50 or cells < _WALL_PART:
        raise OptionError(
            f"re_tau is {re_tau} and cells is {cells}, expected re_tau >= 50, where a channel is turbulent, "
            f"and cells >= {_WALL_PART}, of which the nearest to the wall hold the analytic omega."
        )
    line = _stretched(re_tau, cells)
    flow = _flow(line, re_tau, model, *_turbulence(line, re_tau, model, None))
    return flow if closure is None else _coupled(line, re_tau, model, flow, closure, relaxation, rounds)


def _coupled(
    line: Line, re_tau: float, model: str, flow: xr.Dataset, closure: Closure, relaxation: float, rounds: int
) -> xr.Dataset:
    """The closure in the loop: its eddy viscosity in the momentum and the production, k and omega solved again."""
    viscosity = flow["eddy_viscosity"].values
    with progress("channel with the closure in the loop", rounds) as advance:
        for done in range(rounds):
            step = effective_viscosity(flow, closure(flow)) - viscosity
            viscosity = viscosity + relaxation * step
            k, omega, _ = _turbulence(line, re_tau, model, viscosity)
            flow = _flow(line, re_tau, model, k, omega, viscosity)
            change = float(np.abs(step).max() / viscosity.max())
            flow.attrs["closure_change"] = change
            advance(done + 1, f"change {change:.1e}")
            if change < 1e-5:
                break
    return flow


def _flow(line: Line, re_tau: float, model: str, k: np.ndarray, omega: np.ndarray, momentum: np.ndarray) -> xr.Dataset:
    """The fields in the layout of the family; ``momentum`` is the eddy viscosity that the momentum feels."""
    y = line.centres
    gradient, velocity, position, pressure_gradient, k_gradient = (np.zeros((len(y), *s)) for s in _SHAPES)
    velocity[:, 0] = channel_velocity(y, re_tau, eddy_viscosity=momentum)
    gradient[:, 0, 1] = (1 - y / re_tau) / (1 + momentum)
    position[:, 1] = y
    k_gradient[:, 1] = line.divergence() @ line.mean("zero", "even") @ k
    variables: dict[str, np.ndarray | float] = {
        "velocity": velocity,
        "velocity_gradient": gradient,
        "k": k,
        "omega": omega,
        "eddy_viscosity": momentum,
        "nu": 1.0,
        "pressure_gradient": pressure_gradient,
        "k_gradient": k_gradient,
        "wall_distance": y,
        "position": position,
        "volume": line.widths,
    }
    ds = flow_dataset("channel", variables, unit_system=WALL_UNITS, family="channel", shape=(1, len(y)))
    title = f"Channel at Re_tau {re_tau:g}: {TITLES[model]}"
    return ds.assign_attrs(title=title, re_tau=float(re_tau), turbulence_model=TITLES[model])


def _stretched(re_tau: float, cells: int) -> Line:
    """Faces that cluster at the wall, 1/16 apart with 320 cells; twice as many cells halve each of them."""
    strength = brentq(lambda a: 2 * a / np.sinh(2 * a) - 20 / re_tau, 0.1, 20)
    s = np.linspace(0, 1, cells + 1)
    return Line(re_tau * (1 + np.tanh(strength * (s - 1)) / np.tanh(strength)))


def _turbulence(
    line: Line, re_tau: float, model: str, viscosity: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """k, omega and the model's eddy viscosity by Picard's iteration; sinks implicit, so both stay positive.

    ``viscosity`` is what momentum and production feel; None for the model's own.
    """
    y = line.centres
    omega = 6 / (BETA_WALL * y**2) + 1 / (0.41 * y * 0.3)
    fixed = 6 / (BETA_WALL * y[: len(y) // _WALL_PART] ** 2)
    k = 3.3 * (1 - np.exp(-y / 15)) ** 2 * (1 - 0.7 * y / re_tau)
    slope, derivative = (1 - y / re_tau) / (1 + k / omega), line.divergence() @ line.mean("zero", "even")
    for _ in range(_STEPS):
        made = MODELS[model](Shear(y, slope, k, omega, (derivative @ k) * (derivative @ omega)))
        nu_t, momentum = made.eddy_viscosity, made.eddy_viscosity if viscosity is None else viscosity
        slope = (1 - y / re_tau) / (1 + momentum)
        production = np.minimum(momentum * slope**2, made.largest_production)
        sink, source = BETA_STAR * omega, production
        new_k = _solve(_diffusion(line, 1 + made.sigma_k * nu_t), sink, source, np.empty(0))
        sink = 2 * made.beta * omega + np.maximum(-made.cross / omega, 0)
        source = made.alpha * production / nu_t + made.beta * omega**2 + np.maximum(made.cross, 0)
        new_omega = _solve(_diffusion(line, 1 + made.sigma_omega * nu_t), sink, source, fixed)
        change = max(np.abs(new_k / k - 1).max(), np.abs(new_omega / omega - 1).max())
        k, omega = k + 0.7 * (new_k - k), omega + 0.7 * (new_omega - omega)
        if change < _TOLERANCE:
            return k, omega, nu_t
    raise DivergedError(
        f"k and omega still change by {change:.1e} after {_STEPS} iterations at re_tau = {re_tau:g}, "
        f"expected {_TOLERANCE:g}. Take more cells, or a smaller relaxation of the closure."
    )


def _diffusion(line: Line, viscosity: np.ndarray) -> np.ndarray:
    """Bands of -d/dy(nu d/dy) of a field that vanishes on the wall and is even at the centre."""
    conductance = np.zeros(len(line.faces))
    conductance[1:-1] = (line.mean("even", "even") @ viscosity)[1:-1] / np.diff(line.centres)
    conductance[0] = 2 / line.widths[0]
    low, high = conductance[:-1] / line.widths, conductance[1:] / line.widths
    return np.stack([np.append(0, -high[:-1]), low + high, np.append(-low[1:], 0)])


def _solve(bands: np.ndarray, sink: np.ndarray, source: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """(diffusion + sink) x = source, with the first cells given."""
    bands, source, n = bands.copy(), source.copy(), len(fixed)
    bands[1] += sink
    source[:n], bands[1, :n], bands[0, 1 : n + 1], bands[2, : max(n - 1, 0)] = fixed, 1, 0, 0
    return solve_banded((1, 1), bands, source)
