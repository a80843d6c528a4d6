"""Timing in turns: rivals see the same machine, however busy it is."""

import time
from collections.abc import Callable, Mapping

import numpy as np

TURN = 0.03  # s of calls in a row: a simulation calls again and again, and the first call finds the caches of a rival


def in_turns(contestants: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Median of what each says it took; the first turn is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats + 1):
        for name, run in contestants.items():
            taken[name].append(run())
    return {name: float(np.median(times[1:])) for name, times in taken.items()}


def per_call(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Mean seconds of the calls that fill a turn, at least one, by a clock."""
    begin, calls = clock(), 0
    while calls == 0 or clock() - begin < TURN:
        call()
        calls += 1
    return (clock() - begin) / calls
