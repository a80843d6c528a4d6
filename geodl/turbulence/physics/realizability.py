"""Anisotropies that a stress can have: b + I/3 has no negative eigenvalue; and the nearest one to any other."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from geodl.turbulence.physics.blocks import deviator_of_block, in_blocks, product
from geodl.turbulence.physics.eigenvalues import eigenvalues, eigenvalues_of_block
from geodl.turbulence.physics.velocity_gradient import deviator

LARGEST_NORM = (2 / 3) ** 0.5  # of a realizable anisotropy: one velocity component has all the energy


def is_realizable(anisotropy: Float[Tensor, "*n 3 3"], tolerance: float = 0.0) -> Bool[Tensor, "*n"]:
    """Whether all eigenvalues lie between −1/3 and 2/3, both widened by a tolerance; False where b is not a number."""
    first, _, third = eigenvalues(anisotropy).unbind(-1)
    return (third >= -1 / 3 - tolerance) & (first <= 2 / 3 + tolerance)


def realizable(anisotropy: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n 3 3"]:
    """The nearest realizable anisotropy in the Frobenius norm: eigenvectors are kept, u = lambda + 1/3 is projected
    on the simplex u >= 0, sum u = 1.

    Realizable tensors stay as they are (to a trace and an antisymmetric part, which are removed). The result is
    realizable in floating point too: it stays a few units of round-off inside. Equivariant, idempotent, and no step
    is longer than that of the input. Differentiable everywhere, also where eigenvalues coincide; the second
    derivative is not there. A tensor with an infinite or undefined entry gives not a number.

    Source: Duchi et al. 2008, Proc. ICML, 272 (simplex); Lewis 1996, Math. Oper. Res. 21, 576 (functions of spectra).
    """
    return _Realizable.apply(anisotropy)


class _Realizable(torch.autograd.Function):
    @staticmethod
    def forward(anisotropy: Tensor) -> Tensor:
        return in_blocks(_nearest_of_block, anisotropy)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """The derivative of a function of a spectrum, of divided differences, which never divides by a small gap."""
        (b,) = ctx.saved_tensors
        shape = b.shape
        b = in_blocks(_traceless, b.reshape(-1, 3, 3))
        gradient = in_blocks(_symmetric, gradient.reshape(-1, 3, 3))
        outside = eigenvalues(b)[:, 2] < -1 / 3
        gradient[outside] = _pull_back(b[outside], gradient[outside])
        return gradient.reshape(shape)


def _nearest_of_block(a: Tensor) -> Tensor:
    """The projection of every ``[3, 3, cell]``; only those outside cost more than their eigenvalues."""
    b = _traceless(a)
    spectrum = eigenvalues_of_block(b)
    outside = (spectrum[2] < -_inside(b, 8)).nonzero()[:, 0]
    if len(outside):
        b[:, :, outside] = _shrunk(_clipped(b[:, :, outside], spectrum[:, outside]))
    return b


def _traceless(a: Tensor) -> Tensor:
    """Symmetric traceless part of ``[3, 3, cell]``, and where entries exceed 1/eps its direction at that size.

    An entry of more than 1/eps has more round-off than the triangle is wide; what is left of a trace of 1/eps after
    its removal is about 1, and goes with a second removal.
    """
    largest = 1 / torch.finfo(a.dtype).eps
    a = a * (largest / a.abs().amax((0, 1)).clamp(min=largest))
    return deviator_of_block(_symmetric(a))


def _symmetric(a: Tensor) -> Tensor:
    """Symmetric traceless part of ``[3, 3, cell]``."""
    return deviator_of_block((a + a.transpose(0, 1)) / 2)


def _inside(b: Tensor, ulps: int) -> float:
    """A third, less some units of round-off."""
    return (1 - ulps * torch.finfo(b.dtype).eps) / 3


def _clipped(b: Tensor, spectrum: Tensor) -> Tensor:
    """The projection of tensors ``[3, 3, cell]`` outside, as a polynomial in b: no eigenvectors.

    With one eigenvalue clipped the others share what it lacked, theta = −u3/2: b − theta I + (theta − u3) v3 v3ᵀ.
    With two clipped v1 v1ᵀ − I/3 is left. The dyad of an eigenvalue e is the product of (b − f)/(e − f), f the others.
    """
    first, second, third = spectrum
    lack = (-1 / 3 - third).clamp(min=0)
    two = first - second >= 1
    own, other = torch.where(two, first, third), torch.where(two, third, first)
    weight = torch.where(two, 1, 1.5 * lack) / _divisor(own - second)  # bounded: the gap is at least the weight
    eye = torch.eye(3, dtype=b.dtype, device=b.device)[..., None]
    dyad = product(b - second * eye, (b - other * eye) / _divisor(own - other))
    shift = torch.where(two, 1 / 3, lack / 2)
    return _symmetric(torch.where(two, 0, b) + weight * dyad - shift * eye)


def _divisor(gap: Tensor) -> Tensor:
    """A gap, or 1 where there is none: what it divides is zero there."""
    return torch.where(gap == 0, 1, gap)


def _shrunk(b: Tensor) -> Tensor:
    """Tensors shrunk until round-off cannot carry them outside, also where |b| was so large that it ate all digits."""
    inside = _inside(b, 24)
    return b * (inside / (-eigenvalues_of_block(b)[2]).clamp(min=inside))


def _pull_back(b: Tensor, gradient: Tensor) -> Tensor:
    """The derivative at tensors outside ``[cell, 3, 3]``, applied to a symmetric gradient."""
    values, vectors = torch.linalg.eigh(b)
    u = values + 1 / 3
    two = (u[:, 2] - u[:, 1] >= 1)[:, None]
    theta = torch.where(two, u[:, 2:] - 1, -u[:, :1] / 2)
    active = torch.stack([torch.zeros_like(two), ~two, torch.ones_like(two)], 1)[..., 0].to(b.dtype)
    clipped = (u - theta) * active
    gaps, both = u[:, :, None] - u[:, None, :], active[:, :, None] * active[:, None, :]
    apart = (active[:, :, None] != active[:, None, :]) & (gaps != 0)
    quotient = (clipped[:, :, None] - clipped[:, None, :]) / torch.where(apart, gaps, 1)
    factors = torch.where(apart, quotient.clamp(0, 1), both)  # round-off in a corner would leave this range
    turned = vectors.mT @ gradient @ vectors
    diagonal = turned.diagonal(dim1=-2, dim2=-1)
    mean = (diagonal * active).sum(-1, keepdim=True) / active.sum(-1, keepdim=True)
    turned = factors * turned - torch.diag_embed(active * mean)
    return deviator(vectors @ turned @ vectors.mT)
