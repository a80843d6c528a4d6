"""Time scales that make the strain and rotation rates dimensionless."""

import torch
from jaxtyping import Float
from torch import Tensor


def turbulent_time(k: Float[Tensor, "*n"], epsilon: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Time of the large eddies k/epsilon, s; 0 where k <= 0 or epsilon <= 0, as in the limit at a wall.

    Args:
        k: turbulent kinetic energy, m2 s-2.
        epsilon: dissipation, m2 s-3; 0.09 k omega for k-omega models.
    """
    return _quotient(k.clamp(min=0), epsilon)


def durbin_time(k: Float[Tensor, "*n"], epsilon: Float[Tensor, "*n"], nu: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Time max(k/epsilon, 6 sqrt(nu/epsilon)), s, never below Kolmogorov's; 0 where epsilon <= 0.

    Args:
        k: turbulent kinetic energy, m2 s-2.
        epsilon: dissipation, m2 s-3.
        nu: kinematic viscosity, m2 s-1.
    Source: Durbin 1991, Theor. Comput. Fluid Dyn. 3, 1.
    """
    viscous = 6 * _root(_quotient(nu.clamp(min=0), epsilon))
    return torch.maximum(turbulent_time(k, epsilon), viscous)


def gradient_time(strain: Float[Tensor, "*n 3 3"], rotation: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n"]:
    """Time of the mean flow itself 1/sqrt(S:S + W:W), s, so that the scaled tensors have |s|² + |r|² = 1.

    Needs neither k nor epsilon; 0 where the velocity gradient is zero, so that the scaled tensors are zero there too.

    Args:
        strain: S, s-1.
        rotation: W, s-1.
    """
    both = torch.cat([strain.flatten(-2), rotation.flatten(-2)], -1)
    largest = both.detach().abs().amax(-1)  # squares of 1e-25 or of 1e25 do not fit into float32
    some = largest >= torch.finfo(both.dtype).tiny
    largest = torch.where(some, largest, 1)
    size = (both / largest[..., None]).square().sum(-1)
    return torch.where(some, torch.where(some, size, 1).rsqrt() / largest, 0)


def _quotient(top: Tensor, below: Tensor) -> Tensor:
    """``top / below``, 0 where there is nothing to divide by; NaN stays NaN."""
    none = below <= 0
    return torch.where(none, 0, top / torch.where(none, 1, below))


def _root(x: Tensor) -> Tensor:
    """Square root with a finite derivative at zero."""
    none = x <= 0
    return torch.where(none, 0, torch.where(none, 1, x).sqrt())
