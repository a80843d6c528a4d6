"""What a network of flows is trained on: velocity and pressure in the fluid, and the forces that they imply."""

from typing import NamedTuple

import torch
from torch import Tensor

from geodl.core.contract import Tensors
from geodl.flow.control_volume import control_volume_forces
from geodl.flow.surrogate.encoding import Encoded

NEAR_LENGTH = 0.3  # m: so far errors near the wall count more


class Weights(NamedTuple):
    """Of square errors beside that of the velocity over the fluid.

    Attributes:
        near: by how much more an error counts at the wall.
        pressure: of p.
        stream: of the stream function, per square metre.
        force: of drag and lift, as given and on every box.
    """

    near: float = 2.0
    pressure: float = 0.5
    stream: float = 5.0
    force: float = 0.02


USUAL = Weights()


def fluid_loss(predicted: Tensors, targets: Tensors, inputs: Tensors) -> Tensor:
    """Mean square error of u, v and p over fluid cells, as in the paper of Guo, Li & Iorio 2016."""
    fluid = (Encoded(*inputs).sdf > 0).to(targets[0])
    errors = (_of_members(p, t) for p, t in zip(predicted[:3], targets[:3], strict=True))
    return torch.stack([(error * fluid[:, None]).mean() for error in errors]).sum()


def constrained_loss(
    predicted: Tensors, targets: Tensors, inputs: Tensors, *, spacing: float, weights: Weights = USUAL
) -> Tensor:
    """Weighted square errors of fields, of force coefficients, and of the forces on boxes around the body."""
    seen = Encoded(*inputs)
    fluid = (seen.sdf > 0).to(targets[0])
    weight = (fluid * (1 + weights.near * torch.exp(-seen.sdf.clamp(min=0) / NEAR_LENGTH)))[:, None]
    u, v, p, ln_drag, lift = (_of_members(a, b) for a, b in zip(predicted, targets, strict=True))
    fields = ((u + v + weights.pressure * p) * weight).mean()
    fields = fields + weights.stream * _stream_error(predicted[0], targets[0], spacing)
    boxes = _force_error(predicted, targets, seen, spacing)
    return fields + weights.force * (ln_drag + lift).mean() + weights.force * boxes


def _of_members(predicted: Tensor, target: Tensor) -> Tensor:
    """Square errors ``[sample, member, …]``; in validation there is the mean of the members only."""
    if predicted.ndim == target.ndim:
        predicted = predicted[:, None]
    return (predicted - target[:, None]).square()


def _stream_error(predicted: Tensor, target: Tensor, spacing: float) -> Tensor:
    """Mean square error of the stream function, the flux below every point in metres.

    The velocity is its derivative and hardly feels its long waves, which are most of a wake; without this they are
    learned last.
    """
    difference = predicted - (target if predicted.ndim == target.ndim else target[:, None])
    return (difference.cumsum(-2) * spacing).square().mean()


def _force_error(predicted: Tensors, targets: Tensors, seen: Encoded, spacing: float) -> Tensor:
    """Mean square relative error of drag and lift over boxes, both in units of the drag; at most 1 each, so that the
    first, hopeless answers do not outweigh the fields."""
    members = predicted[0].shape[1] if predicted[0].ndim > targets[0].ndim else 1
    u, v, p = (field.flatten(0, 1) if field.ndim > 3 else field for field in predicted[:3])
    sdf, reynolds, ln_drag, lift = (x.repeat_interleave(members, 0) for x in (seen.sdf, seen.reynolds, *targets[3:]))
    forces = control_volume_forces((u, v, p), sdf, reynolds=reynolds, spacing=spacing)
    drag = ln_drag.exp()[:, None]
    errors = (forces.drag / drag - 1).square(), ((forces.lift - lift[:, None]) / drag).square()
    return torch.stack([(error / (1 + error)).mean() for error in errors]).sum()
