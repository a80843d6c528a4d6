"""What a network sees of a body and a Reynolds number."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from geodl.flow.surrogate.stream_function import touches_body, wall_factor

LENGTHS = (0.1, 0.3, 0.9, 2.7)  # m: at these distances from the wall an image e^(-φ/length) fades
NEAR = 0.25  # m: within this the distance is seen with its sign
REYNOLDS = 15.0  # where the logarithm is zero
CHANNELS = len(LENGTHS) + 4


class Encoded(NamedTuple):
    """Encoded inputs, samples first.

    Attributes:
        image: channels that show the body ``[sample, channel, y, x]``.
        wall: W ``[sample, 1, y + 1, x + 1]``; body: 1 at corners of solid cells, of the same shape.
        sdf: ``[sample, y, x]`` in metres.
        reynolds: ``[sample]``.
    """

    image: Tensor
    wall: Tensor
    body: Tensor
    sdf: Tensor
    reynolds: Tensor


def encode(inputs: tuple[Tensor, ...], image: Literal["layers", "sdf", "mask"] = "layers") -> Encoded:
    """What networks see of the signed distance ``[sample, y, x]`` in metres and the Reynolds number ``[sample]``.

    Args:
        image: "layers" are functions of the distance near and far from the wall, the mask and the coordinates; "sdf"
            is the distance itself and "mask" the solid cells, each alone.
    """
    sdf, reynolds = inputs
    distance = sdf[:, None]
    solid = (distance <= 0).to(sdf)
    seen = {"sdf": distance, "mask": solid}.get(image)
    seen = _layers(distance, solid) if seen is None else seen
    return Encoded(seen, wall_factor(distance), touches_body(solid), sdf, reynolds)


def _layers(distance: Tensor, solid: Tensor) -> Tensor:
    fading = (torch.exp(-distance.clamp(min=0) / length) for length in LENGTHS)
    near = distance.clamp(-NEAR, NEAR) / NEAR
    return torch.cat([*fading, near, *_coordinates(distance), solid], dim=1)


def _coordinates(distance: Tensor) -> list[Tensor]:
    """Distance from the outlet and from the nearer side, of order one: mirrored flows look alike."""
    samples, _, rows, columns = distance.shape
    y = 1 - torch.linspace(-1, 1, rows).to(distance).abs()[:, None].expand(rows, columns)
    x = torch.linspace(-1, 1, columns).to(distance).expand(rows, columns)
    return [c.expand(samples, 1, rows, columns) for c in (x, y)]


def mirrored(encoded: Encoded, chosen: Tensor) -> Encoded:
    """Some samples upside down; ``chosen``: bool ``[sample]``."""
    image, wall, body, sdf = (upside_down(x, chosen) for x in encoded[:4])
    return Encoded(image, wall, body, sdf, encoded.reynolds)


def upside_down(field: Tensor, chosen: Tensor, sign: float = 1.0) -> Tensor:
    """Some samples of a field ``[sample, …, y, x]`` mirrored across the stream, times a sign."""
    return torch.where(chosen.reshape(-1, *[1] * (field.ndim - 1)), sign * field.flip(-2), field)


def ln_reynolds(reynolds: Tensor) -> Tensor:
    """ln of the Reynolds number ``[sample]`` as a condition ``[sample, 1]``."""
    return (reynolds / REYNOLDS).log()[:, None]
