"""Eddy-viscosity closures, the baselines of every learned one, and the split that a solver needs."""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.turbulence.physics.tensor_basis import tensor_basis
from geodl.turbulence.physics.velocity_gradient import deviator

C_MU = 0.09


def linear_eddy_viscosity(
    strain: Float[Tensor, "*n 3 3"], k: Float[Tensor, "*n"], eddy_viscosity: Float[Tensor, "*n"]
) -> Float[Tensor, "*n 3 3"]:
    """Boussinesq's b = −(nu_t/k) S, traceless; zero where k <= 0.

    With s = T S, T = k/epsilon and nu_t = 0.09 k²/epsilon this is −0.09 s; take the nu_t of the model where it has one.

    Args:
        strain: S, s-1.
        k: turbulent kinetic energy, m2 s-2.
        eddy_viscosity: nu_t, m2 s-1.
    """
    none = k <= 0
    time = torch.where(none, 0, eddy_viscosity / torch.where(none, 1, k))
    return -time[..., None, None] * deviator(strain)


def quadratic_eddy_viscosity(
    strain: Float[Tensor, "*n 3 3"],
    rotation: Float[Tensor, "*n 3 3"],
    c_mu: Literal["constant", "strained"] = "constant",
) -> Float[Tensor, "*n 3 3"]:
    """b = c_mu (−T1 − 0.2 T2 − 0.2 T3 − 0.52 T4), the quadratic part of a cubic eddy-viscosity closure.

    Args:
        strain: s = S k/epsilon, dimensionless.
        rotation: r = W k/epsilon, dimensionless.
        c_mu: 0.09, or falling with the strain and vorticity numbers (equation 14 of the source).
    Source: Craft, Launder & Suga 1996, Int. J. Heat Fluid Flow 17, 108.
    """
    weights = torch.tensor([-1.0, -0.2, -0.2, -0.52], dtype=strain.dtype, device=strain.device)
    b = torch.einsum("...nij,n->...ij", tensor_basis(deviator(strain), rotation)[..., :4, :, :], weights)
    return C_MU * b if c_mu == "constant" else _strained_c_mu(strain, rotation)[..., None, None] * b


def split_stress(
    stress: Float[Tensor, "*n 3 3"], strain: Float[Tensor, "*n 3 3"]
) -> tuple[Float[Tensor, "*n"], Float[Tensor, "*n 3 3"]]:
    """Eddy viscosity that carries as much of a stress as it can, and the remainder: dev(tau) = R − 2 nu_t S.

    A solver treats 2 (nu + nu_t) S implicitly and −∂_j R_ij explicitly.

    Args:
        stress: tau, m2 s-2.
        strain: S, s-1.
    Returns:
        nu_t = max(0, −tau:S/(2 S:S)) (m2 s-1), 0 where S is zero, and R = tau − 2/3 k I + 2 nu_t S (m2 s-2).
    """
    shape, s = deviator(stress), deviator(strain)
    size = s.square().sum((-2, -1))
    none = size == 0
    viscosity = (-(shape * s).sum((-2, -1)) / (2 * torch.where(none, 1, size))).clamp(min=0)
    return viscosity, shape + 2 * viscosity[..., None, None] * s


def _strained_c_mu(s: Tensor, r: Tensor) -> Tensor:
    """c_mu of the strain number max(sqrt(2 s:s), sqrt(2 r:r))."""
    number = math.sqrt(2) * torch.maximum(s.flatten(-2).norm(dim=-1), r.flatten(-2).norm(dim=-1))
    return 0.3 / (1 + 0.35 * number**1.5) * (1 - torch.exp(-0.36 * torch.exp(0.75 * number)))
