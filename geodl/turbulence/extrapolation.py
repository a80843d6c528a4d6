"""How far a cell is from the cells of the training data: Mahalanobis distance and kernel density."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

CENTRES = 64  # of the kernel density: 256 rank the cells alike, and would take as long as the network
SAMPLE = 20_000  # training cells that place the centres and the percentiles
_ROUNDS = 10  # of Lloyd's algorithm: later ones move the centres by less than they are wide
_FEWEST = 5  # cells behind a centre: the mean of fewer would come close to storing a cell
_RIDGE = 1e-3  # of the variance of a standardised feature: features that are nearly dependent do not dominate
_FAR = 50.0  # standard deviations: beyond, further is all the same


class Extrapolation(nn.Module):
    """Two distances in the space of standardised features, each 1 at the 99th percentile of the training cells.

    They depend on the features alone, so that no change of axes changes them. No training cell is kept: the density
    stands on means of cells.

    Sources: Mahalanobis 1936; Wu, Wang, Xiao & Ling 2017, A priori assessment of prediction confidence for
    data-driven turbulence modeling, Flow Turbul. Combust. 99, 25 (both measures in feature space).
    """

    def __init__(self, features: int):
        super().__init__()
        self.variance = CENTRES ** (-2 / (features + 4))  # of a kernel: Scott's rule for standardised features
        self.register_buffer("middle", torch.zeros(features))
        self.register_buffer("whiten", torch.eye(features))
        self.register_buffer("centres", torch.zeros(CENTRES, features))
        self.register_buffer("weights", torch.full((CENTRES,), 1 / CENTRES))
        self.register_buffer("limits", torch.ones(2))

    middle: Tensor
    whiten: Tensor
    centres: Tensor
    weights: Tensor
    limits: Tensor

    @torch.no_grad()
    def fit(self, z: Float[Tensor, "cell feature"]) -> None:
        """Learn from standardised features of the training cells; the same cells give the same bits."""
        self.middle.copy_(z.double().mean(0))
        covariance = torch.cov(z.double().T)
        covariance.diagonal().add_(_RIDGE)
        self.whiten.copy_(torch.linalg.inv(torch.linalg.cholesky(covariance)).mT)
        draw = torch.randperm(len(z), generator=torch.Generator().manual_seed(0))[:SAMPLE]
        some = z[draw.to(z.device)]
        # Sums over clusters have one order on the CPU only.
        centres, weights = centroids(some.cpu().clamp(-_FAR, _FAR), min(CENTRES, max(1, len(z) // 20)))
        self.centres.zero_()[: len(centres)] = centres
        self.weights.zero_()[: len(weights)] = weights
        self.limits.fill_(1)
        self.limits.copy_(torch.stack(self(some)).quantile(0.99, dim=1))

    def forward(self, z: Float[Tensor, "cell feature"]) -> tuple[Float[Tensor, "cell"], Float[Tensor, "cell"]]:
        """Mahalanobis and kernel distance of standardised features; NaN of cells with a NaN."""
        z = z.clamp(-_FAR, _FAR)
        mahalanobis = ((z - self.middle) @ self.whiten).norm(dim=1)
        return mahalanobis / self.limits[0], self.kernel_distance(z) / self.limits[1]

    def kernel_distance(self, z: Tensor) -> Tensor:
        """sqrt(−2 h² ln Σ w_i exp(−|z − c_i|²/(2 h²))): a smooth distance to the nearest centre of weight."""
        bias = self.weights.log() - self.centres.square().sum(1) / (2 * self.variance)
        inner = torch.addmm(bias, z, self.centres.mT, alpha=1 / self.variance)
        return (z.square().sum(1) - 2 * self.variance * inner.logsumexp(1)).clamp(min=0).sqrt()


def centroids(z: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Means ``[centre, feature]`` of up to ``count`` clusters of cells ``[cell, feature]`` and their shares of cells.

    Clusters of very few cells are left out. Source: Lloyd 1982, IEEE Trans. Inf. Theory 28, 129 (k-means).
    """
    start = torch.randperm(len(z), generator=torch.Generator().manual_seed(1))[:count]
    centres = z[start.to(z.device)]
    for _ in range(_ROUNDS):
        nearest = torch.addmm(centres.square().sum(1), z, centres.mT, alpha=-2).argmin(1)
        cells = torch.bincount(nearest, minlength=len(centres))
        keep = cells >= cells.max().clamp(max=_FEWEST)
        sums = torch.zeros_like(centres).index_add_(0, nearest, z)
        centres, cells = sums[keep] / cells[keep, None], cells[keep]
    return centres, cells.to(z) / cells.sum()
