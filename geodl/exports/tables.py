"""Numbers, arrays and dense networks as C: exact, and in the order in which dense.h reads them."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from geodl.core.code import DenseLayers

TILE = 8  # outputs of a layer side by side, as in dense.h
_PER_LINE = 8
_ZEROS = re.compile(r"\.?0+p")


def tables(given: Mapping[str, Any]) -> Iterator[str]:
    """Definitions of constants, in the order given."""
    for name, value in given.items():
        if isinstance(value, DenseLayers):
            yield from _network(name, value)
        elif isinstance(value, list):
            yield from _members(name, value)
        elif np.ndim(value):
            yield _array(name, np.asarray(value))
        else:
            yield f"static const double {name} = {number(value)};"


def number(value: Any) -> str:
    """Hexadecimal, so that it is the same to the last bit."""
    value = float(value)
    if math.isfinite(value):
        return _ZEROS.sub("p", value.hex())
    return {math.inf: "INFINITY", -math.inf: "-INFINITY"}.get(value, "NAN")


def _array(name: str, values: np.ndarray, kind: str = "double") -> str:
    kind = "int" if values.dtype.kind in "biu" else kind
    sizes = "".join(f"[{size}]" for size in values.shape)
    aligned = " ALIGNED" if kind == "real" else ""  # weights are read as vectors
    return f"static const {kind} {name}{sizes}{aligned} = {_braces(values)};"


def _braces(values: np.ndarray) -> str:
    if values.ndim > 1:
        return "{" + ",\n".join(map(_braces, values)) + "}"
    words = [str(int(x)) if values.dtype.kind in "biu" else number(x) for x in values]
    lines = (", ".join(words[i : i + _PER_LINE]) for i in range(0, len(words), _PER_LINE))
    return "{" + ",\n    ".join(lines) + "}"


def _network(name: str, network: DenseLayers) -> Iterator[str]:
    for i, (weight, bias) in enumerate(network.layers):
        yield _array(f"{name}_{i}", packed(weight, bias), "real")
    yield f"static const Layer {name}[{len(network.layers)}] = {_rows(name, network)};"


def _members(name: str, members: list[DenseLayers]) -> Iterator[str]:
    for m, network in enumerate(members):
        for i, (weight, bias) in enumerate(network.layers):
            yield _array(f"{name}_{m}_{i}", packed(weight, bias), "real")
    rows = ",\n".join(_rows(f"{name}_{m}", network) for m, network in enumerate(members))
    yield f"static const Layer {name}[{len(members)}][{len(members[0].layers)}] = {{{rows}}};"


def _rows(name: str, network: DenseLayers) -> str:
    rows = (f"{{{w.shape[1]}, {w.shape[0]}, {name}_{i}}}" for i, (w, _) in enumerate(network.layers))
    return "{" + ", ".join(rows) + "}"


def packed(weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Of every tile of outputs the biases, then the weights of each input; missing outputs are zeros."""
    outputs, inputs = weight.shape
    rows = np.zeros((-(-outputs // TILE) * TILE, 1 + inputs))
    rows[:outputs] = np.concatenate([bias[:, None], weight], axis=1)
    return rows.reshape(-1, TILE, 1 + inputs).transpose(0, 2, 1).reshape(-1)
