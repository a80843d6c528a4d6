"""The network of Guo, Li & Iorio 2016: one encoder of the signed distance, a decoder for every field."""

import torch
from torch import Tensor, nn

from geodl.flow.control_volume import control_volume_forces
from geodl.flow.surrogate.encoding import Encoded, ln_reynolds

_KERNEL, _INNER = 8, 4  # cells that the two convolutions fold into one
LEAST_DRAG = 1e-3  # of a field that is far from any flow, so that its logarithm is a number


class Decoder(nn.Module):
    """The code ``[sample, value]`` to one field ``[sample, y, x]``."""

    def __init__(self, code: int, places: tuple[int, int], channels: tuple[int, int]):
        super().__init__()
        first, inner = channels
        self.spread = nn.Sequential(nn.Linear(code, inner * places[0] * places[1]), nn.ReLU())
        self.unflatten = nn.Unflatten(1, (inner, *places))
        self.fields = nn.Sequential(
            nn.ConvTranspose2d(inner, first, _INNER, stride=_INNER),
            nn.ReLU(),
            nn.ConvTranspose2d(first, 1, _KERNEL, stride=_KERNEL),
        )

    def forward(self, code: Tensor) -> Tensor:
        field: Tensor = self.fields(self.unflatten(self.spread(code)))
        return field[:, 0]


class GuoNetwork(nn.Module):
    """Convolutions without overlap down to a dense code, and back for u, v and p, each by a decoder of its own.

    The paper predicts velocity at one Reynolds number on 256 x 128 cells; here ln Re joins the code, a third decoder
    gives p, and with the cells along each side the channels are halved. Nothing is kept by construction: the loss looks
    at fluid cells only, as in the paper. Forces come from the fields.
    Source: Guo, Li & Iorio 2016, Convolutional neural networks for steady flow approximation, KDD, section 3.
    """

    def __init__(self, size: tuple[int, int], spacing: float, channels: tuple[int, int] = (64, 256), code: int = 512):
        super().__init__()
        first, inner = channels
        fold = _KERNEL * _INNER
        places = (size[0] // fold, size[1] // fold)
        self.spacing = spacing
        self.encoder = nn.Sequential(
            nn.Conv2d(1, first, _KERNEL, stride=_KERNEL),
            nn.ReLU(),
            nn.Conv2d(first, inner, _INNER, stride=_INNER),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(inner * places[0] * places[1], code),
            nn.ReLU(),
        )
        self.decoders = nn.ModuleList(Decoder(code + 1, places, channels) for _ in range(3))

    def forward(self, *encoded: Tensor) -> tuple[Tensor, ...]:
        seen = Encoded(*encoded)
        code = torch.cat([self.encoder(seen.image), ln_reynolds(seen.reynolds)], dim=1)
        u, v, p = (decoder(code) for decoder in self.decoders)
        if self.training:
            return u[:, None], v[:, None], p[:, None]
        forces = control_volume_forces((u, v, p), seen.sdf, reynolds=seen.reynolds, spacing=self.spacing)
        drag, lift = forces.drag.mean(1), forces.lift.mean(1)
        alone = torch.zeros_like(drag)
        return u, v, p, drag.clamp(min=LEAST_DRAG).log(), lift, drag, lift, forces.drag.std(1), alone
