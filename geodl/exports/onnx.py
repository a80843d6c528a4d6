"""A surrogate as an ONNX graph, checked with onnxruntime before it is given away."""

from typing import Any

import numpy as np
import torch

from geodl.core.surrogate import Surrogate
from geodl.errors import ExportError, MissingPackageError
from geodl.exports.graph import Traced, traced

OPSET = 18
TOLERANCE = {"float32": 1e-3, "float64": 1e-9}  # relative to the largest value of an output: runtimes round otherwise


def onnx_graph(surrogate: Surrogate) -> tuple[bytes, Traced]:
    """The graph as ONNX, and what it was made from.

    Raises:
        MissingPackageError: onnx, onnxscript or onnxruntime is not installed.
        ExportError: it cannot be written, or onnxruntime gives another answer.
    """
    import_runtime()
    made = traced(surrogate.to("cpu"))
    names = list(made.recorded)
    count = len(made.inputs)
    try:
        program = torch.onnx.export(
            made.program, dynamo=True, opset_version=OPSET, input_names=names[:count], output_names=names[count:],
            verbose=False,
        )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        raise ExportError(f"there is no ONNX for a step of family {surrogate.family.name!r}: {error}") from error
    assert program is not None
    model: bytes = program.model_proto.SerializeToString()
    require_same(model, made)
    return model, made


def import_runtime() -> Any:
    """onnxruntime, with which onnx and onnxscript come in the extra.

    Raises:
        MissingPackageError: one of them is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingPackageError("the format onnx needs the extra: pip install 'geodl[onnx]'") from error
    return onnxruntime


def require_same(model: bytes, made: Traced) -> None:
    """That onnxruntime gives the recorded answers.

    Raises:
        ExportError: it does not.
    """
    session = import_runtime().InferenceSession(model)
    given = made.recorded
    found = session.run(None, {node.name: given[node.name] for node in session.get_inputs()})
    for node, values in zip(session.get_outputs(), found, strict=True):
        wanted = given[node.name]
        if wanted.dtype.kind != "f":
            close = np.array_equal(values, wanted)
        else:
            least = TOLERANCE[str(wanted.dtype)] * np.abs(wanted[np.isfinite(wanted)]).max(initial=0)
            close = np.allclose(values, wanted, rtol=0, atol=least, equal_nan=True)
        if not close:
            raise ExportError(f"onnxruntime gives another {node.name} than torch: it is not written")
