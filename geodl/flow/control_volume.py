"""Forces on a body from the flow around it: momentum balances over boxes that no solver has to be asked about."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from geodl.flow.geometry.frontal_height import measured_height

MARGINS = (0.5, 1.0, 2.0)  # of the frontal height, between the body and the sides of a box
EDGE = 2  # cells between a box and the border: there differences are central and inlets and sides are not felt


class BodyForces(NamedTuple):
    """Coefficients 2F/(ρU²D) of every box ``[sample, box]``."""

    drag: Tensor
    lift: Tensor


def control_volume_forces(
    flow: tuple[Tensor, Tensor, Tensor],
    sdf: Float[Tensor, "sample y x"],
    *,
    reynolds: Float[Tensor, "sample"],
    spacing: float,
    margins: tuple[float, ...] = MARGINS,
) -> BodyForces:
    """Drag and lift coefficients by the steady balance of momentum over boxes around the body.

    A box is an indicator w: the balance ∮ T·n is the sum of -∇w·T over the faces between cells, with the momentum flux
    T = uu + p - τ of both neighbours averaged. Boxes end ``EDGE`` cells inside the domain at the latest.

    Args:
        flow: u, v ``[sample, y, x]`` in inflow speeds U, and p in ρU².
        sdf: signed distance of the cell centres in metres, negative in the body.
        reynolds: U D/ν with the frontal height D.
        spacing: width of a cell in metres.
        margins: between the body and the sides of each box, in D.
    Source: momentum theorem, e.g. Anderson 2017, Fundamentals of Aerodynamics, section 2.6.
    """
    height = measured_height(sdf, spacing)
    normal_x, shear, normal_y = _momentum_flux(flow, height / reynolds, spacing)
    inside = _boxes(sdf, height, spacing, margins)
    west_east, south_north = inside.diff(dim=-1), inside.diff(dim=-2)
    x = _sum(west_east * _between(normal_x, -1)) + _sum(south_north * _between(shear, -2))
    y = _sum(west_east * _between(shear, -1)) + _sum(south_north * _between(normal_y, -2))
    scale = 2 * spacing / height[:, None]
    return BodyForces(x * scale, y * scale)


def _momentum_flux(flow: tuple[Tensor, Tensor, Tensor], viscosity: Tensor, spacing: float) -> tuple[Tensor, ...]:
    """xx, xy and yy of uu + p - τ, with a box dimension ``[sample, 1, y, x]``."""
    u, v, p = flow
    u_y, u_x = _gradient(u, spacing)
    v_y, v_x = _gradient(v, spacing)
    nu = viscosity[:, None, None]
    fluxes = u * u + p - 2 * nu * u_x, u * v - nu * (u_y + v_x), v * v + p - 2 * nu * v_y
    return tuple(flux[:, None] for flux in fluxes)


def _gradient(field: Tensor, spacing: float) -> tuple[Tensor, Tensor]:
    """d/dy and d/dx by central differences, one-sided at the border."""
    padded = functional.pad(field[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    return (
        (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / (2 * spacing),
        (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / (2 * spacing),
    )


def _boxes(sdf: Tensor, height: Tensor, spacing: float, margins: tuple[float, ...]) -> Tensor:
    """1 in the cells of each box ``[sample, box, y, x]``."""
    solid = sdf <= 0
    cells = torch.tensor(margins).to(sdf) * (height / spacing)[:, None]
    along_x, along_y = (_span(solid.any(dim), cells) for dim in (1, 2))
    return along_y[..., :, None] * along_x[..., None, :]


def _span(occupied: Tensor, cells: Tensor) -> Tensor:
    """1 from ``cells`` before the first to ``cells`` behind the last occupied place ``[sample, box, place]``."""
    size = occupied.shape[1]
    place = torch.arange(size, device=occupied.device, dtype=cells.dtype)
    first = torch.where(occupied, place, size).amin(1)[:, None] - cells.round()
    last = torch.where(occupied, place, -1).amax(1)[:, None] + cells.round()
    first, last = first.clamp(min=EDGE)[..., None], last.clamp(max=size - 1 - EDGE)[..., None]
    return ((place >= first) & (place <= last)).to(cells)


def _between(field: Tensor, dim: int) -> Tensor:
    """Mean of neighbours along a dimension."""
    size = field.shape[dim] - 1
    return (field.narrow(dim, 0, size) + field.narrow(dim, 1, size)) / 2


def _sum(field: Tensor) -> Tensor:
    return field.sum((-2, -1))
