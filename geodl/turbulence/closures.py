"""Closures that every network is measured against: the mean of the training data and eddy viscosities."""

from torch import Tensor

from geodl.core.contract import Baseline, Tensors
from geodl.turbulence.eddy_viscosity import linear_eddy_viscosity, quadratic_eddy_viscosity
from geodl.turbulence.mean_flow import BETA_STAR
from geodl.turbulence.velocity_gradient import deviator, rotation_rate, strain_rate

State = dict[str, Tensor]


def training_mean() -> Baseline:
    """The mean tensor, in the frame of the training data, and k times its mean factor.

    It beats the eddy viscosity of k-ω SST on nearly every flow, so that to be better than that proves nothing.
    """

    def fit(inputs: Tensors, outputs: Tensors) -> State:
        anisotropy, ln_k = outputs
        return {"anisotropy": anisotropy.mean(0), "ln_ratio": (ln_k - inputs[1].log()).mean()}

    def predict(state: State, inputs: Tensors) -> Tensors:
        k = inputs[1]
        return state["anisotropy"].expand(len(k), 3, 3), k.log() + state["ln_ratio"]

    return Baseline("mean tensor of the training data", fit, predict)


def linear_closure() -> Baseline:
    """b = −ν_t S/k with ν_t = k/ω, and the k of the RANS."""

    def predict(state: State, inputs: Tensors) -> Tensors:
        gradient, k, omega = inputs[:3]
        return linear_eddy_viscosity(strain_rate(gradient), k, k / omega), k.log()

    return Baseline("linear eddy viscosity", lambda inputs, outputs: {}, predict)


def quadratic_closure() -> Baseline:
    """Craft, Launder & Suga's quadratic terms with c_mu that falls with the strain, and the k of the RANS."""

    def predict(state: State, inputs: Tensors) -> Tensors:
        gradient, k, omega = inputs[:3]
        time = (1 / (BETA_STAR * omega))[:, None, None]
        strain, rotation = deviator(strain_rate(gradient)) * time, rotation_rate(gradient) * time
        return quadratic_eddy_viscosity(strain, rotation, "strained"), k.log()

    return Baseline("quadratic eddy viscosity", lambda inputs, outputs: {}, predict)
