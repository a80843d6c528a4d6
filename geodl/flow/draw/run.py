"""A run of the solver in a thread of its own, with progress, cancel, and at most one at a time."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal

from geodl.errors import GeodlError
from geodl.flow.draw.march import State

_LOG = logging.getLogger(__name__)


class Run:
    """Consumes the states of a solver; the latest is kept, and waiting for the next is possible."""

    def __init__(self, states: Callable[[], Iterator[State]]):
        self.phase: Literal["running", "done", "cancelled", "failed"] = "running"
        self.latest: State | None = None
        self.message = ""
        self._began = time.perf_counter()
        self._seconds = 0.0
        self._cancelled = False
        self._news = threading.Condition()
        threading.Thread(target=self._work, args=(states,), daemon=True).start()

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return time.perf_counter() - self._began if self.phase == "running" else self._seconds

    def cancel(self) -> None:
        """Ends it before the next state; what has been reached stays."""
        self._cancelled = True

    def wait(self, seconds: float) -> None:
        """Return when there is news, or after a while."""
        with self._news:
            if self.phase == "running":
                self._news.wait(seconds)

    def _work(self, states: Callable[[], Iterator[State]]) -> None:
        try:
            for state in states():
                self._tell("running", state)
                if self._cancelled:
                    return self._tell("cancelled")
            self._tell("done")
        except GeodlError as error:
            self._tell("failed", message=str(error))
        except Exception:  # whatever it is, the page must hear of it
            _LOG.exception("the solver failed")
            self._tell("failed", message="the solver failed for a reason of its own, the terminal says which")

    def _tell(
        self,
        phase: Literal["running", "done", "cancelled", "failed"],
        state: State | None = None,
        *,
        message: str = "",
    ) -> None:
        with self._news:
            self._seconds = time.perf_counter() - self._began
            self.latest, self.message, self.phase = state or self.latest, message, phase
            self._news.notify_all()
