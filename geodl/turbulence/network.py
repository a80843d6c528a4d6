"""The tensor-basis network: coefficients of bounded tensors from bounded features, projected on what is realizable."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geodl.turbulence.ensemble import EnsembleMLP
from geodl.turbulence.extrapolation import Extrapolation
from geodl.turbulence.realizability import realizable
from geodl.turbulence.tensor_basis import from_components

CLIP = 4.0  # standard deviations at which an invariant feature stops to count
LARGEST_LOG_RATIO = 5.0  # of the true k to the energy that the RANS gives


class TensorBasisNetwork(nn.Module):
    """An ensemble that gives b = Σ g_n T_n and the ratio of the true k to an energy of the RANS.

    The tensors have unit length or are zero and the features are clipped, so that b is bounded for any input; the
    projection makes it realizable. Features are scalars and the projection commutes with rotations, so that b turns
    with the frame, reflections included. The members are averaged before the projection, which never takes a
    prediction farther from a realizable truth.

    Sources: Ling, Kurzawski & Templeton 2016, J. Fluid Mech. 807, 155 (the network); Pope 1975 (the tensors).
    """

    def __init__(self, features: int, tensors: int, *, members: int, width: int, depth: int, activation: str):
        super().__init__()
        self.tensors = tensors
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.ensemble = EnsembleMLP([features, *[width] * depth, tensors + 1], members, activation)
        self.extrapolation = Extrapolation(features)

    mean: Tensor
    std: Tensor

    def forward(
        self,
        features: Float[Tensor, "cell feature"],
        basis: Float[Tensor, "cell tensor 5"],
        energy: Float[Tensor, "cell"],
    ) -> tuple[Tensor, ...]:
        """In training the components of b ``[cell, member, 5]`` and ln k ``[cell, member]`` of every member.

        In evaluation b ``[cell, 3, 3]``, ln k ``[cell]``, the spread of the members of b, and the two distances from
        the training data.
        """
        z = (features - self.mean) / self.std
        found = self.ensemble(z.clamp(-CLIP, CLIP))
        b = torch.einsum("mnk,nkc->nmc", found[..., : self.tensors], basis)
        ratio = LARGEST_LOG_RATIO * (found[..., self.tensors] / LARGEST_LOG_RATIO).tanh()
        ln_k = energy.log()[:, None] + ratio.mT
        if self.training:
            return b, ln_k
        mean = b.mean(1)
        spread = (b - mean[:, None]).square().sum(-1).mean(1).sqrt()
        return realizable(from_components(mean)), ln_k.mean(1), spread, *self.extrapolation(z)

    @torch.no_grad()
    def look(self, features: Tensor, basis: Tensor, components: Tensor, ln_ratio: Tensor) -> None:
        """Take the scales from training data, and begin with the best constant coefficients."""
        self.mean.copy_(features.double().mean(0))
        std = features.double().std(0)
        self.std.copy_(torch.where(std > 1e-6, std, 1))
        self.extrapolation.fit((features - self.mean) / self.std)
        flat, target = basis.double(), components.double()
        gram = torch.einsum("nkc,nlc->kl", flat, flat)
        ridge = 1e-3 * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
        best = torch.linalg.solve(gram + ridge, torch.einsum("nkc,nc->k", flat, target))
        self.ensemble.biases[-1][..., : self.tensors] = best.to(features)
        self.ensemble.biases[-1][..., self.tensors] = ln_ratio.mean()
