"""The same weights with the sum of the mass fractions put right, and no element: what others do."""

import copy
import dataclasses

import torch
from torch import Tensor, nn

from geodl.chemistry.surrogate.kinetics_network import KineticsNetwork
from geodl.chemistry.surrogate.projection import Projected, Projection
from geodl.core.surrogate import Surrogate


class SumProjection(nn.Module):
    """Scales raw compositions [species, cell] to the sum that those before have; counts elements like another one.

    Source: Mao et al. 2023, DeepFlame, Comput. Phys. Commun. 291, 108842, for doing so.
    """

    def __init__(self, projection: Projection):
        super().__init__()
        self.amounts = projection.amounts

    def forward(self, raw: Tensor, before: Tensor) -> Projected:
        factor = before.sum(0) / raw.sum(0)
        return Projected(raw * factor, (factor - 1).abs(), torch.zeros_like(factor, dtype=torch.bool))


def renormalised(surrogate: Surrogate) -> Surrogate:
    """A copy of a surrogate that keeps the sum of the mass fractions instead of the elements."""
    core = copy.deepcopy(surrogate.core)
    assert isinstance(core.network, KineticsNetwork)
    core.network.projection = SumProjection(core.network.projection)  # type: ignore[assignment]
    return dataclasses.replace(surrogate, core=core)
