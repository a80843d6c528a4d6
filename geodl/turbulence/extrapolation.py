"""How far a cell is from the cells of the training data: Mahalanobis distance and kernel density."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

CENTRES = 256  # of the kernel density: more of them find the same cells, and cost as much as the network
_RIDGE = 1e-3  # of the variance of a standardised feature: features that are nearly dependent do not dominate
_FAR = 50.0  # standard deviations: beyond, further is all the same


class Extrapolation(nn.Module):
    """Two distances in the space of standardised features, each 1 at the 99th percentile of the training cells.

    Sources: Mahalanobis 1936; Wu, Wang, Xiao & Ling 2017, A priori assessment of prediction confidence for
    data-driven turbulence modeling, Flow Turbul. Combust. 99, 25 (both measures in feature space).
    """

    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("whiten", torch.eye(features))
        self.register_buffer("centres", torch.zeros(CENTRES, features))
        self.register_buffer("limits", torch.ones(2))

    whiten: Tensor
    centres: Tensor
    limits: Tensor

    def fit(self, z: Float[Tensor, "cell feature"]) -> None:
        """Learn from standardised features of the training cells; the centres are drawn from them."""
        covariance = torch.cov(z.double().T) + _RIDGE * torch.eye(z.shape[1], dtype=torch.float64, device=z.device)
        self.whiten.copy_(torch.linalg.inv(torch.linalg.cholesky(covariance)).mT)
        generator = torch.Generator().manual_seed(0)
        self.centres.copy_(z[torch.randint(len(z), (CENTRES,), generator=generator).to(z.device)])
        some = z[torch.randint(len(z), (20_000,), generator=generator).to(z.device)]
        self.limits.fill_(1)
        self.limits.copy_(torch.stack(self(some)).quantile(0.99, dim=1))

    def forward(self, z: Float[Tensor, "cell feature"]) -> tuple[Float[Tensor, "cell"], Float[Tensor, "cell"]]:
        """Mahalanobis and kernel distance of standardised features."""
        z = z.clamp(-_FAR, _FAR)
        return (z @ self.whiten).norm(dim=1) / self.limits[0], self.kernel(z) / self.limits[1]

    def kernel(self, z: Tensor) -> Tensor:
        """sqrt(−2 h² ln p), p the mean over the centres of exp(−|z − c|²/(2 h²)): a smooth distance to the nearest.

        h = n^(−1/(d + 4)) is Scott's rule for standardised features.
        """
        width = len(self.centres) ** (-2 / (z.shape[1] + 4))
        squares = (z.square().sum(1, keepdim=True) - 2 * z @ self.centres.mT + self.centres.square().sum(1)).clamp(
            min=0
        )
        return (
            (
                -2
                * width
                * (torch.logsumexp(-squares / (2 * width), 1) - torch.log(torch.tensor(float(len(self.centres)))))
            )
            .clamp(min=0)
            .sqrt()
        )
