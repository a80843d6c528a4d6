"""How far a step is from the reference: for every species, against what usually happens to it in a step."""

from torch import Tensor

from geodl.chemistry.atmosphere.air_network import TRACE
from geodl.core.contract import Tensors

SHARE = 0.3  # of the mean change of a species: errors of smaller changes count as they are
LEAST = 1e-6  # relative change, about what inputs in single precision resolve
COARSE = 0.01  # relative change beyond which none is small
LINEAR = 0.5  # weight of the errors of large changes


def air_loss(predicted: Tensors, targets: Tensors, inputs: Tensors, *, active: list[int]) -> Tensor:
    """Mean absolute error of the logarithms of concentrations, and of what is left of it on a scale for small changes.

    Both in units of ``SHARE`` of the mean change of a species in the batch, at most ``COARSE``: a bias of what hardly
    changes adds up over days, and what is in a steady state must be right at once.
    """
    before, truth, found = (x[:, active].double() for x in (_fed(inputs), targets[0], predicted[0]))
    trace = (TRACE * truth.mean(0)).clamp(min=1e-40)
    start = (before + trace).log()
    change, reached = (truth + trace).log() - start, (found + trace).log() - start
    scale = (SHARE * change.abs().mean(0)).clamp(LEAST, COARSE)
    change, reached = change / scale, reached / scale
    return ((_folded(reached) - _folded(change)).abs() + LINEAR * (reached - change).abs()).mean()


def _folded(change: Tensor) -> Tensor:
    """Linear below one, and a logarithm above; asinh would do the same, twelve times slower."""
    return change.abs().log1p().copysign(change)


def _fed(inputs: Tensors) -> Tensor:
    _, _, concentration, _, emission, dt = inputs
    return concentration + emission * dt[:, None]
