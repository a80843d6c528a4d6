"""The Lorenz-63 system for torch: rate of change, Jacobian, and the numbers known of its attractor."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

LYAPUNOV_EXPONENT = 0.9056  # leading one, per unit of time: Viswanath 1998, PhD thesis, Cornell University
SUM_OF_EXPONENTS = -(10 + 1 + 8 / 3)  # trace of the Jacobian, the same everywhere
LYAPUNOV_TIME = 1 / LYAPUNOV_EXPONENT
# sqrt of the summed variances of x, y and z (7.93², 9.01², 8.61²), measured over 16 runs of 1000 time units.
CLIMATE_STD = 14.77
_WING = math.sqrt(72)  # sqrt(beta (rho - 1))
FIXED_POINTS = ((0.0, 0.0, 0.0), (_WING, _WING, 27.0), (-_WING, -_WING, 27.0))


def lorenz63(
    state: Float[Tensor, "*batch 3"],
    sigma: float | Tensor = 10.0,
    rho: float | Tensor = 28.0,
    beta: float | Tensor = 8 / 3,
) -> Float[Tensor, "*batch 3"]:
    """Rate of change of the state.

    Args:
        state: x, y and z, dimensionless.
        sigma: Prandtl number.
        rho: Rayleigh number over its critical value.
        beta: aspect ratio of the convection cells; 8/3 is not 2.6667.
    Returns:
        dx/dt, dy/dt and dz/dt, per dimensionless unit of time.
    Source: Lorenz 1963, J. Atmos. Sci. 20, 130, equations 25 to 27.
    """
    x, y, z = state.unbind(-1)
    return torch.stack((sigma * (y - x), x * (rho - z) - y, x * y - beta * z), -1)


def lorenz63_jacobian(
    state: Float[Tensor, "*batch 3"],
    sigma: float | Tensor = 10.0,
    rho: float | Tensor = 28.0,
    beta: float | Tensor = 8 / 3,
) -> Float[Tensor, "*batch 3 3"]:
    """Derivative of the rate (rows) by the state (columns); arguments as in `lorenz63`.

    Source: Lorenz 1963, J. Atmos. Sci. 20, 130, equation 29.
    """
    x, y, z = state.unbind(-1)
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    rows = ((-sigma * one, sigma * one, zero), (rho - z, -one, -x), (y, x, -beta * one))
    return torch.stack([torch.stack(row, -1) for row in rows], -2)
