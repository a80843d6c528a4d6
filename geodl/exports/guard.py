"""The domain of validity in C: what guard.h reads."""

from pathlib import Path

import numpy as np

from geodl.core.guard import Guard

SOURCE = Path(__file__).with_name("c") / "guard.h"
ROUNDING = 100  # units of the last digit: a sample of training that lies on a limit is inside, however it is rounded


def guard_tables(guard: Guard) -> dict[str, np.ndarray | float]:
    """Constants of a guard by name."""
    threshold = float(guard.threshold) * (1 + ROUNDING * np.finfo(float).eps)
    columns = [column[: k + 1] for k, column in enumerate(guard.whiten.numpy().T)]  # the rest of each is zero
    return {
        "GUARD_MIDDLE": guard.middle.numpy(),
        "GUARD_REACH": threshold * guard.half_range.numpy(),
        "GUARD_MEAN": guard.mean.numpy(),
        "GUARD_WHITEN": np.concatenate(columns),
        "GUARD_FARTHEST": (threshold * float(guard.farthest)) ** 2,
    }
