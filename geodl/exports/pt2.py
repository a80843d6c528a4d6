"""A surrogate as a compiled package of torch, for the device that it is on."""

import tempfile
from pathlib import Path

import torch

from geodl.core.surrogate import Surrogate
from geodl.errors import ExportError
from geodl.exports.graph import Traced, traced


def package(surrogate: Surrogate) -> tuple[bytes, Traced]:
    """A package that `torch._inductor.aoti_load_package` loads, and C++ without Python, and what it was made from.

    Raises:
        ExportError: it cannot be traced, or there is no compiler of C++ that torch can use.
    """
    made = traced(surrogate)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "surrogate.pt2"))
        try:
            with torch.no_grad():
                torch._inductor.aoti_compile_and_package(made.program, package_path=path)
        except Exception as error:  # the compiler has no error class of its own
            raise ExportError(f"torch cannot compile it: {str(error).splitlines()[0]}") from error
        return Path(path).read_bytes(), made
