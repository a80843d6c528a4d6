"""What the dense network and the guard see of a cell."""

import torch
from torch import Tensor, nn

TIME = 1e-6  # s
PRESSURE = 101325.0  # Pa
TEMPERATURE = 1000.0  # K
NUMBERS = 4  # features before the roots
PRESSURE_COLUMN = 2  # among them


def features(temperature: Tensor, pressure: Tensor, roots: Tensor, dt: Tensor) -> Tensor:
    """T, 1/T, ln p, ln dt and the roots of the mass fractions, all of order one ``[cell, feature]``."""
    t = temperature / TEMPERATURE
    numbers = torch.stack([t, 1 / t, (pressure / PRESSURE).log(), (dt / TIME).clamp(min=1e-30).log()], -1)
    return torch.cat([numbers, roots], -1)


class FeatureScale(nn.Module):
    """Mean and standard deviation of features, taken once from training data."""

    mean: Tensor
    std: Tensor

    def __init__(self, count: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("std", torch.ones(count))

    def fit(self, seen: Tensor) -> None:
        """From features ``[cell, feature]``; what is constant is only centred."""
        std = seen.std(0)
        self.mean.copy_(seen.mean(0))
        self.std.copy_(torch.where(std > 1e-9, std, torch.ones_like(std)))

    def forward(self, seen: Tensor) -> Tensor:
        """Standardised, in the precision of the weights."""
        return ((seen - self.mean) / self.std).to(self.mean)
