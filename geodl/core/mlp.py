"""The one dense network that the families share."""

import itertools
from collections.abc import Sequence
from typing import Literal

from torch import nn

from geodl.errors import UnknownNameError, did_you_mean

Activation = Literal["tanh", "silu", "gelu", "relu"]
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "relu": nn.ReLU,
}


def activation(name: str) -> nn.Module:
    """An activation by name.

    Raises:
        UnknownNameError: it does not exist.
    """
    if name not in _ACTIVATIONS:
        raise UnknownNameError(f"there is no activation {name!r}. {did_you_mean(name, _ACTIVATIONS)}")
    return _ACTIVATIONS[name]()


def mlp(sizes: Sequence[int], name: str = "tanh") -> nn.Sequential:
    """Dense layers of the given sizes, ``[*batch, sizes[0]]`` to ``[*batch, sizes[-1]]``, the last one linear.

    Raises:
        UnknownNameError: the activation does not exist.
    """
    layers: list[nn.Module] = []
    for wide, narrow in itertools.pairwise(sizes):
        layers += [nn.Linear(wide, narrow), activation(name)]
    return nn.Sequential(*layers[:-1])
