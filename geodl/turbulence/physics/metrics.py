"""Scores of predicted anisotropies ``[*n, 3, 3]`` against true ones, over all cells given; mask before."""

from jaxtyping import Float
from torch import Tensor

from geodl.turbulence.physics.realizability import is_realizable

_SIX = (0, 0, 0, 1, 1, 2), (0, 1, 2, 1, 2, 2)


def frobenius_error(predicted: Float[Tensor, "*n 3 3"], truth: Float[Tensor, "*n 3 3"]) -> Float[Tensor, ""]:
    """F = sqrt(mean over cells of sum_ij (b_ij − b_true_ij)²)."""
    return (predicted - truth).square().sum((-2, -1)).mean().sqrt()


def pooled(errors: Float[Tensor, "case"], cells: Float[Tensor, "case"]) -> Float[Tensor, ""]:
    """One F of several cases: sqrt(sum n F²/sum n) with n cells in each."""
    return ((cells * errors.square()).sum() / cells.sum()).sqrt()


def rmse_nine(predicted: Float[Tensor, "*n 3 3"], truth: Float[Tensor, "*n 3 3"]) -> Float[Tensor, ""]:
    """Root mean square over cells and all nine entries, F/3 (Ling et al. 2016)."""
    return frobenius_error(predicted, truth) / 3


def rmse_six(predicted: Float[Tensor, "*n 3 3"], truth: Float[Tensor, "*n 3 3"]) -> Float[Tensor, ""]:
    """Root mean square over cells and the six entries xx xy xz yy yz zz (Kaandorp & Dwight 2020).

    Between F/√12 and F/√6, and not invariant: rotating the axes changes it.
    """
    return _six(predicted - truth).square().mean().sqrt()


def r2_six(predicted: Float[Tensor, "*n 3 3"], truth: Float[Tensor, "*n 3 3"]) -> Float[Tensor, ""]:
    """1 − sum (b − b_true)²/sum (b_true − mean)² over six entries; the mean is that of every entry over these cells."""
    true = _six(truth).flatten(0, -2)
    return 1 - _six(predicted - truth).square().sum() / (true - true.mean(0)).square().sum()


def nonrealizable_share(anisotropy: Float[Tensor, "*n 3 3"], tolerance: float = 1e-6) -> Float[Tensor, ""]:
    """Share of cells with an eigenvalue outside of [−1/3, 2/3]; cells that are not numbers count."""
    return (~is_realizable(anisotropy, tolerance)).to(anisotropy.dtype).mean()


def largest_norm(anisotropy: Float[Tensor, "*n 3 3"]) -> Float[Tensor, ""]:
    """max |b| over the cells; above sqrt(2/3) = 0.8165 some cell is not realizable."""
    return anisotropy.square().sum((-2, -1)).max().sqrt()


def _six(tensor: Tensor) -> Tensor:
    return tensor[..., _SIX[0], _SIX[1]]
