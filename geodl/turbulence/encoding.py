"""What a network sees of a cell: features, tensors of unit length, and an energy to measure k against."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from geodl.turbulence.blocks import CELLS
from geodl.turbulence.features import FEATURES, features
from geodl.turbulence.mean_flow import MeanFlow
from geodl.turbulence.tensor_basis import (
    DEGREES,
    GRADIENT_DEGREES,
    basis_components,
    components,
    gradient_basis,
    unit_basis,
)

Basis = Literal["pope", "extended", "fixed"]
TENSORS: dict[str, int] = {"pope": len(DEGREES), "extended": len(DEGREES) + len(GRADIENT_DEGREES), "fixed": 5}
_FLOOR, _SMALL = 1e-6, 1e-15  # of omega in units of the gradient, and of k; as in ``complete``


def encode(inputs: tuple[Tensor, ...], names: Sequence[str], chosen: str, basis: Basis) -> tuple[Tensor, ...]:
    """Features ``[cell, feature]``, components of the tensors ``[cell, tensor, 5]`` and an energy ``[cell]``.

    Args:
        inputs: in the layout's units, by ``names`` of the attributes of :class:`MeanFlow`.
        chosen: name of a set of features.
        basis: Pope's ten tensors, with the two of ∇k (extended), or five constant ones, which makes the network a
            plain one whose outputs are components in a fixed frame.
    """
    blocks = zip(*(x.split(CELLS) for x in inputs), strict=True)
    parts = [_encoded(dict(zip(names, block, strict=True)), chosen, basis) for block in blocks]
    return tuple(torch.cat(part) for part in zip(*parts, strict=True))


def _encoded(inputs: dict[str, Tensor], chosen: str, basis: Basis) -> tuple[Tensor, Tensor, Tensor]:
    flow = _mean_flow(inputs)
    return features(flow, FEATURES[chosen]), _tensors(flow, basis), flow.energy


def _mean_flow(inputs: dict[str, Tensor]) -> MeanFlow:
    """Cells last, and floors under k and omega: only numbers that are none give none."""
    turned = {name: x.movedim(0, -1).contiguous() for name, x in inputs.items()}
    size = turned["gradient"].flatten(0, 1).norm(dim=0)
    turned["omega"] = torch.maximum(turned["omega"], _FLOOR * size + _SMALL)
    turned["k"] = turned["k"].clamp(min=_SMALL)
    return MeanFlow(**turned)


def _tensors(flow: MeanFlow, basis: Basis) -> Tensor:
    s, one = flow.s.movedim(-1, 0), torch.ones_like(flow.k)
    if basis == "fixed":
        return torch.eye(5).to(s).expand(len(s), 5, 5)
    ten = unit_basis(basis_components(s, flow.r.movedim(-1, 0)), DEGREES, one)
    if basis == "pope":
        return ten
    two = components(gradient_basis(s, flow.n.movedim(-1, 0)))
    return torch.cat([ten, unit_basis(two, GRADIENT_DEGREES, one)], 1)
