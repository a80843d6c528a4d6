"""The velocity gradient A_ij = dU_i/dx_j split into what stretches a fluid element and what turns it."""

import torch
from jaxtyping import Float
from torch import Tensor


def strain_rate(gradient: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n 3 3"]:
    """Symmetric part S_ij = (dU_i/dx_j + dU_j/dx_i)/2, in the units of the gradient (s-1); no trace is removed."""
    return (gradient + gradient.mT) / 2


def rotation_rate(gradient: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n 3 3"]:
    """Antisymmetric part W_ij = (dU_i/dx_j − dU_j/dx_i)/2, in the units of the gradient (s-1).

    The gradient has the velocity component first. OpenFOAM's ``grad(U)`` is its transpose: there W changes sign.
    """
    return (gradient - gradient.mT) / 2


def deviator(tensor: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n 3 3"]:
    """The tensor less a third of its trace on the diagonal."""
    mean = tensor.diagonal(dim1=-2, dim2=-1).mean(-1)
    return tensor - mean[..., None, None] * torch.eye(3, dtype=tensor.dtype, device=tensor.device)
