"""Classical models of a time step: nothing happens, or what a linear map of the same coordinates says."""

from collections.abc import Mapping

import torch
from torch import Tensor

from geodl.chemistry.surrogate.box_cox import root, tenth_power
from geodl.chemistry.surrogate.features import features
from geodl.core.contract import Baseline, Tensors

_RIDGE = 1e-6
_KELVIN = 1000.0


def unchanged() -> Baseline:
    """The state before the step."""
    return Baseline("the state before the step", lambda inputs, outputs: {}, _same)


def linear() -> Baseline:
    """Least squares from what the network sees to the changes of temperature and of the roots of mass fractions."""
    return Baseline("a linear map of temperature, pressure, time step and Box-Cox composition", _fit, _predict)


def _same(fitted: Mapping[str, Tensor], inputs: Tensors) -> Tensors:
    del fitted
    return inputs[0], inputs[2]


def _seen(inputs: Tensors) -> Tensor:
    temperature, pressure, mass_fraction, dt = (x.double() for x in inputs)
    seen = features(temperature, pressure, root(mass_fraction), dt)
    return torch.cat([seen, torch.ones_like(seen[:, :1])], 1)


def _fit(inputs: Tensors, outputs: Tensors) -> dict[str, Tensor]:
    seen = _seen(inputs)
    warmed = (outputs[0] - inputs[0]).double()[:, None] / _KELVIN
    changes = torch.cat([warmed, root(outputs[1].double()) - root(inputs[2].double())], 1)
    return {"weights": least_squares(seen, changes)}


def least_squares(seen: Tensor, changes: Tensor) -> Tensor:
    """Weights [feature, change] that a little ridge keeps finite, from [sample, feature] and [sample, change]."""
    gram = seen.mT @ seen / len(seen)
    ridge = _RIDGE * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    return torch.linalg.solve(gram + ridge, seen.mT @ changes / len(seen))


def _predict(fitted: Mapping[str, Tensor], inputs: Tensors) -> Tensors:
    change = _seen(inputs) @ fitted["weights"].double()
    fractions = tenth_power(root(inputs[2].double()) + change[:, 1:])
    fractions = fractions / fractions.sum(1, keepdim=True)
    return (inputs[0] + _KELVIN * change[:, 0]).to(inputs[0]), fractions.to(inputs[2])
