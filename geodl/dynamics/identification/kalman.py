"""Linear systems with normal noise: the exact filter and smoother, against which ensembles are judged."""

import dataclasses

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.errors import NonFiniteError, ShapeError


@dataclasses.dataclass(frozen=True)
class LinearSystem:
    """u⁺ = M u + N(0, Q), observed as y = H u + N(0, R).

    Attributes:
        model: M, over one interval.
        model_noise: Q.
        operator: H.
        noise: R, positive definite.
    Raises:
        ShapeError: the matrices do not fit together.
    """

    model: Float[Tensor, "n n"]
    model_noise: Float[Tensor, "n n"]
    operator: Float[Tensor, "d n"]
    noise: Float[Tensor, "d d"]

    def __post_init__(self) -> None:
        d, n = self.operator.shape
        shapes = {name: tuple(matrix.shape) for name, matrix in vars(self).items()}
        if shapes != {"model": (n, n), "model_noise": (n, n), "operator": (d, n), "noise": (d, d)}:
            raise ShapeError(f"matrices of shapes {shapes}, expected [n, n], [n, n], [d, n] and [d, d]")


@dataclasses.dataclass(frozen=True)
class Gaussians:
    """A normal distribution of the state at each time."""

    mean: Float[Tensor, "time n"]
    covariance: Float[Tensor, "time n n"]


def kalman_filter(
    system: LinearSystem, mean: Float[Tensor, "n"], covariance: Float[Tensor, "n n"], values: Float[Tensor, "time d"]
) -> Gaussians:
    """Distribution of each state, given the values up to its time.

    Args:
        mean, covariance: of the state at the time of the first values, before they are known.
        values: observed values; NaN where there is none.
    Raises:
        ShapeError: another number of values than the operator gives.
        NonFiniteError: infinite values.
    Source: Kalman 1960, J. Basic Eng. 82, 35; covariance in the form of Joseph, which rounding leaves positive.
    """
    _check(system, values)
    states = list[tuple[Tensor, Tensor]]()
    for time, present in enumerate(values):
        if time:
            mean = system.model @ mean
            covariance = system.model @ covariance @ system.model.mT + system.model_noise
        mean, covariance = _analyse(system, mean, covariance, present)
        states.append((mean, covariance))
    means, covariances = zip(*states, strict=True)
    return Gaussians(torch.stack(means), torch.stack(covariances))


def _analyse(system: LinearSystem, mean: Tensor, covariance: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    seen = ~torch.isnan(values)
    h, r = system.operator[seen], system.noise[seen][:, seen]
    gain = torch.linalg.solve(h @ covariance @ h.mT + r, h @ covariance).mT
    rest = torch.eye(len(mean)).to(mean) - gain @ h
    return mean + gain @ (values[seen] - h @ mean), rest @ covariance @ rest.mT + gain @ r @ gain.mT


def kalman_smoother(system: LinearSystem, filtered: Gaussians) -> Gaussians:
    """Distribution of each state, given the values of all times, from what `kalman_filter` found.

    Source: Rauch, Tung & Striebel 1965, AIAA Journal 3, 1445.
    """
    mean, covariance = filtered.mean[-1], filtered.covariance[-1]
    states = [(mean, covariance)]
    for m, p in zip(filtered.mean[:-1].flip(0), filtered.covariance[:-1].flip(0), strict=True):
        ahead = system.model @ p @ system.model.mT + system.model_noise
        # The pseudo-inverse leaves directions alone in which nothing is uncertain.
        gain = p @ system.model.mT @ torch.linalg.pinv(ahead, hermitian=True)
        mean = m + gain @ (mean - system.model @ m)
        covariance = p + gain @ (covariance - ahead) @ gain.mT
        states.append((mean, covariance))
    means, covariances = zip(*reversed(states), strict=True)
    return Gaussians(torch.stack(means), torch.stack(covariances))


def _check(system: LinearSystem, values: Tensor) -> None:
    if values.shape[-1] != len(system.operator):
        raise ShapeError(f"values have {values.shape[-1]} components, the operator gives {len(system.operator)}")
    if bool(torch.isinf(values).any()):
        raise NonFiniteError("some values are infinite: mark what is missing by NaN")
