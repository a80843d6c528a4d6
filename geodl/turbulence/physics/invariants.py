"""Scalars of the mean flow that no rotation, reflection or Galilean shift of the axes can change."""

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.turbulence.physics.blocks import contraction, in_blocks, product

INVARIANTS = ("tr s²", "tr r²", "tr s³", "tr r²s", "tr r²s²")

# Invariants of the pseudo-tensor A of grad k. One that is odd in A changes sign in a mirror: it enters squared.
PSEUDO_VECTOR_INVARIANTS = (
    ("tr A²", False),
    ("tr A²s", False),
    ("tr A²s²", False),
    ("tr A²sAs²", True),
    ("tr rA", True),
    ("tr rAs", True),
    ("tr rAs²", True),
    ("tr r²As", True),
    ("tr r²As²", True),
    ("tr r²sAs²", True),
)


def invariants(strain: Float[Tensor, "*n 3 3"], rotation: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n 5"]:
    """The five of :data:`INVARIANTS` in this order, of the tensors as given: nothing is scaled, clipped or removed.

    Args:
        strain: s = T S, symmetric, dimensionless.
        rotation: r = T W, antisymmetric, dimensionless.
    Source: Pope 1975, J. Fluid Mech. 72, 331.
    """
    return in_blocks(_invariants, strain, rotation)


def pseudo_vector_invariants(
    strain: Float[Tensor, "*n 3 3"], rotation: Float[Tensor, "*n 3 3"], gradient: Float[Tensor, "*n 3"]
) -> Float[Tensor, "*n 10"]:
    """Invariants of s, r and A with A_ij = −e_ijm g_m, those odd in A squared (:data:`PSEUDO_VECTOR_INVARIANTS`).

    Args:
        strain: s = T S, dimensionless.
        rotation: r = T W, dimensionless.
        gradient: g = ∇k sqrt(k)/epsilon, dimensionless.
    Source: Wang, Wu & Xiao 2017, Phys. Rev. Fluids 2, 034603; Kaandorp & Dwight 2020, Comput. Fluids 202, 104497.
    """
    return in_blocks(_pseudo_vector_invariants, strain, rotation, _cross_matrix(gradient))


def _invariants(s: Tensor, r: Tensor) -> Tensor:
    s2, r2 = product(s, s), product(r, r)
    return torch.stack([_trace(s, s), _trace(r, r), _trace(s2, s), _trace(r2, s), _trace(r2, s2)])


def _trace(a: Tensor, b: Tensor) -> Tensor:
    """Trace of the product of two tensors ``[3, 3, cell]``."""
    return contraction(a, b.transpose(0, 1))


def _pseudo_vector_invariants(s: Tensor, r: Tensor, a: Tensor) -> Tensor:
    s2, r2, a2 = product(s, s), product(r, r), product(a, a)
    as1, as2 = product(a, s), product(a, s2)
    values = [_trace(a, a), _trace(a2, s), _trace(a2, s2), _trace(product(a2, s), as2), _trace(r, a)]
    values += [_trace(r, as1), _trace(r, as2), _trace(r2, as1), _trace(r2, as2), _trace(product(r2, s), as2)]
    odd = (flag for _, flag in PSEUDO_VECTOR_INVARIANTS)
    return torch.stack([value.square() if flag else value for value, flag in zip(values, odd, strict=True)])


def _cross_matrix(g: Tensor) -> Tensor:
    """The antisymmetric A of a vector ``[*n, 3]`` with A v = g × v."""
    x, y, z = g.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
