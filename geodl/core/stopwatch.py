"""Seconds of work that may be stopped and gone on with."""

import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from geodl.core.files import write_bytes
from geodl.errors import OutputError

T = TypeVar("T")
TRIES = "tries.json"


def timed(work: Callable[[], T], folder: Path | None = None) -> tuple[T, float]:
    """What a work gives, and how many seconds it took.

    Args:
        folder: keeps what the work has finished; then all tries count, also those of its parts in folders below, where
            they were made on their own. One that was killed counts until the last file that it wrote there: what came
            after was lost, and is done again.
    Raises:
        OutputError: the folder cannot be made, or written to.
    """
    earlier = [] if folder is None else _tries(folder)
    begin = time.time()
    _keep(folder, [*earlier, [begin, None]])
    found = work()
    tries = [*earlier, [begin, time.time()]]
    _keep(folder, tries)
    below = [] if folder is None else [path.parent for path in folder.glob(f"*/**/{TRIES}")]
    return found, _covered([*tries, *(each for part in below for each in _tries(part))])


def _covered(tries: list[list[float]]) -> float:
    """Seconds in which there was a try; what several share counts once."""
    total, reached = 0.0, -math.inf
    for begin, end in sorted(tries):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _tries(folder: Path) -> list[list[float]]:
    """Begin and end of every try so far."""
    if not (folder / TRIES).exists():
        return []
    written = [path.stat().st_mtime for path in folder.rglob("*") if path.name != TRIES]
    return [
        [begin, max([begin, *written]) if end is None else end]
        for begin, end in json.loads((folder / TRIES).read_text())
    ]


def _keep(folder: Path | None, tries: Sequence[Sequence[float | None]]) -> None:
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error
    write_bytes(folder / TRIES, json.dumps(tries).encode(), overwrite=True)
