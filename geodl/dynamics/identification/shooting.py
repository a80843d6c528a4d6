"""Multiple shooting: a field identified from partial and noisy series, every window with a start of its own."""

import copy
import dataclasses
from typing import Literal, get_args

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor, nn

from geodl.core.progress import progress
from geodl.dynamics.identification.gauss_newton import AbstractLinearised, Arrow, Dense, levenberg_marquardt
from geodl.dynamics.identification.observation import Observation, full, require_observed
from geodl.dynamics.identification.trajectories import Trajectories, derivative
from geodl.errors import NonFiniteError, OptionError, SchemaError, TimeAxisError, did_you_mean
from geodl.train.config import FitConfig
from geodl.train.optimizers import descent

_Optimizer = Literal["gauss_newton", "lbfgs", "adam"]
_SHORTEST = 8  # intervals of the first windows


@dataclasses.dataclass(frozen=True)
class Windows:
    """Series cut into windows that share their ends: window m + series goes on where window m ends.

    Attributes:
        times: of the points of each window.
        values: observed values; NaN where there is none.
        series: number of series.
    """

    times: Float[Tensor, "time window"]
    values: Float[Tensor, "time window d"]
    series: int


def cut(values: Float[Tensor, "time series d"], intervals: int, *, dt: float | Tensor) -> Windows:
    """Windows of so many intervals; the last of a series is filled up with missing values.

    Args:
        values: observed values; NaN where there is none.
        dt: time between two observations, counted from the start of each window; or the increasing times of all
            observations ``[time]`` or ``[time, series]``, as a field that depends on time needs them.
    Raises:
        OptionError: fewer than 1 interval, or fewer than 2 observations.
        SchemaError: another number of times than of observations.
        TimeAxisError: times that do not increase.
        NonFiniteError: infinite values, or no value at all.
    """
    require_observed(values)
    length, series, size = values.shape
    if intervals < 1 or length < 2:
        raise OptionError(
            f"windows of {intervals} intervals cannot be cut from {length} observations: 1 and 2 at least"
        )
    count = -(-(length - 1) // intervals)
    spare = count * intervals - (length - 1)
    padded = torch.cat([values, values.new_full((spare, series, size), torch.nan)])
    parts = padded.unfold(0, intervals + 1, intervals)  # [count, series, d, time]
    times = _times(values, dt, spare)
    clock = times.unfold(0, intervals + 1, intervals).permute(2, 0, 1).flatten(1)
    if not isinstance(dt, Tensor):
        clock = times[: intervals + 1, :1].expand(-1, count * series)  # of each window by itself
    return Windows(clock, parts.permute(3, 0, 1, 2).flatten(1, 2), series)


def _times(values: Tensor, dt: float | Tensor, spare: int) -> Float[Tensor, "time series"]:
    """Times of the observations, continued by the last step."""
    length, series, _ = values.shape
    if not isinstance(dt, Tensor):
        dt = dt * torch.arange(length, dtype=values.dtype, device=values.device)
    if len(dt) != length:
        raise SchemaError(f"there are {len(dt)} times and {length} observations of each series: expected as many")
    times = dt.to(values).reshape(length, -1).expand(-1, series)
    last = times[-1] - times[-2]
    further = times[-1] + last * torch.arange(1, spare + 1).to(times)[:, None]
    if not bool((times.diff(dim=0) > 0).all()):
        raise TimeAxisError("the times of the observations do not increase throughout: sort them, and drop duplicates")
    return torch.cat([times, further])


@dataclasses.dataclass(frozen=True)
class Shooting:
    """How to shoot.

    Attributes:
        method, substeps: of `odeint`; a fixed-step method takes so many steps from one observation to the next.
        continuity: weights γ, one after the other; 0 leaves the windows independent.
        optimizer: "gauss_newton" needs a Jacobian by every parameter, for up to some hundreds; the others a gradient.
        iterations, tolerance: for each γ and each length of the windows; Gauss-Newton stops at a smaller relative gain.
        learning_rate: of Adam.
    Raises:
        OptionError: an unknown optimizer, a negative weight or none, or fewer than one iteration.
    """

    method: str = "rk4"
    substeps: int = 2
    continuity: tuple[float, ...] = (0.0,)
    optimizer: _Optimizer = "gauss_newton"
    iterations: int = 50
    tolerance: float = 1e-6
    learning_rate: float = 1e-2

    def __post_init__(self) -> None:
        if self.optimizer not in get_args(_Optimizer):
            raise OptionError(f"optimizer is {self.optimizer!r}. {did_you_mean(self.optimizer, get_args(_Optimizer))}")
        if not (self.iterations >= 1 and self.continuity and min(self.continuity) >= 0):
            raise OptionError(
                f"iterations >= 1 and weights >= 0 are needed, got iterations={self.iterations} and "
                f"continuity={self.continuity}; (0.0,) leaves the windows independent"
            )


class MultipleShooting:
    """The least-squares problem: Σ ‖H Φᵏ(s_m) − y‖²_{R⁻¹} + γ Σ ‖Φᵂ(s_m) − s_{m+1}‖² over starts and parameters.

    Source: Bock 1981, Numerical treatment of inverse problems in chemical reaction kinetics, Springer, 102, with the
        continuity as a penalty instead of a constraint.
    """

    def __init__(
        self, field: nn.Module, windows: Windows, observation: Observation, shooting: Shooting, *, continuity: float
    ):
        self.windows, self.observation, self.shooting, self.continuity = windows, observation, shooting, continuity
        self.trajectories = Trajectories(field, windows.times, method=shooting.method, substeps=shooting.substeps)

    def cost(self, starts: Float[Tensor, "window n"]) -> Float[Tensor, ""]:
        """J / 2 with the parameters that the field has."""
        path = self.trajectories.states(starts)
        seen = self.observation.residual(path, self.windows.values).square().sum()
        ahead = starts[self.windows.series :]
        return (seen + self.continuity * (path[-1][: len(ahead)] - ahead).square().sum()) / 2

    @torch.no_grad()
    def misfit(self, starts: Float[Tensor, "window n"]) -> float:
        """Root mean square of the whitened residuals that are there."""
        residual = self.observation.residual(self.trajectories.states(starts), self.windows.values)
        return float((residual.square().sum() / (~torch.isnan(self.windows.values)).sum()).sqrt())

    @torch.no_grad()
    def states(self, starts: Float[Tensor, "window n"]) -> Float[Tensor, "time series n"]:
        """The trajectories of all windows put together."""
        path = self.trajectories.states(starts)
        path = path.reshape(len(path), -1, self.windows.series, path.shape[-1]).transpose(0, 1)
        return torch.cat([path[:, :-1].flatten(0, 1), path[-1, -1:]])

    def pack(self, starts: Float[Tensor, "window n"]) -> Float[Tensor, "1 unknown"]:
        """Starts, then the parameters that the field has."""
        return torch.cat([starts.flatten(), self.trajectories.vector])[None]

    def unpack(self, unknowns: Float[Tensor, "1 unknown"]) -> Float[Tensor, "window n"]:
        """The starts; the parameters go into the field."""
        count = unknowns.shape[1] - len(self.trajectories.vector)
        self.trajectories.take(unknowns[0, count:])
        return unknowns[0, :count].reshape(self.windows.values.shape[1], -1)

    def linearise(self, unknowns: Float[Tensor, "1 unknown"]) -> AbstractLinearised:
        """Whitened residuals and their derivative by starts and parameters."""
        starts = self.unpack(unknowns)
        path = self.trajectories.tangents(starts, shared=True)
        n = starts.shape[1]
        rows = derivative(self.observation, path, self.windows.values)
        arrow = Arrow(rows[..., 0], rows[..., 1 : n + 1], rows[..., n + 1 :])
        joined = self.continuity and len(starts) > self.windows.series
        return self._joined(arrow, path[-1].permute(1, 2, 0), starts) if joined else arrow

    def _joined(self, arrow: Arrow, end: Float[Tensor, "window n k"], starts: Float[Tensor, "window n"]) -> Dense:
        """The same rows, and those of the jumps from each window to the next, times √γ."""
        count, n = starts.shape
        pairs = count - self.windows.series
        jump = (end[:pairs, :, 0] - starts[-pairs:]) * self.continuity**0.5
        own = torch.block_diag(*end[..., 1 : n + 1])[: pairs * n]
        own -= torch.eye(count * n).to(own)[-pairs * n :]
        shared = end[:pairs, :, n + 1 :].flatten(0, 1)
        seen = torch.cat([torch.block_diag(*arrow.own), arrow.shared.flatten(0, 1)], 1)
        joint = torch.cat([own, shared], 1) * self.continuity**0.5
        residual = torch.cat([arrow.residual.flatten(), jump.flatten()])
        return Dense(residual[None], torch.cat([seen, joint])[None])


@dataclasses.dataclass(frozen=True)
class Identified:
    """A field and the trajectories that fit the observations.

    Attributes:
        field: the identified field.
        states: at the times of the observations; where two windows meet, the start of the later one.
        misfit: root mean square of (H(states) − values) / std over the values that are there; 1 if std is the noise.
        history: the cost J after each iteration, ½ of the sum of squares.
    """

    field: nn.Module
    states: Float[Tensor, "time series n"]
    misfit: float
    history: list[float]


def identify(
    field: nn.Module,
    observations: xr.DataArray | Float[Tensor, "time series d"],
    observation: Observation = Observation(),  # noqa: B008
    *,
    dt: float | Tensor,
    window: int,
    guess: Float[Tensor, "time series n"] | None = None,
    shooting: Shooting = Shooting(),
) -> Identified:
    """Parameters of a field from series that are observed in part and with noise; the field given stays as it is.

    Args:
        field: ``field(t, state [batch, n])``; the parameters that require a gradient are identified, from where they
            are, in the precision and on the device of the observations.
        observations: values, NaN where there is none; a DataArray has dimensions time, component, and any others.
        dt: time between two observations in the field's unit, or the times of all as in `cut`.
        window: intervals from one start to the next; one or two Lyapunov times at most.
        guess: states to start from, needed unless all components are observed.
    Raises:
        OptionError: a window out of range, a field without parameters, or no guess where it is needed.
        TimeAxisError: times that do not increase.
        NonFiniteError: infinite values, or no value at all.
        SchemaError: observations, guess and operator do not fit each other.
        DivergedError: the guess leads to trajectories that are not finite.
    """
    values, history = series_of(observations), list[float]()
    field = copy.deepcopy(field).to(values)
    if not any(p.requires_grad for p in field.parameters()):
        raise OptionError("the field has no parameter that requires a gradient; for its start alone call infer_start")
    if guess is None and observation.operator is not full:
        raise OptionError("a guess of the states is needed where not all components are observed: give guess=…")
    states = filled(values) if guess is None else guess.to(values)
    if states.shape[:2] != values.shape[:2]:
        raise SchemaError(f"the guess has shape {tuple(states.shape)}, the observations {tuple(values.shape)}")
    stages = [(length, 0.0) for length in _lengths(window)[:-1]] + [(window, gamma) for gamma in shooting.continuity]
    with progress("shooting", len(stages)) as advance:
        for done, (length, gamma) in enumerate(stages):
            problem = MultipleShooting(field, cut(values, length, dt=dt), observation, shooting, continuity=gamma)
            starts, costs = _SOLVERS[shooting.optimizer](problem, states[: len(values) - 1 : length].flatten(0, 1))
            states, misfit = problem.states(starts)[: len(values)], problem.misfit(starts)
            history += costs
            advance(done + 1, f"windows of {length} intervals, misfit {misfit:.3g}")
    return Identified(field, states, misfit, history)


def _lengths(window: int) -> list[int]:
    """Windows from short to long: the longer ones have many minima, and the shorter ones lead to the right one."""
    lengths = [window]
    while lengths[0] >= 2 * _SHORTEST:
        lengths.insert(0, lengths[0] // 2)
    return lengths


def series_of(observations: xr.DataArray | Tensor) -> Float[Tensor, "time series d"]:
    """Observations as a tensor.

    Raises:
        SchemaError: a DataArray without the dimensions time and component, or a tensor without three dimensions.
    """
    if isinstance(observations, Tensor):
        if observations.ndim != 3:
            raise SchemaError(f"the observations have shape {tuple(observations.shape)}, expected [time, series, d]")
        return observations
    if not {"time", "component"} <= set(observations.dims):
        raise SchemaError(
            f"the dimensions are {tuple(map(str, observations.dims))}, expected 'time' and 'component': "
            f"write ds[['x', 'y']].to_dataarray('component')"
        )
    values = observations.transpose("time", ..., "component").values
    return torch.from_numpy(values.reshape(len(values), -1, values.shape[-1]).astype(np.float64))


def filled(values: Float[Tensor, "time series d"]) -> Float[Tensor, "time series d"]:
    """Observations with missing values interpolated from their neighbours in time.

    Raises:
        NonFiniteError: a component of a series has no value at all, or infinite ones.
    """
    require_observed(values)
    columns = values.detach().cpu().numpy().reshape(len(values), -1).copy()
    for column in columns.T:
        seen = np.flatnonzero(np.isfinite(column))
        if not len(seen):
            raise NonFiniteError("a component of a series has no value at all: give guess=…, or leave the series out")
        column[:] = np.interp(np.arange(len(column)), seen, column[seen])
    return torch.from_numpy(columns).reshape(values.shape).to(values)


def _gauss_newton(problem: MultipleShooting, starts: Tensor) -> tuple[Tensor, list[float]]:
    shooting = problem.shooting
    solution = levenberg_marquardt(
        problem.linearise, problem.pack(starts), iterations=shooting.iterations, tolerance=shooting.tolerance
    )
    return problem.unpack(solution.unknowns), solution.history


def _descent(problem: MultipleShooting, starts: Tensor) -> tuple[Tensor, list[float]]:
    joint, shooting, free = nn.Module(), problem.shooting, nn.Parameter(starts.clone())
    joint.field, joint.starts = problem.trajectories.field, free
    rate = shooting.learning_rate if shooting.optimizer == "adam" else 1.0
    config = FitConfig.parse({"optimizer": shooting.optimizer, "learning_rate": rate, "line_steps": 1})
    optimizer, history = descent(joint, config), list[float]()
    for _ in range(shooting.iterations):
        history.append(float(optimizer.descend(lambda: problem.cost(free), rate)))
    return free.detach(), history


_SOLVERS = {"gauss_newton": _gauss_newton, "lbfgs": _descent, "adam": _descent}
