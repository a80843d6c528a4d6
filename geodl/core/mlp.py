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


def mlp(sizes: Sequence[int], activation: str = "tanh") -> nn.Sequential:
    """Dense layers of the given sizes, ``[*batch, sizes[0]]`` to ``[*batch, sizes[-1]]``, the last one linear.

    Raises:
        UnknownNameError: the activation does not exist.
    """
    if activation not in _ACTIVATIONS:
        raise UnknownNameError(f"there is no activation {activation!r}. {did_you_mean(activation, _ACTIVATIONS)}")
    layers: list[nn.Module] = []
    for wide, narrow in itertools.pairwise(sizes):
        layers += [nn.Linear(wide, narrow), _ACTIVATIONS[activation]()]
    return nn.Sequential(*layers[:-1])
