"""Where a surrogate may be trusted, and how far: a domain of validity and split-conformal intervals."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from geodl.errors import SplitError

LEAST_CALIBRATION = 10  # with nine samples or fewer a 90 % interval would have to be infinite
_RIDGE = 1e-6
_FACTORS, _WHOLE = ("log", "ln"), ("isotropic", "tensor")


def conformal_quantile(scores: Tensor, level: float) -> Tensor:
    """The ceil((n+1) level)-th smallest score along dimension 0: covers a new score with probability >= level.

    Source: Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World.

    Raises:
        SplitError: too few samples to calibrate on.
    """
    count = scores.shape[0]
    rank = math.ceil((count + 1) * level)
    if count < LEAST_CALIBRATION or rank > count:
        least = max(LEAST_CALIBRATION, math.ceil(round(level / (1 - level), 9)))
        raise SplitError(
            f"{count} validation samples are too few to calibrate on, at least {least} are needed. "
            f"Set more groups aside for validation."
        )
    return scores.kthvalue(rank, dim=0).values


class Guard(nn.Module):
    """Distance of a sample from the training data, 1 at the farthest training sample.

    The larger of two: the distance from the middle of the training range of the worst feature, and the Mahalanobis
    distance of all features together. ``threshold`` is calibrated on data that the network never trained on.
    """

    def __init__(self, features: int = 0):
        super().__init__()
        for name, shape in (
            ("middle", (features,)),
            ("half_range", (features,)),
            ("whiten", (features, features)),
        ):
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))
        self.register_buffer("farthest", torch.ones((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(features, dtype=torch.float64))
        self.register_buffer("threshold", torch.ones((), dtype=torch.float64))

    middle: Tensor
    half_range: Tensor
    whiten: Tensor
    farthest: Tensor
    mean: Tensor
    threshold: Tensor

    def fit(self, train: Tensor, held_out: Tensor, false_alarms: float) -> None:
        """Learn the domain from features ``[sample, feature]`` and calibrate the threshold on held-out ones."""
        x = train.double()
        low, high = x.amin(0), x.amax(0)
        self.middle, self.half_range = (low + high) / 2, (high - low) / 2 + _RIDGE
        self.mean = x.mean(0)
        centred = x - self.mean
        covariance = centred.mT @ centred / max(len(x) - 1, 1)
        ridge = _RIDGE * covariance.diagonal().mean().clamp(min=_RIDGE)
        factor = torch.linalg.cholesky(covariance + ridge * torch.eye(len(covariance)).to(covariance))
        self.whiten = torch.linalg.inv(factor).mT.contiguous()
        self.farthest = self._mahalanobis(x).max().clamp(min=_RIDGE)
        affordable = (len(held_out) - 0.5) / (len(held_out) + 1)  # of few samples, the farthest is the limit
        self.threshold = conformal_quantile(self.score(held_out), min(1 - false_alarms, affordable)).clamp(min=1.0)

    def _mahalanobis(self, x: Tensor) -> Tensor:
        return ((x - self.mean) @ self.whiten).norm(dim=1)

    def excess(self, features: Tensor) -> Tensor:
        """Distance of each feature from the middle of its range, in half ranges ``[sample, feature]``."""
        return (features.double() - self.middle).abs() / self.half_range

    def score(self, features: Tensor) -> Tensor:
        """Distance from the training data ``[sample]``; NaN counts as infinitely far."""
        precise = features.double()
        far = torch.maximum(self.excess(precise).amax(1), self._mahalanobis(precise) / self.farthest)
        return far.nan_to_num(nan=math.inf)

    def forward(self, features: Tensor) -> Tensor:
        """True where a sample may be trusted ``[sample]``."""
        return self.score(features) <= self.threshold

    def limits(self) -> tuple[Tensor, Tensor]:
        """Lowest and highest accepted value of each feature."""
        return self.middle - self.threshold * self.half_range, self.middle + self.threshold * self.half_range


class Intervals(nn.Module):
    """Half widths that cover ``level`` of the errors of each output, by split conformal prediction.

    What an error is follows from how the output is scaled. Vectors and tensors (isotropic, tensor): the length of the
    difference, one width for all components, so that it does not depend on the frame. Positive quantities (log, ln):
    the logarithm of the quotient, so that the interval is a factor. All others: the difference, entry by entry.
    """

    def __init__(self, scales: Sequence[str], level: float = 0.9):
        super().__init__()
        self.scales, self.level = tuple(scales), level
        for i in range(len(self.scales)):
            self.register_buffer(f"half_{i}", torch.zeros(()))

    def fit(self, predicted: Sequence[Tensor], truth: Sequence[Tensor]) -> None:
        """Calibrate on held-out samples ``[sample, *dims]`` in physical units."""
        for i, errors in enumerate(self.errors(predicted, truth)):
            setattr(self, f"half_{i}", conformal_quantile(errors, self.level))

    def halves(self) -> tuple[Tensor, ...]:
        """One half width per output: ``[*dims]``, or a single number for isotropic ones."""
        return tuple(getattr(self, f"half_{i}") for i in range(len(self.scales)))

    def errors(self, predicted: Sequence[Tensor], truth: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """What a half width is compared with, per output ``[sample, *dims]``, or ``[sample]`` for isotropic ones."""
        return tuple(_error(s, p, t) for s, p, t in zip(self.scales, predicted, truth, strict=True))

    def bounds(self, predicted: Sequence[Tensor]) -> tuple[tuple[Tensor, Tensor], ...]:
        """Low and high end per output ``[sample, *dims]``, in physical units."""
        return tuple(_bounds(s, p, h.to(p)) for s, p, h in zip(self.scales, predicted, self.halves(), strict=True))


def _error(scale: str, predicted: Tensor, truth: Tensor) -> Tensor:
    if scale in _WHOLE:
        return (predicted - truth).reshape(len(truth), -1).norm(dim=1)
    return (predicted.log() - truth.log() if scale in _FACTORS else predicted - truth).abs()


def _bounds(scale: str, predicted: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
    if scale in _FACTORS:
        return predicted * (-half).exp(), predicted * half.exp()
    return predicted - half, predicted + half
