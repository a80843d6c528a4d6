"""The Reynolds stress tau_ij = <u_i' u_j'> as a size k and a shape b."""

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.turbulence.physics.velocity_gradient import deviator


def kinetic_energy(stress: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n"]:
    """Turbulent kinetic energy k = tau_ii/2, m2 s-2; the stress has a positive trace."""
    return stress.diagonal(dim1=-2, dim2=-1).sum(-1) / 2


def anisotropy(stress: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n 3 3"]:
    """b = tau/(2k) − I/3, traceless, dimensionless; zero (isotropic) where k <= 0.

    Args:
        stress: tau, symmetric, m2 s-2; any scale, as b depends on its shape alone.
    """
    k = kinetic_energy(stress)[..., None, None]
    none = k <= 0
    return torch.where(none, 0, deviator(stress / torch.where(none, 1, 2 * k)))


def reynolds_stress(anisotropy: Float[Tensor, "*n 3 3"], k: Float[Tensor, "*n"]) -> Float[Tensor, "*n 3 3"]:
    """tau = 2k (b + I/3), m2 s-2; zero where k <= 0.

    Args:
        anisotropy: b, dimensionless.
        k: turbulent kinetic energy, m2 s-2.
    """
    third = torch.eye(3, dtype=k.dtype, device=k.device) / 3
    return 2 * k.clamp(min=0)[..., None, None] * (anisotropy + third)
