"""A U-Net whose every block knows the Reynolds number."""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

CONDITION = 16  # values that describe the Reynolds number to the blocks


class Block(nn.Module):
    """Two convolutions beside a shortcut; between them the Reynolds number scales and shifts every channel.

    Source: Perez et al. 2018, FiLM, AAAI; He et al. 2016, Identity mappings in deep residual networks, ECCV.
    """

    def __init__(self, before: int, after: int):
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.film = nn.Linear(CONDITION, 2 * after)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1) if before != after else nn.Identity()
        nn.init.zeros_(self.film.weight)  # at first all Reynolds numbers are treated alike
        nn.init.zeros_(self.film.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.film(condition)[..., None, None].chunk(2, dim=1)
        inner = functional.silu(self.first(functional.silu(x)) * (1 + scale) + shift)
        return self.shortcut(x) + self.second(inner)


class UNet(nn.Module):
    """Images ``[sample, channel, y, x]`` and ln Re ``[sample, 1]`` to fields of the same size, and to features of the
    whole ``[sample, feature]``.

    Images are folded 2 x 2 into channels, and fields are unfolded in the end: all work is done at half the resolution.
    Every level adds what it can see to the fields, so that long waves need not pass through all finer levels.
    Source: Ronneberger, Fischer & Brox 2015, U-Net, MICCAI; Shi et al. 2016, CVPR (folding); Ghiasi & Fowlkes 2016,
    ECCV (fields as a sum over levels).
    """

    def __init__(self, channels: int, widths: tuple[int, ...], fields: int):
        super().__init__()
        self.condition = nn.Sequential(nn.Linear(1, 32), nn.SiLU(), nn.Linear(32, CONDITION), nn.SiLU())
        self.stem = nn.Conv2d(4 * channels, widths[0], 3, padding=1)
        pairs = list(itertools.pairwise(widths))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.encode = nn.ModuleList(Block(width, width) for width in widths)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.decode = nn.ModuleList(Block(2 * a, a) for a, _ in pairs)
        self.waves = nn.ModuleList(_silent(nn.Conv2d(width, fields, 3, padding=1)) for width in widths[1:])
        self.fields = nn.Conv2d(widths[0], 4 * fields, 3, padding=1)

    def forward(self, image: Tensor, ln_reynolds: Tensor) -> tuple[Tensor, Tensor]:
        condition = self.condition(ln_reynolds)
        *kept, x = self._encoded(image, condition)
        whole = torch.cat([x.mean((2, 3)), condition], dim=1)
        fields = self.waves[-1](functional.silu(x))
        for up, decode, finer in zip(self.up[::-1], self.decode[::-1], [*self.waves[-2::-1], None], strict=True):
            x = decode(torch.cat([up(x), kept.pop()], dim=1), condition)
            fields = _doubled(fields)
            if finer is not None:
                fields = fields + finer(functional.silu(x))
        return _doubled(fields) + functional.pixel_shuffle(self.fields(functional.silu(x)), 2), whole

    def _encoded(self, image: Tensor, condition: Tensor) -> list[Tensor]:
        """What every level sees, from fine to coarse."""
        folded = functional.pixel_unshuffle(image, 2).contiguous(memory_format=torch.channels_last)
        levels = [self.encode[0](self.stem(folded), condition)]
        for down, encode in zip(self.down, self.encode[1:], strict=True):
            levels.append(encode(down(levels[-1]), condition))
        return levels


def _silent(layer: nn.Conv2d) -> nn.Conv2d:
    """A layer that begins with the answer zero."""
    assert layer.bias is not None
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _doubled(fields: Tensor) -> Tensor:
    return functional.interpolate(fields, scale_factor=2, mode="bilinear", align_corners=False)
