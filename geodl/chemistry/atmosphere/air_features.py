"""What the dense network and the guard see of a box of air."""

import torch
from torch import Tensor

GAS_CONSTANT = 8.314462618  # J mol-1 K-1
TIME = 300.0  # s
_TEMPERATURE, _PRESSURE = 300.0, 1e5
_DIM, _DARK = 3e-2, 1e-3  # light, on whose scale dusk and night are told apart
_CLEAN = 1e-4  # emission, in shipped ones, that counts as none
_DRY = 1e-6  # water per mole of air
NUMBERS = 9  # features before the logarithms of concentrations


def numbers(
    temperature: Tensor, pressure: Tensor, vapour: Tensor, *, photolysis: Tensor, emission: Tensor, dt: Tensor
) -> Tensor:
    """Of cells, all of order one ``[cell, feature]``.

    Args:
        vapour: water in mol m-3.
        emission: in shipped emissions.
    """
    t = temperature / _TEMPERATURE
    moist = vapour * (GAS_CONSTANT * temperature / pressure) + _DRY
    light = [photolysis, (photolysis + _DIM).log(), (photolysis + _DARK).log()]
    others = [(emission + _CLEAN).log(), (dt / TIME).clamp(min=1e-30).log()]
    return torch.stack([t, 1 / t, (pressure / _PRESSURE).log(), moist.log(), *light, *others], -1)
