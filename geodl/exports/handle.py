"""An exported surrogate, called from Python: arrays in, arrays out, and no torch unless it was exported for torch."""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from geodl.errors import CompilerError, ExportError, ShapeError, did_you_mean
from geodl.exports.backends import BACKENDS, Value

Array = np.ndarray
FALLBACK = "onnx"


class Handle:
    """The function of a folder that `geodl.export` wrote. C is compiled at its first use on this machine and kept.

    What is in the folder runs: it must be from somebody whose programs you would run.

    Args:
        path: the folder. Where there is no C compiler, a folder that was exported with the formats c and onnx runs in
            onnxruntime, and a warning says so.
    Attributes:
        description: what schema.json says: arguments with units, axes with labels, meaning of the status.
    Raises:
        ExportError: no such folder, or files in it are not as they were written.
        CompilerError: there is no C compiler, and no graph in the folder.
        MissingPackageError: onnxruntime is needed, and not installed.
    """

    def __init__(self, path: str | Path):
        folder = Path(path)
        self.description = _described(folder)
        try:
            self._backend = BACKENDS[self.description["format"]](folder, self.description)
        except CompilerError as error:
            folder = folder / FALLBACK
            if not folder.is_dir():
                hint = f"export with format=['c', '{FALLBACK}'] to run without one"
                raise CompilerError(f"{error}. Or {hint}") from error
            warnings.warn(f"{error}; the graph in {folder} runs instead, slower", stacklevel=2)
            self.description = _described(folder)
            self._backend = BACKENDS[FALLBACK](folder, self.description)
        self._arguments = self.description["arguments"]
        self._sizes = {axis: len(labels) for axis, labels in self.description["axes"].items()}

    def __call__(self, *arrays: Any, **options: float) -> tuple[Array, ...]:
        """Outputs, in the order of the description, then the status of each cell; what C leaves untouched is 0.

        Args:
            arrays: inputs in the order of the description, [cell, …]; one number stands for all cells. C computes in
                double, or in float where all arrays are float32; a graph in the precision that it has.
            options: by name; 0 by default.
        Raises:
            ShapeError: the wrong number of arrays, or one of the wrong shape.
            ExportError: an option that does not exist, or what the code refuses.
        """
        call, made = self.bind(*arrays, **options)
        call()
        return made

    def bind(self, *arrays: Any, **options: float) -> tuple[Callable[[], None], tuple[Array, ...]]:
        """The same for a loop: a call without arguments that reads these arrays again, and the arrays it writes into.

        Inputs that are contiguous, and of one precision, are read where they are; others are copied once.

        Raises:
            ShapeError, ExportError: as a call does.
        """
        known = [argument["name"] for argument in self._arguments if argument["kind"] == "option"]
        if unknown := [name for name in options if name not in known]:
            raise ExportError(f"there is no option {unknown[0]!r}. {did_you_mean(unknown[0], known)}")
        given = self._given(arrays)
        first = next(iter(given.values()))
        values = [self._value(argument, given, options, len(first), first.dtype) for argument in self._arguments]
        status = np.zeros(len(first), np.int8)
        call = self._backend.bound(values, status, first.dtype)
        made = (value for value, a in zip(values, self._arguments, strict=True) if a["kind"] == "out")
        call.arrays = values  # kept alive as long as the call
        return call, (*made, status)  # type: ignore[arg-type]

    def _given(self, arrays: tuple[Any, ...]) -> dict[str, Array]:
        """Inputs by name, contiguous, of one precision and one number of cells."""
        wanted = [argument for argument in self._arguments if argument["kind"] == "in"]
        if len(arrays) != len(wanted):
            names = ", ".join(argument["name"] for argument in wanted)
            raise ShapeError(f"{len(arrays)} arrays were given, expected {len(wanted)}: {names}")
        plain = [np.asarray(array) for array in arrays]
        single = all(array.dtype == np.float32 for array in plain if array.ndim)
        counts = {len(array) for array in plain if array.ndim}
        if len(counts) > 1:
            raise ShapeError(f"the arrays have {sorted(counts)} cells: all must have as many")
        wished = "float32" if single and counts else "float64"
        dtype = wished if wished in self._backend.dtypes else self._backend.dtypes[0]
        return {
            a["name"]: self._shaped(a, x, max(counts, default=1), dtype) for a, x in zip(wanted, plain, strict=True)
        }

    def _shaped(self, argument: Mapping[str, Any], array: Array, cells: int, dtype: str) -> Array:
        shape = (cells, *self._shape(argument))
        if array.ndim == 0 and len(shape) == 1:
            array = np.full(shape, array)
        if array.shape != shape:
            wanted = ", ".join(["cell", *argument["sizes"]])
            raise ShapeError(f"'{argument['name']}' has shape {list(array.shape)}, expected [{wanted}] = {list(shape)}")
        return np.ascontiguousarray(array, dtype)

    def _shape(self, argument: Mapping[str, Any]) -> tuple[int, ...]:
        """Without that of the cells."""
        shapes = self.description.get("shapes", {})
        return tuple(shapes.get(argument["name"], [self._sizes.get(axis) for axis in argument["sizes"]]))

    def _value(
        self, argument: Mapping[str, Any], given: dict[str, Array], options: dict[str, float], cells: int, dtype: Any
    ) -> Value:
        if argument["kind"] == "in":
            return given[argument["name"]]
        if argument["kind"] == "option":
            return float(options.get(argument["name"], 0.0))
        return np.zeros((cells, *self._shape(argument)), dtype)


def _described(folder: Path) -> dict[str, Any]:
    """What schema.json says, after every file was compared with its sum."""
    try:
        sums = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines())
        wrong = [name for name, sum in sums.items() if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sum]
        found: dict[str, Any] = json.loads((folder / "schema.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ExportError(f"{folder} is no folder that geodl.export wrote: {error}") from error
    if wrong:
        raise ExportError(f"{folder} has files that are not as they were written: {', '.join(wrong)}. Export again.")
    return found
