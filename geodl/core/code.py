"""What a family says of its surrogates in C: hand-written sources, the tables that they read, and their arguments."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn


@dataclasses.dataclass(frozen=True)
class Argument:
    """An array, or a number, that the exported function takes.

    Attributes:
        kind: "in" and "out" are arrays of the caller's precision, one row for each cell; "option" is one double for all
            cells.
        sizes: names of the axes after that of the cells, the last one running fastest.
    """

    name: str
    units: str
    about: str
    kind: Literal["in", "out", "option"] = "in"
    sizes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class DenseLayers:
    """Weights [outputs, inputs] and biases [outputs] of the layers of a network; between them the activation, by the
    name that it has in vector.h. The last layer sees the inputs of the network once more after its own, where it is
    ``straight``."""

    layers: Sequence[tuple[np.ndarray, np.ndarray]]
    activation: str = "LINEAR"
    straight: bool = False

    @property
    def inputs(self) -> int:
        return int(self.layers[0][0].shape[1])

    @property
    def outputs(self) -> int:
        return int(self.layers[-1][0].shape[0])

    @classmethod
    def of(cls, network: nn.Sequential, straight: nn.Linear | None = None) -> "DenseLayers":
        """Of the shared dense network; what goes straight to its outputs joins the inputs of the last layer."""
        found = [layer for layer in network if isinstance(layer, nn.Linear)]
        pairs = [(_array(layer.weight), _array(layer.bias)) for layer in found]
        if straight is not None:
            weight, bias = pairs[-1]
            pairs[-1] = np.concatenate([weight, _array(straight.weight)], axis=1), bias
        activation = type(network[1]).__name__.upper() if len(network) > 1 else "LINEAR"
        return cls(pairs, activation, straight is not None)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()


@dataclasses.dataclass(frozen=True)
class Code:
    """A surrogate in C.

    Attributes:
        call: verb of the function, such as "predict".
        arguments: of the function, in order; the number of cells comes before them, a status array after them.
        axes: labels of the axes that arguments have.
        status: meaning of the values of the status array, from 0 on.
        sizes: integer constants of the sources, or names of others.
        tables: numbers, arrays and networks that the sources read, by name; lists of networks are members.
        sources: files of C, in the order in which they stand. They define ``answer``, see ``exports/c/run.h``.
        fingerprint: what a solver must have the same: of a mechanism, or of the schema.
        double: whether dense networks compute in double.
        inputs: values of inputs and options for so many cells like those of training, drawn from a seed.
        answer: outputs and status of such, computed in Python.
        dense: name of the table of the network, or of its members, whose derivatives are offered.
        untouched: status of cells that have no answer, whose outputs are left as they were; -1 where there is none.
    """

    call: str
    arguments: tuple[Argument, ...]
    axes: Mapping[str, tuple[str, ...]]
    status: tuple[str, ...]
    sizes: Mapping[str, int | str]
    tables: Mapping[str, Any]
    sources: tuple[Path, ...]
    fingerprint: str
    double: bool
    inputs: Callable[[int, int], tuple[Any, ...]]
    answer: Callable[..., tuple[np.ndarray, ...]]
    dense: str = ""
    untouched: int = -1

    @property
    def members(self) -> tuple[DenseLayers, ...]:
        """Of the dense part."""
        found = self.tables.get(self.dense, [])
        return tuple(found) if isinstance(found, list) else (found,)
