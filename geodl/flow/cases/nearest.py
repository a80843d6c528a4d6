"""The flow around the most similar body seen in training, taken as it is."""

import torch

from geodl.core.contract import Tensors
from geodl.flow.geometry.frontal_height import measured_height


def nearest_case(inputs: Tensors, known: tuple[Tensors, Tensors], spacing: float) -> Tensors:
    """Outputs of the training case that is nearest in shape and Reynolds number, its fields zeroed in the body.

    The distance is the mean of (φ - φ_k)²/D² plus (ln Re - ln Re_k)².

    Args:
        inputs: signed distance ``[sample, y, x]`` in metres and Reynolds number ``[sample]``.
        known: (inputs, outputs) for training; outputs are u, v, p, then numbers.
    """
    (sdf, reynolds), (known_inputs, known_outputs) = inputs, known
    height = measured_height(sdf, spacing)
    shape = torch.cdist(sdf.flatten(1), known_inputs[0].flatten(1)).square() / sdf[0].numel() / height[:, None] ** 2
    speed = (reynolds.log()[:, None] - known_inputs[1].log()).square()
    chosen = (shape + speed).argmin(1)
    fluid = (sdf > 0).to(sdf)
    return tuple(y[chosen] * fluid if y.ndim == 3 else y[chosen] for y in known_outputs)
