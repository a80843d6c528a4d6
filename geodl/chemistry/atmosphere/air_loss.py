"""How far a step is from the reference: for every species, against what usually happens to it in a step."""

import torch
from torch import Tensor

from geodl.chemistry.atmosphere.air_network import TRACE
from geodl.core.contract import Tensors

SHARE = 0.3  # of the mean change of a species: errors of smaller changes count as they are
COARSE = 0.01  # relative change beyond which none is small
LINEAR = 0.1  # weight of the errors of large changes


def air_loss(predicted: Tensors, targets: Tensors, inputs: Tensors, *, active: list[int]) -> Tensor:
    """Mean absolute error of the logarithms of concentrations, and of the asinh of their changes in the step.

    Both in units of ``SHARE`` of the mean change of a species in the batch, at most ``COARSE``: a bias of what hardly
    changes adds up over days, and what is in a steady state must be right at once.
    """
    before, truth, found = (x[:, active].double() for x in (_fed(inputs), targets[0], predicted[0]))
    trace = (TRACE * truth.mean(0)).clamp(min=1e-40)
    start = (before + trace).log()
    change, reached = (truth + trace).log() - start, (found + trace).log() - start
    scale = (SHARE * change.abs().mean(0)).clamp(1e-7, COARSE)
    relative = (torch.asinh(reached / scale) - torch.asinh(change / scale)).abs()
    return (relative + LINEAR * (reached - change).abs() / scale).mean()


def _fed(inputs: Tensors) -> Tensor:
    _, _, concentration, _, emission, dt = inputs
    return concentration + emission * dt[:, None]
