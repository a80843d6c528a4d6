"""Classical models of a step of air: nothing happens, or what a linear map of logarithms says."""

from collections.abc import Mapping

import torch
from torch import Tensor

from geodl.chemistry.atmosphere.air_features import numbers
from geodl.chemistry.atmosphere.air_network import TRACE
from geodl.chemistry.surrogate.baselines import least_squares
from geodl.core.contract import Baseline, Tensors

_RANGE = 5.0  # logarithm of a change, at most


def unchanged() -> Baseline:
    """Air before the step, with what was emitted."""
    return Baseline("the concentrations before the step", lambda inputs, outputs: {}, _same)


def linear() -> Baseline:
    """Least squares from conditions and logarithms of concentrations to the changes of the latter."""
    return Baseline("a linear map of conditions and of logarithms of concentrations", _fit, _predict)


def _same(fitted: Mapping[str, Tensor], inputs: Tensors) -> Tensors:
    del fitted
    return (inputs[2] + inputs[4] * inputs[5][:, None],)


def _seen(inputs: Tensors, logarithms: Tensor) -> Tensor:
    temperature, pressure, _, photolysis, emission, dt = (x.double() for x in inputs)
    strength = emission.sum(1) * 1e10
    vapour = torch.zeros_like(pressure)  # water stands among the concentrations
    seen = numbers(temperature, pressure, vapour, photolysis=photolysis, emission=strength, dt=dt)
    return torch.cat([seen, logarithms, torch.ones_like(logarithms[:, :1])], 1)


def _fit(inputs: Tensors, outputs: Tensors) -> dict[str, Tensor]:
    trace = (TRACE * outputs[0].double().mean(0)).clamp(min=1e-40)
    start, end = ((x.double() + trace).log() for x in (_same({}, inputs)[0], outputs[0]))
    seen = _seen(inputs, start)
    return {"trace": trace, "weights": least_squares(seen, end - start)}


def _predict(fitted: Mapping[str, Tensor], inputs: Tensors) -> Tensors:
    before, trace = _same({}, inputs)[0].double(), fitted["trace"].double()
    start = (before + trace).log()
    change = (_seen(inputs, start) @ fitted["weights"].double()).clamp(-_RANGE, _RANGE)
    return (((start + change).exp() - trace).clamp(min=0).to(inputs[2]),)
