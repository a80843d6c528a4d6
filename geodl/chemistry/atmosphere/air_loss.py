"""How far a step is from the reference: for every species, against what usually happens to it in a step."""

from collections.abc import Sequence

import torch
from torch import Tensor

from geodl.chemistry.atmosphere.air_network import FORGETFUL, TRACE
from geodl.core.contract import Tensors

SHARE = 0.3  # of the mean change of a species: errors of smaller changes count as they are
LEAST = 1e-6  # relative change, about what inputs in single precision resolve
COARSE = 0.01  # relative change beyond which none is small
LINEAR = 0.5  # weight of the errors of large changes
ASKED_FOR = {"O3": 10.0, "NO2": 4.0, "OH": 3.0, "NO": 2.0, "HO2": 2.0}  # weights of what air is judged by
LEADING = {"ALD2": 8.0, "FORM": 5.0, "MGLY": 3.0}  # and of what lasts for hours, and leads NO2 and OH astray with it
FORGOTTEN = 0.2  # of what forgets within a second, and nobody asks for


def weights(species: Sequence[str]) -> list[float]:
    """How much errors of species count, one in the mean."""
    each = [(ASKED_FOR | LEADING).get(name, FORGOTTEN if name in FORGETFUL else 1.0) for name in species]
    return [weight * len(each) / sum(each) for weight in each]


def air_loss(
    predicted: Tensors, targets: Tensors, inputs: Tensors, *, active: list[int], weights: Sequence[float]
) -> Tensor:
    """Mean absolute error of the logarithms of concentrations, and of what is left of it on a scale for small changes.

    Both in units of ``SHARE`` of the mean change of a species in the batch, at most ``COARSE``: a bias of what hardly
    changes adds up over days, and what is in a steady state must be right at once.

    Args:
        active: columns of the species that count, each with a weight.
    """
    before, truth, found = (x[:, active].double() for x in (_fed(inputs), targets[0], predicted[0]))
    trace = (TRACE * truth.mean(0)).clamp(min=1e-40)
    start = (before + trace).log()
    change, reached = (truth + trace).log() - start, (found + trace).log() - start
    scale = (SHARE * change.abs().mean(0)).clamp(LEAST, COARSE)
    change, reached = change / scale, reached / scale
    error = (_folded(reached) - _folded(change)).abs() + LINEAR * (reached - change).abs()
    return (error.mean(0) * torch.tensor(weights).to(error)).mean()


def _folded(change: Tensor) -> Tensor:
    """Linear below one, and a logarithm above; asinh would do the same, twelve times slower."""
    return change.abs().log1p().copysign(change)


def _fed(inputs: Tensors) -> Tensor:
    _, _, concentration, _, emission, dt = inputs
    return concentration + emission * dt[:, None]
