"""Interleaved timing: rivals take turns in one process, so that a busy machine slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping


def interleaved(rivals: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every round of every rival, after one round to warm up."""
    for call in rivals.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, call in rivals.items():
            begin = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def median_difference(seconds: Mapping[str, list[float]], one: str, other: str) -> float:
    """Median over the rounds of how much longer ``one`` took than ``other``."""
    return statistics.median(a - b for a, b in zip(seconds[one], seconds[other], strict=True))


def median_ratio(seconds: Mapping[str, list[float]], one: str, other: str) -> float:
    """Median over the rounds of how many times longer ``one`` took than ``other``."""
    return statistics.median(a / b for a, b in zip(seconds[one], seconds[other], strict=True))


def repeated(call: Callable[[], object], times: int) -> Callable[[], None]:
    """As many calls in a row."""

    def calls() -> None:
        for _ in range(times):
            call()

    return calls
