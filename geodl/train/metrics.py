"""Scores of predictions against truth; reduced over samples, one number per entry of the trailing dimensions."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor


def rmse(predicted: Tensor, truth: Tensor) -> Tensor:
    """Root mean square error ``[*dims]``, in the units of the variable."""
    return (predicted - truth).square().mean(0).sqrt()


def mean_absolute_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute error ``[*dims]``, in the units of the variable."""
    return (predicted - truth).abs().mean(0)


def r2(predicted: Tensor, truth: Tensor) -> Tensor:
    """Coefficient of determination ``[*dims]``: 1 is perfect, 0 is as good as the mean of the truth.

    Not a number where the truth is a constant: there is nothing to explain.
    """
    variance = truth.var(0, unbiased=False)
    return 1 - (predicted - truth).square().mean(0) / torch.where(variance > 0, variance, torch.nan)


def auroc(doubt: Float[np.ndarray, "case"], event: Bool[np.ndarray, "case"]) -> float:
    """Probability that a case with the event has more doubt than one without, ties by half; NaN if there is no pair.

    Source: Mann & Whitney 1947, Ann. Math. Statist. 18, 50.
    """
    from scipy.stats import rankdata

    yes, no = int(event.sum()), int((~event).sum())
    if yes == 0 or no == 0:
        return float("nan")
    return float((rankdata(doubt)[event].sum() - yes * (yes + 1) / 2) / (yes * no))
