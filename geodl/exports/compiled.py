"""From a surrogate to its C, compiled and loaded."""

import tempfile
from pathlib import Path

from geodl.core.surrogate import Surrogate
from geodl.exports.export import export
from geodl.exports.handle import Handle


def compiled(surrogate: Surrogate) -> Handle:
    """The handle of a folder that is not kept.

    Raises:
        ExportError: it cannot be written in C.
        CompilerError: there is no C compiler.
    """
    with tempfile.TemporaryDirectory() as folder:
        return Handle(export(surrogate, Path(folder, "surrogate")))
