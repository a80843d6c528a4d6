"""The tensors on which an anisotropy can be expanded: Pope's ten of s and r, and two of a direction."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.turbulence.physics.blocks import deviator_of_block, in_blocks, product
from geodl.turbulence.physics.velocity_gradient import deviator

DEGREES = (1, 2, 2, 2, 3, 3, 4, 4, 4, 5)  # of the ten tensors in (s, r) together
GRADIENT_DEGREES = (0, 1)
SOFTNESS = 1e-2  # length below which a tensor of the self-scaled s and r fades


def tensor_basis(strain: Float[Tensor, "*n 3 3"], rotation: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n 10 3 3"]:
    """Pope's ten tensors T1 … T10, of the tensors as given: nothing is scaled, clipped or removed.

    Args:
        strain: s = T S, symmetric, dimensionless; T1 = s keeps the trace that s has.
        rotation: r = T W, antisymmetric, dimensionless, r_ij = T (dU_i/dx_j − dU_j/dx_i)/2.
    Source: Pope 1975, J. Fluid Mech. 72, 331.
    """
    return in_blocks(_ten, strain, rotation)


def basis_components(strain: Float[Tensor, "*n 3 3"], rotation: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n 10 5"]:
    """:func:`components` of the ten tensors, in half of the time and memory of the tensors."""
    return in_blocks(basis_components_of_block, strain, rotation)


def gradient_basis(strain: Float[Tensor, "*n 3 3"], direction: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 2 3 3"]:
    """The traceless parts of n nᵀ and s n nᵀ + n nᵀ s, zero where n is zero.

    In the section of a duct the ten tensors span three dimensions of five; with these two they span all where n leaves
    the direction of ∇U. ∇k hardly does away from corners: there the coefficients that repair b are large.

    Args:
        strain: s = T S, dimensionless.
        direction: unit vector n, ∇k/|∇k| by :func:`unit_vector`; its sign does not matter.
    """
    strained = (strain * direction[..., None, :]).sum(-1)
    pair = strained[..., :, None] * direction[..., None, :]
    dyad = direction[..., :, None] * direction[..., None, :]
    return torch.stack([deviator(dyad), deviator(pair + pair.mT)], -3)


def unit_vector(vector: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
    """v/|v|, zero where v is zero."""
    largest = vector.detach().abs().amax(-1, keepdim=True)
    none = largest == 0
    scaled = vector / torch.where(none, 1, largest)  # the squares of small numbers would vanish
    return scaled / torch.where(none, 1, scaled).norm(dim=-1, keepdim=True)


def unit_basis(
    basis: Float[Tensor, "*basis"], degrees: Sequence[int], magnitude: Float[Tensor, "*n"]
) -> Float[Tensor, "*basis"]:
    """Tensors of unit length T/|T|, and zero where T is nothing but round-off: |T_m| < c magnitude**degree_m.

    Where the mean flow has V = W = 0, T5 and T10 are zero up to round-off, and dividing by their length would make
    arbitrary tensors of it. c = 1e-8 in float64 and 1e-5 in float32. The directions do not depend on the time scale,
    so the basis of the self-scaled s and r (``gradient_time``, magnitude 1) never over- or underflows.

    Args:
        basis: ``[*n, m, 3, 3]``, or its components ``[*n, m, 5]``.
        degrees: of every tensor in s and r: :data:`DEGREES`, :data:`GRADIENT_DEGREES`.
        magnitude: sqrt(|s|² + |r|²), the size of the gradient whose round-off is feared.
    """
    length = basis.flatten(magnitude.ndim + 1).norm(dim=-1)
    power = torch.tensor(degrees, dtype=basis.dtype, device=basis.device)
    smallest = noise_threshold(basis.dtype) * magnitude[..., None] ** power
    none = (length < smallest) | (length == 0)
    factor = torch.where(none, 0, 1 / torch.where(none, 1, length))
    return basis * factor.reshape(*factor.shape, *[1] * (basis.ndim - factor.ndim))


def noise_threshold(dtype: torch.dtype) -> float:
    """Relative length below which a tensor of the basis is round-off: 1e-8 in float64, 1e-5 in float32."""
    return 1e-8 if dtype == torch.float64 else 1e-5


def components(tensor: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n 5"]:
    """Orthonormal components of a symmetric traceless tensor; an isometry: |components| = sqrt(b_ij b_ij).

    They are (xx − yy)/√2, (xx + yy − 2 zz)/√6, √2 xy, √2 xz, √2 yz; a trace and an antisymmetric part are ignored.
    """
    return tensor.flatten(-2) @ _orthonormal(tensor).T


def from_components(components: Float[Tensor, "*n 5"]) -> Float[Tensor, "*n 3 3"]:
    """The symmetric traceless tensor of five orthonormal components: the inverse of :func:`components`."""
    upper = components @ _orthonormal(components)[:, [0, 1, 2, 4, 5, 8]]
    return upper[..., [0, 1, 2, 1, 3, 4, 2, 4, 5]].unflatten(-1, (3, 3))  # symmetric to the last bit


def _orthonormal(like: Tensor) -> Tensor:
    """Five symmetric traceless tensors of unit length, orthogonal to each other, ``[5, 9]``."""
    a, d = 1 / math.sqrt(2), 1 / math.sqrt(6)
    rows = [
        [a, 0, 0, 0, -a, 0, 0, 0, 0],
        [d, 0, 0, 0, d, 0, 0, 0, -2 * d],
        [0, a, 0, a, 0, 0, 0, 0, 0],
        [0, 0, a, 0, 0, 0, a, 0, 0],
        [0, 0, 0, 0, 0, a, 0, a, 0],
    ]
    return torch.tensor(rows, dtype=like.dtype, device=like.device)


def _ten(s: Tensor, r: Tensor) -> Tensor:
    """The ten tensors ``[10, 3, 3, cell]`` of s and r ``[3, 3, cell]``."""
    whole = (deviator_of_block(a + a.transpose(0, 1)) for a in _halves(s, r)[1:])
    return torch.stack([s, *whole])


def basis_components_of_block(s: Tensor, r: Tensor) -> Tensor:
    """Components ``[10, 5, cell]`` of the ten tensors of s and r ``[3, 3, cell]``.

    The orthonormal tensors pick the symmetric traceless part of every product by themselves.
    """
    return 2 * _orthonormal(s) @ torch.stack(_halves(s, r)).flatten(1, 2)


def gradient_components_of_block(s: Tensor, n: Tensor) -> Tensor:
    """Components ``[2, 5, cell]`` of both tensors of :func:`gradient_basis`, of s ``[3, 3, cell]``, n ``[3, cell]``."""
    strained = (s * n).sum(1)
    pairs = torch.stack([n[:, None] * n, 2 * strained[:, None] * n])
    return _orthonormal(s) @ pairs.flatten(1, 2)


def bounded_of_block(components: Tensor) -> Tensor:
    """Tensors T/sqrt(|T|² + SOFTNESS²) of ``[m, 5, cell]``, of the self-scaled s and r: shorter than one.

    They are nearly as long as one, but vanish with T, as T5 and T10 do where V = W = 0: dividing round-off by its own
    length would make arbitrary tensors of it. Here an error of T grows by 1/SOFTNESS at most.
    """
    return components / (components.square().sum(1, keepdim=True) + SOFTNESS**2).sqrt()


def _halves(s: Tensor, r: Tensor) -> list[Tensor]:
    """Tensors ``[3, 3, cell]`` whose symmetric traceless parts are half of T1 … T10.

    As s is symmetric and r antisymmetric, the second half of every pair is the transpose of the first: −r s = (s r)ᵀ.
    """
    s2, r2, sr = product(s, s), product(r, r), product(s, r)
    s2r, sr2 = product(s2, r), product(sr, r)
    s2r2 = product(s2r, r)
    return [s / 2, sr, s2 / 2, r2 / 2, -s2r, sr2, product(r, sr2), -product(s2r, s), s2r2, product(r, s2r2)]
