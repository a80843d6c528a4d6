"""Populations to begin with."""

import torch
from torch import Tensor

from geodl.errors import ShapeError
from geodl.flow.lattice.batch import Batch
from geodl.flow.lattice.collision import equilibrium, non_equilibrium
from geodl.flow.lattice.sides import NORMALS, Inlet, Sides


def uniform(batch: Batch, sides: Sides) -> Tensor:
    """The undisturbed inflow in all the fluid, or rest where nothing flows in."""
    solid = batch.problem.solid
    u = torch.zeros_like(solid, dtype=batch.cells.dtype)
    v = torch.zeros_like(u)
    for name, (nx, ny) in NORMALS.items():
        side = sides.kind(name)
        if isinstance(side, Inlet):
            profile = torch.as_tensor(side.profile, dtype=u.dtype, device=u.device)
            profile = profile[:, None] if profile.ndim and nx else profile
            u, v = u - nx * profile, v - ny * profile
    return _padded(batch, _local(batch, u, v, torch.zeros_like(u)))


def streamed(
    batch: Batch, given: tuple[Tensor | None, Tensor | None, Tensor | None], gradient: Tensor | None, spacing: float
) -> Tensor:
    """Populations of a velocity and pressure field, with the part out of equilibrium that its gradient needs.

    Source: Skordos 1993, Phys. Rev. E 48, 4823.
    """
    u, v, p = (_checked(batch, field) for field in given)
    solid, tau = batch.problem.solid, batch.problem.relaxation_time
    slope = _differences(solid, torch.stack([u, v], -1)) if gradient is None else spacing * gradient.to(u)
    rest = non_equilibrium(batch.speed * slope, tau)
    return _padded(batch, _local(batch, u, v, p) + (1 - 1 / tau[:, None, None, None]) * rest)


def _local(batch: Batch, u: Tensor, v: Tensor, p: Tensor) -> Tensor:
    """Equilibrium after a collision, which has added half of a body force to the momentum."""
    half = 0.5 * batch.problem.force[:, :, None, None]
    return equilibrium(3 * batch.speed**2 * p, batch.speed * u + half[:, 0], batch.speed * v + half[:, 1])


def _checked(batch: Batch, field: Tensor | None) -> Tensor:
    like, shape = batch.cells, batch.problem.solid.shape
    if field is None:
        return like.new_zeros(shape)
    if field.shape != shape:
        raise ShapeError(f"a field to start from has shape {tuple(field.shape)}, expected {tuple(shape)}")
    return field.to(like)


def _differences(solid: Tensor, velocity: Tensor) -> Tensor:
    """d_a u_b per cell by central differences; zero where a neighbour is solid."""
    along_y, along_x = torch.gradient(velocity, dim=(1, 2), edge_order=2)
    near = torch.nn.functional.max_pool2d(solid.to(velocity), 3, stride=1, padding=1) > 0
    return torch.where(near[..., None, None], 0, torch.stack([along_x, along_y], -2))


def _padded(batch: Batch, inner: Tensor) -> Tensor:
    """With ghost cells, and zero in the bodies; ghosts repeat their neighbours, which an outlet remembers."""
    inner = torch.where(batch.problem.solid[:, None], 0, inner)
    return torch.nn.functional.pad(inner, (1, 1, 1, 1), mode="replicate").contiguous()
