"""Classical models of a flow around a body: the mean flow, and a regression between principal components."""

import torch
from torch import Tensor

from geodl.core.contract import Baseline, Tensors

MODES = 24
_RIDGE = 1e-2
State = dict[str, Tensor]


def mean_flow() -> Baseline:
    """For each cell the mean over the training flows in which it is fluid, and no flow in the body."""

    def fit(inputs: Tensors, outputs: Tensors) -> State:
        fluid = (inputs[0] > 0).to(outputs[0])
        count = fluid.sum(0).clamp(min=1)
        fields = {f"field_{i}": (y * fluid).sum(0) / count for i, y in enumerate(outputs[:3])}
        return fields | {f"force_{i}": y.mean(0) for i, y in enumerate(outputs[3:])}

    def predict(state: State, inputs: Tensors) -> Tensors:
        fluid = (inputs[0] > 0).to(state["field_0"])
        fields = (state[f"field_{i}"] * fluid for i in range(3))
        return *fields, *(state[f"force_{i}"].expand(len(fluid)) for i in range(2))

    return Baseline("mean over the training flows, zero in the body", fit, predict)


def modes() -> Baseline:
    """Ridge regression from modes of the distance, ln Re and their products to modes of the flow and the forces.

    Source: Berkooz, Holmes & Lumley 1993, Annu. Rev. Fluid Mech. 25, 539 (proper orthogonal decomposition).
    """

    def fit(inputs: Tensors, outputs: Tensors) -> State:
        shape = _decomposed(inputs[0].flatten(1))
        flow = _decomposed(torch.cat([y.flatten(1) for y in outputs[:3]], dim=1))
        state = {"shape_mean": shape[0], "shape_modes": shape[1], "flow_mean": flow[0], "flow_modes": flow[1]}
        features = _features(state, inputs)
        targets = torch.cat([flow[2], torch.stack(outputs[3:], dim=1)], dim=1)
        gram = features.mT @ features
        ridge = _RIDGE * torch.eye(len(gram)).to(gram) * gram.diagonal().mean()
        return state | {"weights": torch.linalg.solve(gram + ridge, features.mT @ targets)}

    def predict(state: State, inputs: Tensors) -> Tensors:
        found = _features(state, inputs) @ state["weights"]
        fluid = (inputs[0] > 0).to(found)
        values = found[:, :-2] @ state["flow_modes"] + state["flow_mean"]
        fields = (field.reshape(fluid.shape) * fluid for field in values.chunk(3, dim=1))
        return *fields, found[:, -2], found[:, -1]

    return Baseline("regression between principal components of distance and flow", fit, predict)


def _decomposed(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, modes ``[mode, value]`` and coefficients ``[sample, mode]``."""
    mean = values.mean(0)
    left, size, right = torch.linalg.svd(values - mean, full_matrices=False)
    return mean, right[:MODES], (left * size)[:, :MODES]


def _features(state: State, inputs: Tensors) -> Tensor:
    """One, coefficients of the distance in units of their spread, ln Re, its square and all products with it."""
    coefficients = (inputs[0].flatten(1) - state["shape_mean"]) @ state["shape_modes"].mT
    ln_re = inputs[1].log()[:, None]
    shape = torch.cat([torch.ones_like(ln_re), coefficients / 10], dim=1)
    return torch.cat([shape, shape * ln_re, shape[:, :1] * ln_re**2], dim=1)
