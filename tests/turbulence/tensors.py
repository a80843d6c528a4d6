"""Random tensors, orthogonal matrices and the flows on which several tests measure."""

import numpy as np
import torch
from torch import Tensor

from tests.turbulence.provided import provided

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).to(dtype)


def symmetric(a: Tensor) -> Tensor:
    """Symmetric traceless part."""
    a = (a + a.mT) / 2
    return a - a.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] * torch.eye(3, dtype=a.dtype)


def orthogonal(cells: int, seed: int = 7) -> Tensor:
    """Matrices of O(3), every second one a reflection; float64."""
    q = torch.linalg.qr(random(cells, 3, 3, seed=seed))[0]
    sign = torch.where(torch.arange(cells) % 2 == 0, 1.0, -1.0).to(q.dtype)
    return q * (sign * torch.linalg.det(q))[:, None, None]


def turned(q: Tensor, a: Tensor) -> Tensor:
    """Q A Qᵀ of tensors ``[cell, *any, 3, 3]``, in float64 and back."""
    q = q.reshape(len(q), *[1] * (a.ndim - 3), 3, 3)
    return (q @ a.double() @ q.mT).to(a.dtype)


def with_spectrum(q: Tensor, *values: float) -> Tensor:
    """Symmetric tensors with the given eigenvalues and the columns of q as eigenvectors."""
    a = q @ torch.diag(torch.tensor(values, dtype=q.dtype)) @ q.mT
    return (a + a.mT) / 2


def closure_flow(name: str) -> dict[str, Tensor]:
    """A flow of the closure challenge, its clean cells, in float64: every array, and the stress as ``[cell, 3, 3]``."""
    (file,) = provided("closure_challenge").glob(f"*/{name}.npz")
    with np.load(file) as arrays:
        clean = arrays["valid_clean"]
        flow = {
            key: torch.from_numpy(arrays[key][clean].astype("float64"))
            for key in ("gradU", "k", "omega", "nut", "gradk", "tau_LES", "C")
        }
    flow["stress"] = flow["tau_LES"][:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].unflatten(-1, (3, 3))
    return flow
