"""How far a predicted flow is from the true one, case by case."""

import torch
from torch import Tensor

from geodl.core.contract import Tensors
from geodl.flow.geometry.frontal_height import measured_height
from geodl.flow.surrogate.stream_function import divergence


def velocity_error(predicted: Tensors, truth: Tensors, region: Tensor) -> Tensor:
    """‖û - u‖/‖u‖ over the cells of a region ``[sample, y, x]``, both components together ``[sample]``."""
    difference = torch.stack([(a - b) * region for a, b in zip(predicted[:2], truth[:2], strict=True)])
    size = torch.stack([field * region for field in truth[:2]])
    return (difference.square().sum((0, 2, 3)) / size.square().sum((0, 2, 3))).sqrt()


def pressure_error(predicted: Tensor, truth: Tensor, region: Tensor) -> Tensor:
    """Relative error of the pressure over a region, after its mean there is removed from both ``[sample]``."""
    count = region.sum((1, 2), keepdim=True).clamp(min=1)
    centred = [(p - (p * region).sum((1, 2), keepdim=True) / count) * region for p in (predicted, truth)]
    return (centred[0] - centred[1]).flatten(1).norm(dim=1) / centred[1].flatten(1).norm(dim=1)


def fluid(sdf: Tensor) -> Tensor:
    """1 in the cells outside the body."""
    return (sdf > 0).to(sdf)


def near_body(sdf: Tensor, spacing: float) -> Tensor:
    """1 in the fluid within one frontal height of the body."""
    return ((sdf > 0) & (sdf <= measured_height(sdf, spacing)[:, None, None])).to(sdf)


def speed_in_body(flow: Tensors, sdf: Tensor) -> Tensor:
    """Largest speed in cells of the body, in inflow speeds ``[sample]``."""
    speed = (flow[0].square() + flow[1].square()).sqrt()
    return (speed * (sdf <= 0)).flatten(1).amax(1)


def largest_divergence(flow: Tensors, sdf: Tensor) -> Tensor:
    """Largest net flux out of a square of four centres, all fluid, in inflow speeds over the spacing ``[sample]``."""
    corner = fluid(sdf)
    whole = corner[:, :-1, :-1] * corner[:, 1:, :-1] * corner[:, :-1, 1:] * corner[:, 1:, 1:]
    return (divergence(flow[0], flow[1], 1.0).abs() * whole).flatten(1).amax(1)
