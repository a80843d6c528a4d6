"""Timing in turns: rivals see the same machine, however busy it is."""

from collections.abc import Callable, Mapping

import numpy as np


def in_turns(contestants: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Median of what each says it took; the first turn is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats + 1):
        for name, run in contestants.items():
            taken[name].append(run())
    return {name: float(np.median(times[1:])) for name, times in taken.items()}
