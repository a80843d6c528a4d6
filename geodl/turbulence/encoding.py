"""What a network sees of a cell: features, tensors of unit length, and an energy to measure k against."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from geodl.turbulence.datasets.completion import FLOOR, SMALL
from geodl.turbulence.physics.blocks import CELLS
from geodl.turbulence.physics.features import FEATURES, features
from geodl.turbulence.physics.mean_flow import MeanFlow, norm
from geodl.turbulence.physics.tensor_basis import (
    DEGREES,
    GRADIENT_DEGREES,
    basis_components_of_block,
    bounded_of_block,
    gradient_components_of_block,
)

Basis = Literal["pope", "extended", "fixed"]
TENSORS: dict[str, int] = {"pope": len(DEGREES), "extended": len(DEGREES) + len(GRADIENT_DEGREES), "fixed": 5}
_LARGE = 1e10  # in any unit: what is longer is shortened to it, so that products stay numbers in float32


def encode(inputs: tuple[Tensor, ...], names: Sequence[str], chosen: str, basis: Basis) -> tuple[Tensor, ...]:
    """Features ``[cell, feature]``, components of the tensors ``[cell, tensor, 5]``, an energy and k/ω ``[cell]``.

    Args:
        inputs: in the layout's units, by ``names`` of the attributes of :class:`MeanFlow`.
        chosen: name of a set of features.
        basis: Pope's ten tensors, with the two of ∇k (extended), or five constant ones, which makes the network a
            plain one whose outputs are components in a fixed frame.
    """
    blocks = zip(*(x.split(CELLS) for x in inputs), strict=True)
    parts = [_encoded(dict(zip(names, block, strict=True)), chosen, basis) for block in blocks]
    return tuple(torch.cat(part) for part in zip(*parts, strict=True))


def _encoded(inputs: dict[str, Tensor], chosen: str, basis: Basis) -> tuple[Tensor, ...]:
    flow = _mean_flow(inputs)
    return features(flow, FEATURES[chosen]), _tensors(flow, basis), flow.energy, flow.k / flow.omega


def _mean_flow(inputs: dict[str, Tensor]) -> MeanFlow:
    """Cells last, and floors under k, omega and nu: only numbers that are none give none."""
    turned = {name: _shortened(x.movedim(0, -1).contiguous()) for name, x in inputs.items()}
    size = turned["gradient"].flatten(0, 1).norm(dim=0)
    turned["omega"] = torch.maximum(turned["omega"], FLOOR * size + SMALL)
    turned |= {name: turned[name].clamp(min=SMALL) for name in ("k", "nu") if name in turned}
    return MeanFlow(**turned)


def _shortened(x: Tensor) -> Tensor:
    """Tensors, vectors and scalars of a block, none longer than ``_LARGE``; directions are kept."""
    low, high = x.aminmax()
    if low >= -_LARGE and high <= _LARGE:
        return x
    return x * (_LARGE / norm(x.reshape(-1, x.shape[-1])).clamp(min=_LARGE))


def _tensors(flow: MeanFlow, basis: Basis) -> Tensor:
    if basis == "fixed":
        return torch.eye(5).to(flow.k).expand(len(flow.k), 5, 5)
    parts = [basis_components_of_block(flow.s, flow.r)]
    if basis == "extended":
        parts.append(gradient_components_of_block(flow.s, flow.n))
    return bounded_of_block(torch.cat(parts)).movedim(-1, 0).contiguous()
