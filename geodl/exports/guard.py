"""The domain of validity in C: what guard.h reads."""

from pathlib import Path

import numpy as np

from geodl.core.guard import Guard

SOURCE = Path(__file__).with_name("c") / "guard.h"
ROUNDING = 100  # units of the last digit: a sample of training that lies on a limit is inside, however it is rounded


def guard_tables(guard: Guard) -> dict[str, np.ndarray | float]:
    """Constants of a guard by name."""
    threshold = float(guard.threshold) * (1 + ROUNDING * np.finfo(float).eps)
    return {
        "GUARD_MIDDLE": guard.middle.numpy(),
        "GUARD_REACH": threshold * guard.half_range.numpy(),
        "GUARD_MEAN": guard.mean.numpy(),
        "GUARD_WHITEN": triangle(guard.whiten.numpy()),
        "GUARD_FARTHEST": (threshold * float(guard.farthest)) ** 2,
    }


def triangle(whiten: np.ndarray) -> np.ndarray:
    """An upper triangle by columns, as `whitened` reads it; the rest of each is zero."""
    return np.concatenate([column[: k + 1] for k, column in enumerate(whiten.T)])
