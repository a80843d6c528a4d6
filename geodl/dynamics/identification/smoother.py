"""Ensemble Kalman filter and smoother for noisy series that are observed in part."""

import dataclasses
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.core.progress import progress
from geodl.dynamics.identification.integrator_training import FlowMap, fit_flow_map
from geodl.dynamics.identification.observation import Observation, require_observed
from geodl.errors import NonFiniteError, OptionError, ShapeError

Ensemble = Float[Tensor, "*series member n"]
Path = Float[Tensor, "time *series member n"]


@dataclasses.dataclass(frozen=True)
class Transform:
    """What an analysis does to an ensemble, as a combination of its members that fits earlier ensembles as well.

    With A = E − mean and S = U s Vᵀ, the whitened anomalies of what the members would see over √(m − 1), it is
    E ← E + U ((1 + s²)^−½ − 1) Uᵀ A + 1 wᵀ A: the symmetric root, which keeps the mean, and the change of the mean.

    Attributes:
        vectors: U.
        shrinkage: (1 + s²)^−½ − 1.
        weights: w = U s / (1 + s²) Vᵀ δ / √(m − 1) with the whitened innovation δ.
    Source: Hunt, Kostelich & Szunyogh 2007, Physica D 230, 112, equations 20 to 24.
    """

    vectors: Float[Tensor, "*series member r"]
    shrinkage: Float[Tensor, "*series r 1"]
    weights: Float[Tensor, "*series member 1"]

    def __call__(self, path: Path) -> Path:
        """Ensembles of the present or of earlier times, transformed."""
        anomalies = path - path.mean(-2, keepdim=True)
        turned = self.vectors @ (self.shrinkage * (self.vectors.mT @ anomalies))
        return path + turned + self.weights.mT @ anomalies


@dataclasses.dataclass(frozen=True)
class EnsembleSmoother:
    """Deterministic ensemble smoother: each analysis transforms the present ensemble and the earlier ones within a lag.

    Any number of series is treated at once, each with an ensemble of its own. A data assimilation code can call
    `forecast` and `analyse`, or `step`, in a loop of its own.

    Args:
        model: states ``[member, n]`` to the states one interval later; members of all series come in one batch.
        observation: operator and standard deviation of the noise; values that are missing are NaN.
        model_std: standard deviation of the model's error over one interval, one number or one per component ``[n]``.
        inflation: factor of the anomalies of each forecast, against the loss of spread by sampling and nonlinearity.
        lag: intervals back to which a value still changes a state; 0 is the filter.
        seed: of the model's errors.
    Raises:
        OptionError: a negative model_std or lag, or an inflation below 1.
    Source: Hunt, Kostelich & Szunyogh 2007, Physica D 230, 112 (the transform); Evensen & van Leeuwen 2000, Mon. Wea.
        Rev. 128, 1852 (the same transform for earlier states).
    """

    model: Callable[[Tensor], Tensor]
    observation: Observation
    model_std: float | Tensor = 0.0
    inflation: float = 1.0
    lag: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (bool((torch.as_tensor(self.model_std) >= 0).all()) and self.inflation >= 1 and self.lag >= 0):
            raise OptionError(
                f"model_std >= 0, inflation >= 1 and lag >= 0 are needed, got model_std={self.model_std}, "
                f"inflation={self.inflation}, lag={self.lag}"
            )

    @torch.no_grad()
    def smooth(self, start: Ensemble, values: Float[Tensor, "time *series d"]) -> Path:
        """Ensembles at all times, each given the values up to ``lag`` intervals later.

        Args:
            start: ensembles at the time of the first values, before they are known; the units of the state.
            values: observed values, NaN where there is none.
        Raises:
            NonFiniteError: infinite values, no value at all, or a member that is not finite or not for long.
            OptionError: fewer than 2 members.
            ShapeError: start and values are of different series.
            SchemaError: the operator gives another number of values.
        """
        require_observed(values)
        _check(start, values)
        noise = torch.Generator(start.device).manual_seed(self.seed)
        path = start[None].expand(len(values), *start.shape).clone()
        with progress("smoothing", len(values)) as advance:
            for time, present in enumerate(values):
                if time:
                    path[time] = self.forecast(path[time - 1], noise)
                    _require_finite(path[time], time)
                within = slice(max(time - self.lag, 0), time + 1)
                path[within] = self.analyse(path[within], present)
                advance(time + 1)
        return path

    def step(
        self, path: Path, values: Float[Tensor, "*series d"], noise: torch.Generator | None = None
    ) -> Float[Tensor, "later *series member n"]:
        """The ensembles of the latest times, the newest last, with one more after it that has seen the values.

        No more than ``lag`` + 1 ensembles come back: what is older is final.
        """
        path = torch.cat([path[max(len(path) - self.lag, 0) :], self.forecast(path[-1], noise)[None]])
        return self.analyse(path, values)

    def forecast(self, ensemble: Ensemble, noise: torch.Generator | None = None) -> Ensemble:
        """The ensemble one interval later, with errors of the model added and inflated.

        The errors are centred over the members, so that they do not shake the mean.
        """
        later = self.model(ensemble.flatten(0, -2)).reshape(ensemble.shape)
        errors = torch.randn(later.shape, generator=noise, dtype=later.dtype, device=later.device)
        errors = errors - errors.mean(-2, keepdim=True)
        later = later + torch.as_tensor(self.model_std).to(later) * errors
        mean = later.mean(-2, keepdim=True)
        return mean + self.inflation * (later - mean)

    def analyse(self, path: Path, values: Float[Tensor, "*series d"]) -> Path:
        """The same ensembles, all transformed by what the values tell the newest, which is the last."""
        return self.transform(path[-1], values)(path)

    def transform(self, ensemble: Ensemble, values: Float[Tensor, "*series d"]) -> Transform:
        """What the values tell, from the singular values of the whitened anomalies of what the members would see."""
        wide = values[..., None, :].expand(*ensemble.shape[:-1], -1)
        residual = self.observation.residual(ensemble, wide) / (ensemble.shape[-2] - 1) ** 0.5
        centre = residual.mean(-2, keepdim=True)
        u, s, vt = torch.linalg.svd(residual - centre, full_matrices=False)
        s = s[..., None]
        return Transform(u, (1 + s**2) ** -0.5 - 1, -u @ (s / (1 + s**2) * (vt @ centre.mT)))


@dataclasses.dataclass(frozen=True)
class Refined:
    """What the alternation of smoothing and fitting ends with.

    Attributes:
        smoother: the smoother with the model and the model_std that were found.
        states: smoothed states, means of the ensembles of the last round.
        model_std: of each round, the first is the one given, averaged over the components.
    """

    smoother: EnsembleSmoother
    states: Float[Tensor, "time series n"]
    model_std: list[float]


def smooth_and_fit(
    smoother: EnsembleSmoother,
    start: Float[Tensor, "series member n"],
    values: Float[Tensor, "time series d"],
    *,
    rounds: int = 10,
    iterations: int = 3,
) -> Refined:
    """Learn a field from noisy series: smooth with the present field, fit it to the smoothed states, and so on.

    An approximate expectation maximisation: the field is fitted to the means, and the error of the model is what the
    members miss over one interval. Begin with a model_std of about the error over one interval that the field has.

    Args:
        smoother: its model is a `FlowMap`, whose parameters are fitted in place.
        start, values: as in `EnsembleSmoother.smooth`.
        rounds: smoothings, each followed by a fit.
        iterations: of Levenberg-Marquardt in each fit.
    Raises:
        OptionError: the model is no FlowMap, or there is no round.
        NonFiniteError, OptionError, SchemaError, ShapeError: as `EnsembleSmoother.smooth`.
    Source: Bocquet et al. 2020, Foundations of Data Science 2, 55; Shumway & Stoffer 1982, J. Time Ser.
        Anal. 3, 253 for linear systems.
    """
    flow = smoother.model
    if rounds < 1:
        raise OptionError(f"rounds is {rounds}, expected at least 1")
    if not isinstance(flow, FlowMap):
        raise OptionError(f"the model is a {type(flow).__name__}, expected a FlowMap: FlowMap(field, dt)")
    history = [float(torch.as_tensor(smoother.model_std, dtype=torch.float64).mean())]
    for _ in range(rounds):
        path = smoother.smooth(start, values)
        fit_flow_map(flow, path.mean(-2), iterations=iterations)
        std = _missed(flow, path)
        smoother = dataclasses.replace(smoother, model_std=std, seed=smoother.seed + 1)
        history.append(float(std.mean()))
    return Refined(smoother, path.mean(-2), history)


@torch.no_grad()
def _missed(flow: FlowMap, path: Path) -> Float[Tensor, "n"]:
    """Root mean square of what the flow map misses from each member to the same member one interval later."""
    before, after = path[:-1].flatten(0, -2), path[1:].flatten(0, -2)
    return (flow(before) - after).square().mean(0).sqrt()


def _check(start: Tensor, values: Tensor) -> None:
    if start.ndim < 2 or start.shape[-2] < 2:
        raise OptionError(f"start has shape {tuple(start.shape)}, expected [..., member, n] with at least 2 members")
    if start.shape[:-2] != values.shape[1:-1]:
        raise ShapeError(
            f"start {tuple(start.shape)} holds ensembles of series {tuple(start.shape[:-2])}, values "
            f"{tuple(values.shape)} are of series {tuple(values.shape[1:-1])}: expected [*series, member, n] and "
            f"[time, *series, d]"
        )
    if not bool(torch.isfinite(start).all()):
        raise NonFiniteError(f"{int((~torch.isfinite(start)).sum())} numbers of start are not finite")


def _require_finite(ensemble: Tensor, time: int) -> None:
    bad = int((~torch.isfinite(ensemble).all(-1)).sum())
    if bad:
        raise NonFiniteError(
            f"the model sent {bad} members to infinity in interval {time}: start nearer, "
            f"or give the model more substeps"
        )
