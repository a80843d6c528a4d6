"""A progress bar for anything that may take longer than two seconds; silent where nobody watches a terminal."""

import contextlib
from collections.abc import Iterator
from typing import Protocol


class Advance(Protocol):
    """Moves a bar to ``done`` with a note beside it."""

    def __call__(self, done: int, note: str = "") -> None: ...


def _silent(done: int, note: str = "") -> None:
    del done, note


@contextlib.contextmanager
def progress(about: str, total: int, *, show: bool = True) -> Iterator[Advance]:
    """Yields ``advance(done, note)``; the bar is drawn on standard error and vanishes at the end."""
    if not show:
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(about, total=total, note="")

        def advance(done: int, note: str = "") -> None:
            bar.update(task, completed=done, note=note)

        yield advance
