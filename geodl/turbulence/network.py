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
    """An ensemble that gives b = Σ g_n T_n and the ratio of the true k to an energy of the RANS; and if asked the
    remainder b + ν_t S/k = Σ h_n T_n that an implicit eddy viscosity leaves to a solver.

    The tensors have unit length or are zero and the features are clipped, so that b is bounded for any input; the
    projection makes it realizable. Features are scalars and the projection commutes with rotations, so that b turns
    with the frame, reflections included. The members are averaged before the projection, which never takes a
    prediction farther from a realizable truth.

    Sources: Ling, Kurzawski & Templeton 2016, J. Fluid Mech. 807, 155 (the network); Pope 1975 (the tensors).
    """

    def __init__(
        self,
        features: int,
        tensors: int,
        *,
        remainder: bool,
        members: int,
        width: int,
        depth: int,
        activation: str,
    ):
        super().__init__()
        self.sizes = [tensors, 1, tensors] if remainder else [tensors, 1]
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.ensemble = EnsembleMLP([features, *[width] * depth, sum(self.sizes)], members, activation)
        self.extrapolation = Extrapolation(features)

    mean: Tensor
    std: Tensor

    def forward(
        self,
        features: Float[Tensor, "cell feature"],
        basis: Float[Tensor, "cell tensor 5"],
        energy: Float[Tensor, "cell"],
        viscosity: Float[Tensor, "cell"],
    ) -> tuple[Tensor, ...]:
        """In training, of every member: components of b ``[cell, member, 5]``, ln k ``[cell, member]``, components of
        the remainder ``[cell, member, 5]``.

        In evaluation b ``[cell, 3, 3]``, ln k ``[cell]`` and the remainder ``[cell, 3, 3]``; then the diagnostics:
        spread of the members of b, two distances from the training data, and for a solver the eddy viscosity and the
        stress that the remainder stands for.
        """
        z = (features - self.mean) / self.std
        weights, ratio, *more = self.ensemble(z.clamp(-CLIP, CLIP)).split(self.sizes, dim=-1)
        b = torch.einsum("mnk,nkc->nmc", weights, basis)
        ln_k = energy.log()[:, None] + LARGEST_LOG_RATIO * (ratio[..., 0].mT / LARGEST_LOG_RATIO).tanh()
        if self.training:
            return b, ln_k, *(torch.einsum("mnk,nkc->nmc", w, basis) for w in more)
        mean, mean_ln_k = b.mean(1), ln_k.mean(1)
        spread = (b - mean[:, None]).square().sum(-1).mean(1).sqrt()
        outputs, diagnostics = [realizable(from_components(mean)), mean_ln_k], [spread, *self.extrapolation(z)]
        for w in more:
            outputs.append(from_components(torch.einsum("nk,nkc->nc", w.mean(0), basis)))
            diagnostics += [viscosity, 2 * mean_ln_k.exp()[:, None, None] * outputs[-1]]
        return *outputs, *diagnostics

    @torch.no_grad()
    def look(self, features: Tensor, basis: Tensor, ln_ratio: Tensor, *components: Tensor) -> None:
        """Take the scales from training data, and begin with the best constant coefficients for each tensor."""
        self.mean.copy_(features.double().mean(0))
        std = features.double().std(0)
        self.std.copy_(torch.where(std > 1e-6, std, 1))
        self.extrapolation.fit((features - self.mean) / self.std)
        first, *rest = (_constant_coefficients(basis.double(), target.double()) for target in components)
        bias = torch.cat([first, ln_ratio.double().mean()[None], *rest])
        self.ensemble.biases[-1].copy_(bias.expand_as(self.ensemble.biases[-1]))


def _constant_coefficients(basis: Tensor, target: Tensor) -> Tensor:
    """Least squares with a touch of ridge, since the tensors depend on each other."""
    gram = torch.einsum("nkc,nlc->kl", basis, basis)
    ridge = 1e-3 * gram.diagonal().mean() * torch.eye(len(gram)).to(gram)
    return torch.linalg.solve(gram + ridge, torch.einsum("nkc,nc->k", basis, target))
