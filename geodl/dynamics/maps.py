"""Baselines of a forecast: persistence, and least-squares maps from one state to the next."""

import torch
from torch import Tensor

from geodl.core.contract import Baseline, Tensors
from geodl.train.baselines import State, least_squares, polynomial_features


def persistence(leads: int) -> Baseline:
    """Tomorrow is as today."""

    def fit(inputs: Tensors, outputs: Tensors) -> State:
        return {}

    def predict(state: State, inputs: Tensors) -> Tensors:
        return tuple(x[:, None].expand(-1, leads) for x in inputs)

    return Baseline("the state does not change", fit, predict)


def polynomial_map(degree: int, leads: int) -> Baseline:
    """z(t + dt) = z + Φ(z) W with all monomials up to a degree, applied again for each lead.

    W by SVD on every interval of the windows.
    """

    def fit(inputs: Tensors, outputs: Tensors) -> State:
        path = torch.cat([torch.stack(inputs, 1)[:, None], torch.stack(outputs, 2)], 1)
        now, later = path[:, :-1].flatten(0, 1), path[:, 1:].flatten(0, 1)
        return {"weights": least_squares(polynomial_features(now, degree), later - now)}

    def predict(state: State, inputs: Tensors) -> Tensors:
        z, path = torch.stack(inputs, 1), list[Tensor]()
        for _ in range(leads):
            z = z + polynomial_features(z, degree) @ state["weights"]
            path.append(z)
        return tuple(torch.stack(path, 0).permute(2, 1, 0))

    return Baseline("linear map" if degree == 1 else f"polynomial map of degree {degree}", fit, predict)
