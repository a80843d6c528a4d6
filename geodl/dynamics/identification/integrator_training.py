"""Schemes and fields fitted to coarse data, one interval at a time: a scheme, a field, or both."""

import functools
import itertools

import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, jacfwd

from geodl.core.files import open_sample
from geodl.core.progress import progress
from geodl.dynamics.dataset import lorenz63_dataset
from geodl.dynamics.fields import BilinearField
from geodl.dynamics.identification.gauss_newton import Dense, Solution, levenberg_marquardt
from geodl.dynamics.identification.shooting import series_of
from geodl.dynamics.lorenz63 import lorenz63
from geodl.dynamics.ode.learned_runge_kutta import LearnedRungeKutta
from geodl.dynamics.ode.solve import odeint
from geodl.dynamics.ode.tape import Field
from geodl.errors import OptionError

DT = 0.2
STAGES = 8
HELD_OUT = 777  # seed of the starts that no fit sees


class FlowMap(nn.Module):
    """States one data interval later: what a field and a scheme make of states together.

    Args:
        field: ``field(t, state [sample, n])``; the parameters of a module are trained along if they want gradients.
        dt: the interval, in the unit of the field.
        method: scheme with a fixed step, by name or learned; a learned one is trained along if it wants gradients.
        substeps: steps in the interval.
    """

    def __init__(self, field: Field, dt: float, *, method: str | LearnedRungeKutta = "rk4", substeps: int = 1):
        super().__init__()
        self.field, self.dt, self.method, self.substeps = field, dt, method, substeps

    def forward(self, state: Float[Tensor, "sample n"]) -> Float[Tensor, "sample n"]:
        times = torch.tensor([0.0, self.dt], dtype=state.dtype, device=state.device)
        return odeint(self.field, state, times, method=self.method, substeps=self.substeps)[-1]

    @torch.no_grad()
    def error(self, series: Float[Tensor, "time series n"]) -> float:
        """Mean square error over one interval, over all states but the last and all components."""
        before, after = _intervals(series)
        return float((self(before) - after).square().mean())


def fit_flow_map(
    flow: FlowMap, series: Float[Tensor, "time series n"], *, iterations: int = 100, tolerance: float = 1e-4
) -> Solution:
    """Least squares of the error over one interval, by Levenberg-Marquardt on all parameters that want a gradient.

    The exact Jacobian has a column for each parameter: meant for up to some hundreds.

    Args:
        flow: its parameters are fitted in place, from where they are; float64 is worth its price here.
        series: states one interval apart.
        iterations, tolerance: of `levenberg_marquardt`.
    Raises:
        OptionError: no parameter wants a gradient.
        DivergedError: the flow map gives states that are not finite at the start.
    """
    problem = _OneInterval(flow, series)
    with progress("fitting one interval", iterations) as advance, torch.no_grad():

        def linearise(unknowns: Tensor) -> Dense:
            advance(next(rounds))
            return problem.linearise(unknowns)

        rounds = itertools.count()
        solution = levenberg_marquardt(linearise, problem.start(), iterations=iterations, tolerance=tolerance)
        for name, value in problem.named(solution.unknowns[0]).items():
            flow.get_parameter(name).copy_(value)
    return solution


class _OneInterval:
    """Errors over one interval as a function of all parameters that want a gradient, in one vector."""

    def __init__(self, flow: FlowMap, series: Float[Tensor, "time series n"]):
        self.flow, (self.before, self.after) = flow, _intervals(series)
        self.known = {name: p.detach() for name, p in flow.named_parameters() if p.requires_grad}
        if not self.known:
            raise OptionError("the flow map has no parameter that wants a gradient: nothing to fit")

    def start(self) -> Float[Tensor, "1 unknown"]:
        return torch.cat([p.flatten() for p in self.known.values()])[None]

    def named(self, unknowns: Float[Tensor, "unknown"]) -> dict[str, Tensor]:
        parts = unknowns.split([p.numel() for p in self.known.values()])
        return {name: part.reshape(p.shape) for (name, p), part in zip(self.known.items(), parts, strict=True)}

    def linearise(self, unknowns: Float[Tensor, "1 unknown"]) -> Dense:
        jacobian, value = jacfwd(self._residual, has_aux=True)(unknowns[0])
        return Dense(value[None], jacobian[None])

    def _residual(self, unknowns: Tensor) -> tuple[Tensor, Tensor]:
        value = (functional_call(self.flow, self.named(unknowns), (self.before,)) - self.after).flatten()
        return value, value


def exact(t: Tensor, state: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    """Lorenz-63 as a field."""
    del t
    return lorenz63(state)


def coarse_case(seed: int, quick: bool = False) -> dict[str, float]:
    """A bilinear field from Lorenz-63 at dt = 0.2, through 4 and 8 classic steps an interval.

    Returns:
        Mean square errors over one interval of held-out trajectories: ``rk4_16`` and ``rk4_32`` by evaluations an
        interval; ``exact_16`` and ``exact_32`` with the true equations, which cannot make up for the scheme.
    """
    series, test, errors = _training(seed), _held_out(DT), dict[str, float]()
    field = _from_differences(series)
    for substeps in (4, 8):
        flow = FlowMap(field, DT, substeps=substeps)
        fit_flow_map(flow, series, iterations=2 if quick else 100)
        errors[f"rk4_{4 * substeps}"] = flow.error(test)
        errors[f"exact_{4 * substeps}"] = FlowMap(exact, DT, substeps=substeps).error(test)
    return errors


def integrator_case(seed: int, quick: bool = False) -> dict[str, float]:
    """Lorenz-63 at dt = 0.2 by eight evaluations: two classic steps, a learned scheme alone, and one with a field.

    Returns:
        Mean square errors over one interval of held-out trajectories: ``classic``, ``learned`` (a scheme for the true
        equations) and ``joint`` (scheme and bilinear field); with ``_half`` at dt = 0.1, for which nothing was fitted;
        ``joint_training`` on the training data.
    """
    series, iterations = _training(seed), 3 if quick else 200
    classic = FlowMap(exact, DT, substeps=2)
    learned = FlowMap(exact, DT, method=LearnedRungeKutta(STAGES, dtype=torch.float64))
    fit_flow_map(learned, series, iterations=iterations)
    field = _from_differences(series)
    fit_flow_map(FlowMap(field, DT, substeps=2), series, iterations=iterations)
    joint = FlowMap(field, DT, method=LearnedRungeKutta(STAGES, dtype=torch.float64))
    fit_flow_map(joint, series, iterations=iterations)
    errors = {"joint_training": joint.error(series)}
    for name, flow in (("classic", classic), ("learned", learned), ("joint", joint)):
        errors[name] = flow.error(_held_out(DT))
        flow.dt = DT / 2
        errors[f"{name}_half"] = flow.error(_held_out(DT / 2))
    return errors


def _from_differences(series: Float[Tensor, "time series 3"]) -> BilinearField:
    """The field that forward Euler would learn: poor at this interval, but near enough for Gauss and Newton."""
    before, after = _intervals(series)
    field = BilinearField(3).to(series)
    field.warm_start(before, (after - before) / DT)
    return field


def _intervals(
    series: Float[Tensor, "time series n"],
) -> tuple[Float[Tensor, "interval n"], Float[Tensor, "interval n"]]:
    """All states but the last of each series, and what they became one interval later."""
    return series[:-1].flatten(0, 1), series[1:].flatten(0, 1)


def _training(seed: int) -> Float[Tensor, "time series 3"]:
    """4000 states: the shipped ones for seed 0, others of the same kind for other seeds."""
    if seed == 0:
        return _series(open_sample("lorenz63/dt020"))
    return _series(lorenz63_dataset(trajectories=20, points=200, dt=DT, seed=1000 + seed))


@functools.cache
def _held_out(dt: float) -> Float[Tensor, "time series 3"]:
    return _series(lorenz63_dataset(trajectories=48, points=201, dt=dt, seed=HELD_OUT))


def _series(ds: xr.Dataset) -> Float[Tensor, "time series 3"]:
    return series_of(ds[list("xyz")].to_dataarray("component"))
