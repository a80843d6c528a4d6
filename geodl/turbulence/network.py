"""The tensor-basis network: coefficients of bounded tensors from bounded features, projected on what is realizable."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geodl.turbulence.ensemble import EnsembleMLP
from geodl.turbulence.extrapolation import Extrapolation
from geodl.turbulence.physics.realizability import realizable
from geodl.turbulence.physics.tensor_basis import from_components

CLIP = 4.0  # standard deviations at which an invariant feature stops to count
LARGEST_LOG_RATIO = 5.0  # of the true k to the energy that the RANS gives
LARGEST_LOG_DOUBT = 8.0  # of the expected square error to that of the best constant coefficients
DOUBT_WIDTHS = (32, 32)  # of the network that learns the error: a smaller task
LARGE = 0.99  # quantile of the expected errors of the training cells that counts as 1


class TensorBasisNetwork(nn.Module):
    """An ensemble that gives b = Σ g_n T_n and the ratio of the true k to an energy of the RANS; and if asked the
    remainder b + ν_t S/k = Σ h_n T_n that an implicit eddy viscosity leaves to a solver.

    The tensors have unit length or are zero and the features are clipped, so that b is bounded for any input; the
    projection makes it realizable. Features are scalars and the projection commutes with rotations, so that b turns
    with the frame, reflections included. The members are averaged before the projection, which never takes a
    prediction farther from a realizable truth.

    Where the members disagree the coefficients fall back to the best constant ones g0: with τ² the mean square error
    that those leave in training and σ² the variance of the members, the mean of a normal prior (g0, τ²) and a normal
    measurement (ḡ, σ²) is (τ² ḡ + σ² g0)/(τ² + σ²). A network of its own learns the square error that is left in
    training cells; with σ² added it is the expected square error.

    Sources: Ling, Kurzawski & Templeton 2016, J. Fluid Mech. 807, 155 (the network); Pope 1975 (the tensors);
    Lakshminarayanan, Pritzel & Blundell 2017, NeurIPS (variance of an ensemble, learned plus of its members).
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
        self.doubt = EnsembleMLP([features, *DOUBT_WIDTHS, 1], 1, activation)
        self.register_buffer("constant", torch.zeros(sum(self.sizes)))
        self.register_buffer("constant_error", torch.ones(()))
        self.register_buffer("large_error", torch.ones(()))
        self.extrapolation = Extrapolation(features)

    mean: Tensor
    std: Tensor
    constant: Tensor
    constant_error: Tensor
    large_error: Tensor

    def forward(
        self,
        features: Float[Tensor, "cell feature"],
        basis: Float[Tensor, "cell tensor 5"],
        energy: Float[Tensor, "cell"],
        viscosity: Float[Tensor, "cell"],
    ) -> tuple[Tensor, ...]:
        """In training, of every member: components of b ``[cell, member, 5]``, ln k ``[cell, member]``, components of
        the remainder ``[cell, member, 5]``; and the logarithm of the square error to expect of their mean ``[cell]``.

        In evaluation b ``[cell, 3, 3]``, ln k ``[cell]`` and the remainder ``[cell, 3, 3]``; then the diagnostics:
        expected error, spread of the members of b, two distances from the training data, and for a solver the eddy
        viscosity and the stress that the remainder stands for.
        """
        z = (features - self.mean) / self.std
        found = self.ensemble(z.clamp(-CLIP, CLIP))
        weights, ratio, *more = found.split(self.sizes, dim=-1)
        b = weights @ basis
        ln_k = energy.log()[:, None] + LARGEST_LOG_RATIO * (ratio[..., 0] / LARGEST_LOG_RATIO).tanh()
        doubt = LARGEST_LOG_DOUBT * (self.doubt(z.clamp(-CLIP, CLIP))[:, 0, 0] / LARGEST_LOG_DOUBT).tanh()
        ln_square_error = 2 * self.constant_error.log() + doubt
        if self.training:
            return b, ln_k, *(w @ basis for w in more), ln_square_error
        variance = (b - b.mean(1, keepdim=True)).square().sum(-1).mean(1)
        trust = self.constant_error**2 / (self.constant_error**2 + variance)
        shrunk = torch.lerp(self.constant, found.mean(1), trust[:, None]).split(self.sizes, dim=-1)
        tensors = [from_components(torch.einsum("nk,nkc->nc", w, basis)) for w in shrunk[::2]]
        expected_error = (ln_square_error.exp() + variance).sqrt() / self.large_error
        mean_ln_k = ln_k.mean(1)
        outputs = [realizable(tensors[0]), mean_ln_k, *tensors[1:]]
        diagnostics = [expected_error, variance.sqrt(), *self.extrapolation(z)]
        if more:
            diagnostics += [viscosity, 2 * mean_ln_k.exp()[:, None, None] * tensors[1]]
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
        self.constant.copy_(bias)
        left = torch.einsum("k,nkc->nc", first, basis.double()) - components[0].double()
        self.constant_error.copy_(left.square().sum(-1).mean().sqrt())

    @torch.no_grad()
    def calibrate(self, expected_errors: Tensor) -> None:
        """Learn from those of the training cells ``[cell]``, not scaled yet, what a large expected error is."""
        self.large_error.copy_(expected_errors.kthvalue(math.ceil(LARGE * len(expected_errors))).values)


def _constant_coefficients(basis: Tensor, target: Tensor) -> Tensor:
    """Least squares with a touch of ridge, since the tensors depend on each other."""
    gram = torch.einsum("nkc,nlc->kl", basis, basis)
    ridge = 1e-3 * gram.diagonal().mean() * torch.eye(len(gram)).to(gram)
    return torch.linalg.solve(gram + ridge, torch.einsum("nkc,nc->k", basis, target))
