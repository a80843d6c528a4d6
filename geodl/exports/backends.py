"""What runs an exported folder: a library that is compiled here, onnxruntime, or torch."""

import abc
import ctypes
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from geodl.core.compiler import build
from geodl.errors import ExportError, MissingPackageError

Value = np.ndarray | float
Description = Mapping[str, Any]
KINDS = {"float64": "", "float32": "_float"}  # and how the function of C of each is called besides


class Library:
    """The C of a folder, compiled at its first use on this machine and kept."""

    def __init__(self, folder: Path, description: Description):
        self.name, axes = description["name"], description["axes"]
        include, text = f'#include "{self.name}.h"', (folder / f"{self.name}.c").read_text("utf-8")
        library = ctypes.CDLL(str(build(text.replace(include, (folder / f"{self.name}.h").read_text("utf-8")))))
        call = f"{self.name}_{description['call']}"
        self._calls = {np.dtype(kind): getattr(library, call + suffix) for kind, suffix in KINDS.items()}
        self._message = getattr(library, f"{self.name}_message")
        self._message.restype = ctypes.c_char_p
        self._sizes = [ctypes.c_int(len(labels)) for labels in axes.values()]
        self.dtypes = tuple(KINDS)

    def bound(self, values: Sequence[Value], status: np.ndarray, dtype: np.dtype) -> Callable[[], None]:
        """A call that reads and writes these arrays where they are."""
        function, passed = self._calls[dtype], [*self._sizes, *map(_passed, values), _passed(status)]

        def call() -> None:
            if error := function(ctypes.c_long(len(status)), *passed):
                raise ExportError(f"{self.name} refused the call: {self._message(error).decode()}")

        return call


def _passed(value: Value) -> Any:
    return ctypes.c_double(value) if isinstance(value, float) else ctypes.c_void_p(value.ctypes.data)


class Graph(abc.ABC):
    """A graph in a runtime of tensors, which makes new arrays: they are copied into those that are bound."""

    def __init__(self, description: Description):
        self.dtypes = (description["dtype"],)
        self._inputs = [a["name"] for a in description["arguments"] if a["kind"] == "in"]

    def bound(self, values: Sequence[Value], status: np.ndarray, dtype: np.dtype) -> Callable[[], None]:
        """A call that reads and writes these arrays."""
        del dtype  # there is one
        count = len(self._inputs)

        def call() -> None:
            if not len(status):
                return
            for to, made in zip((*values[count:], status), self.run(values[:count]), strict=True):
                to[...] = made  # type: ignore[index]

        return call

    @abc.abstractmethod
    def run(self, inputs: Sequence[Value]) -> Sequence[np.ndarray]:
        """Outputs and status."""


class Onnx(Graph):
    """By onnxruntime, on one thread: a solver has its own."""

    def __init__(self, folder: Path, description: Description):
        super().__init__(description)
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingPackageError("the format onnx needs the extra: pip install 'geodl[onnx]'") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(folder / f"{description['name']}.onnx"), options)

    def run(self, inputs: Sequence[Value]) -> Sequence[np.ndarray]:
        return self._session.run(None, dict(zip(self._inputs, inputs, strict=True)))


class Package(Graph):
    """By torch, on the device that it was compiled for."""

    def __init__(self, folder: Path, description: Description):
        import torch

        super().__init__(description)
        self._call = torch._inductor.aoti_load_package(str(folder / f"{description['name']}.pt2"))
        self._device = description["device"]

    def run(self, inputs: Sequence[Value]) -> Sequence[np.ndarray]:
        import torch

        given = (torch.as_tensor(x, device=self._device) for x in inputs)
        with torch.no_grad():
            return [x.cpu().numpy() for x in self._call(*given)]


BACKENDS: dict[str, Callable[[Path, Description], Any]] = {"c": Library, "onnx": Onnx, "pt2": Package}
