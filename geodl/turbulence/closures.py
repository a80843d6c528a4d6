"""Closures that every network is measured against: the mean of the training data and eddy viscosities."""

import torch
from torch import Tensor

from geodl.core.contract import Baseline, Tensors
from geodl.turbulence.physics.eddy_viscosity import linear_eddy_viscosity, quadratic_eddy_viscosity
from geodl.turbulence.physics.mean_flow import BETA_STAR
from geodl.turbulence.physics.velocity_gradient import deviator, rotation_rate, strain_rate

State = dict[str, Tensor]


def training_mean() -> Baseline:
    """The mean tensors, in the frame of the training data, and k times its mean factor.

    It beats the eddy viscosity of k-ω SST on nearly every flow, so that to be better than that proves nothing.
    """

    def fit(inputs: Tensors, outputs: Tensors) -> State:
        anisotropy, ln_k, *rest = outputs
        means = {f"tensor_{i}": tensor.mean(0) for i, tensor in enumerate((anisotropy, *rest))}
        return {**means, "ln_ratio": (ln_k - inputs[1].log()).mean()}

    def predict(state: State, inputs: Tensors) -> Tensors:
        k = inputs[1]
        first, *rest = (state[f"tensor_{i}"].expand(len(k), 3, 3) for i in range(len(state) - 1))
        return first, k.log() + state["ln_ratio"], *rest

    return Baseline("mean tensor of the training data", fit, predict)


def linear_closure(remainder: bool) -> Baseline:
    """b = −ν_t S/k with ν_t = k/ω, and the k of the RANS; nothing remains."""

    def predict(state: State, inputs: Tensors) -> Tensors:
        b = _linear(inputs)
        return b, inputs[1].log(), *([torch.zeros_like(b)] if remainder else [])

    return Baseline("linear eddy viscosity", _nothing, predict)


def quadratic_closure(remainder: bool) -> Baseline:
    """Craft, Launder & Suga's quadratic terms with c_mu that falls with the strain, and the k of the RANS."""

    def predict(state: State, inputs: Tensors) -> Tensors:
        gradient, k, omega = inputs[:3]
        time = (1 / (BETA_STAR * omega))[:, None, None]
        strain, rotation = deviator(strain_rate(gradient)) * time, rotation_rate(gradient) * time
        b = quadratic_eddy_viscosity(strain, rotation, "strained")
        return b, k.log(), *([b - _linear(inputs)] if remainder else [])

    return Baseline("quadratic eddy viscosity", _nothing, predict)


def _linear(inputs: Tensors) -> Tensor:
    gradient, k, omega = inputs[:3]
    return linear_eddy_viscosity(strain_rate(gradient), k, k / omega)


def _nothing(inputs: Tensors, outputs: Tensors) -> State:
    """There is nothing to fit."""
    return {}
