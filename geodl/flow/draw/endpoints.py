"""What the server answers, without HTTP: a path and a body in, JSON values out."""

import itertools
import math
import threading
import time
from typing import Any

import numpy as np
from torch import Tensor

from geodl.errors import GeodlError, OptionError
from geodl.flow.draw.canvas import Canvas
from geodl.flow.draw.flow import Flow, pictures
from geodl.flow.draw.march import Marching, march
from geodl.flow.draw.predictor import Prediction, Predictor
from geodl.flow.draw.query import REYNOLDS, Query
from geodl.flow.draw.run import Run
from geodl.flow.geometry.frontal_height import frontal_height
from geodl.flow.geometry.grid import Grid

PATIENCE = 0.5  # seconds that a question for progress waits for news


class Refused(GeodlError):
    """A request that is not answered, with the HTTP status that says why."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class Endpoints:
    """Answers for one surrogate; ``march`` is the solver to compare with."""

    def __init__(self, predictor: Predictor, march: Marching = march):
        self.canvas = Canvas(predictor.grid)
        self._predictor, self._march = predictor, march
        self._comparison: _Comparison | None = None
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Predict a square once, so that the first drawing does not wait for what is loaded on first use."""
        mask = np.zeros((self.canvas.rows, self.canvas.columns), bool)
        rows, columns = (slice(3 * size // 8, 5 * size // 8) for size in mask.shape)
        mask[rows, columns] = True
        drawing = _Drawing(self.canvas.signed_distance(mask), self.canvas.grid, REYNOLDS[0])
        drawing.predicted(self._predictor, time.perf_counter())

    def domain(self) -> dict[str, Any]:
        """Size of the canvas in pixels and metres, and what may be asked."""
        canvas, grid = self.canvas, self.canvas.grid
        size = {"columns": canvas.columns, "rows": canvas.rows, "width": grid.width, "height": grid.height}
        return {**size, "cell": grid.spacing, "cells": [grid.nx, grid.ny], "reynolds": list(REYNOLDS)}

    def predict(self, body: bytes) -> dict[str, Any]:
        """The predicted flow around a drawing."""
        began = time.perf_counter()
        return self._read(body).predicted(self._predictor, began)

    def solve(self, body: bytes) -> dict[str, Any]:
        """Begin a run of the solver; its number asks for progress.

        Raises:
            Refused: another is running.
        """
        asked = self._read(body)
        with self._lock:
            running = self._comparison
            if running is not None and running.run.phase == "running":
                raise Refused(409, f"run {running.number} is not finished: wait for it, or cancel it")
            self._comparison = _Comparison(next(self._numbers), asked, self._predictor, self._march)
            return self._comparison.status()

    def progress(self, number: str) -> dict[str, Any]:
        """Where a run stands: answers when there is news, or after a moment."""
        found = self._found(number)
        found.run.wait(PATIENCE)
        return found.status()

    def cancel(self, number: str) -> dict[str, Any]:
        """Stop a run."""
        found = self._found(number)
        found.run.cancel()
        found.run.wait(PATIENCE)
        return found.status()

    def _read(self, body: bytes) -> "_Drawing":
        query, canvas = Query.read(body), self.canvas
        if (query.columns, query.rows) != (canvas.columns, canvas.rows):
            raise OptionError(
                f"the canvas is {query.columns}x{query.rows}, expected {canvas.columns}x{canvas.rows} as /domain says"
            )
        return _Drawing(canvas.signed_distance(canvas.mask(query.bits)), canvas.grid, query.reynolds)

    def _found(self, number: str) -> "_Comparison":
        latest = self._comparison
        if latest is None or str(latest.number) != number:
            raise Refused(404, f"there is no run {number[:20]!r}: only the latest is kept")
        return latest


class _Drawing:
    """A body in the domain at a Reynolds number."""

    def __init__(self, signed_distance: Tensor, grid: Grid, reynolds: float):
        self.signed_distance, self.grid, self.reynolds = signed_distance, grid, reynolds
        self.height = float(frontal_height(signed_distance, grid))
        self.fluid = (signed_distance > 0).numpy()

    def fields(self, flow: Flow) -> dict[str, np.ndarray]:
        return flow.fields(self.height, self.grid.spacing)

    def predicted(self, predictor: Predictor, began: float) -> dict[str, Any]:
        found = predictor(self.signed_distance, self.reynolds)
        return {
            "fields": pictures(self.fields(found.flow), self.fluid),
            "drag": _with_ends(found.flow.drag, found.drag),
            "lift": _with_ends(found.flow.lift, found.lift),
            "in_domain": found.in_domain,
            "frontal_height": self.height,
            "milliseconds": round(1000 * (time.perf_counter() - began), 1),
        }


class _Comparison:
    """A run of the solver beside the prediction for the same drawing."""

    def __init__(self, number: int, drawing: _Drawing, predictor: Predictor, march: Marching):
        self.number, self.drawing = number, drawing
        self.prediction: Prediction = predictor(drawing.signed_distance, drawing.reynolds)
        asked = (drawing.signed_distance, drawing.grid, drawing.height, drawing.reynolds)
        self.run = Run(lambda: march(*asked))

    def status(self) -> dict[str, Any]:
        run = self.run
        phase, latest = run.phase, run.latest
        found: dict[str, Any] = {"id": self.number, "phase": phase, "seconds": round(run.seconds, 2)}
        if run.message:
            found["message"] = run.message
        return found | (self._compared(*latest) if latest else {"progress": 0.0})

    def _compared(self, share: float, solved: Flow) -> dict[str, Any]:
        predicted, drawing = self.prediction.flow, self.drawing
        ours, truth = drawing.fields(predicted), drawing.fields(solved)
        return {
            "progress": share,
            "fields": pictures(truth, drawing.fluid),
            "difference": pictures({name: ours[name] - truth[name] for name in truth}, drawing.fluid),
            "drag": _number(solved.drag),
            "lift": _number(solved.lift),
            "relative_l2": _number(predicted.distance(solved, drawing.fluid)),
        }


def _with_ends(value: float, ends: tuple[float, float]) -> dict[str, float | None]:
    return {"value": _number(value), "low": _number(ends[0]), "high": _number(ends[1])}


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
