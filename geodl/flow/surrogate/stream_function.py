"""Velocity from a stream function that is constant on the body: no flow through the wall, none along it, no sources."""

import torch
from torch import Tensor
from torch.nn import functional

WALL_LAYER = 0.25  # m: beyond a few of it the body no longer shapes the stream function


def to_corners(cells: Tensor) -> Tensor:
    """Means of the four cells around every corner ``[sample, 1, y, x]`` to ``[sample, 1, y + 1, x + 1]``."""
    return functional.avg_pool2d(functional.pad(cells, (1, 1, 1, 1), mode="replicate"), 2, stride=1)


def touches_body(solid: Tensor) -> Tensor:
    """1 at corners of solid cells ``[sample, 1, y, x]`` to ``[sample, 1, y + 1, x + 1]``."""
    return functional.max_pool2d(functional.pad(solid, (1, 1, 1, 1)), 2, stride=1)


def wall_factor(sdf: Tensor) -> Tensor:
    """W = 1 - exp(-(φ/δ)²) at the corners, exactly zero at every corner of a solid cell."""
    distance = to_corners(sdf).clamp(min=0)
    return -torch.expm1(-((distance / WALL_LAYER) ** 2)) * (1 - touches_body((sdf <= 0).to(sdf)))


def side_factor(rows: int, columns: int, *, like: Tensor) -> Tensor:
    """Zero on the inlet and the sides, where the stream function is that of the inflow ``[y + 1, x + 1]``."""
    y = torch.linspace(0, 1, rows + 1).to(like)
    x = torch.linspace(0, columns / rows, columns + 1).to(like)
    return torch.tanh(8 * x) * (4 * y * (1 - y))[:, None]


def stream_function(correction: Tensor, wall: Tensor, body: Tensor, height: float) -> Tensor:
    """ψ of the inflow plus a correction, blended to one value on the body ``[sample, 1, y + 1, x + 1]``.

    ψ = ψ_body + W (ψ_free - ψ_body) with ψ_free = y + s N. W and its gradient vanish on the body, s on the inlet and
    on the sides. ψ_body is the mean of ψ_free over the corners of the body: it decides how much flows above and below.

    Args:
        correction: N, in metres times the inflow speed, of any size.
        wall: W of :func:`wall_factor`.
        body: 1 at the corners of solid cells.
        height: of the domain in metres.
    """
    rows, columns = correction.shape[-2] - 1, correction.shape[-1] - 1
    inflow = torch.linspace(0, height, rows + 1).to(correction)[:, None]
    free = inflow + side_factor(rows, columns, like=correction) * correction
    count = body.sum((-2, -1), keepdim=True).clamp(min=1)
    on_body = (free * body).sum((-2, -1), keepdim=True) / count
    return on_body + wall * (free - on_body)


def velocity(psi: Tensor, spacing: float) -> tuple[Tensor, Tensor]:
    """u = ∂ψ/∂y and v = -∂ψ/∂x at the cell centres from ψ at the corners, each ``[sample, y, x]``.

    The flux out of every square of four neighbouring centres, by the trapezoidal rule, is zero to rounding.
    """
    west, east = psi[:, 0, :, :-1], psi[:, 0, :, 1:]
    along_y = (west + east).diff(dim=1)
    across = east - west
    return along_y / (2 * spacing), -(across[:, :-1] + across[:, 1:]) / (2 * spacing)


def divergence(u: Tensor, v: Tensor, spacing: float) -> Tensor:
    """Net flux per area out of the squares between four cell centres ``[sample, y - 1, x - 1]``."""
    u_x = u.diff(dim=2)
    v_y = v.diff(dim=1)
    return (u_x[:, :-1] + u_x[:, 1:] + v_y[..., :-1] + v_y[..., 1:]) / (2 * spacing)
