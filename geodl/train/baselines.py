"""Classical models that every surrogate is measured against: mean, linear and polynomial least squares."""

import functools
import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from geodl.core.contract import Baseline, Tensors, flatten

State = dict[str, Tensor]


@functools.lru_cache(maxsize=16)
def _monomials(size: int, degree: int) -> list[tuple[list[int], list[int]]]:
    """For each order, which monomial of the order below and which component give each monomial of this order."""
    tables = list[tuple[list[int], list[int]]]()
    below: dict[tuple[int, ...], int] = {(): 0}
    for order in range(1, degree + 1):
        combinations = list(itertools.combinations_with_replacement(range(size), order))
        tables.append(([below[c[:-1]] for c in combinations], [c[-1] for c in combinations]))
        below = {c: i for i, c in enumerate(combinations)}
    return tables


def polynomial_features(x: Tensor, degree: int) -> Tensor:
    """All monomials up to a degree: ``[sample, d]`` to ``[sample, C(d + degree, degree)]``, the constant first."""
    orders = [torch.ones_like(x[:, :1])]
    for parents, components in _monomials(x.shape[1], degree):
        orders.append(orders[-1][:, parents] * x[:, components])
    return torch.cat(orders, dim=1)


def least_squares(features: Tensor, targets: Tensor) -> Tensor:
    """Coefficients ``[feature, target]`` by SVD in float64, never by normal equations."""
    solution = torch.linalg.lstsq(features.double().cpu(), targets.double().cpu(), driver="gelsd").solution
    return solution.to(targets)


def split_like(values: Tensor, shapes: Sequence[torch.Size]) -> Tensors:
    """``[sample, value]`` cut into tensors ``[sample, *shape]``."""
    parts = values.split([math.prod(shape) for shape in shapes], dim=1)
    return tuple(part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True))


def mean() -> Baseline:
    """The mean of the training outputs, whatever the input."""

    def fit(inputs: Tensors, outputs: Tensors) -> State:
        return {f"mean_{i}": y.mean(0) for i, y in enumerate(outputs)}

    def predict(state: State, inputs: Tensors) -> Tensors:
        means = (state[f"mean_{i}"] for i in range(len(state)))
        return tuple(m.expand(len(inputs[0]), *m.shape) for m in means)

    return Baseline("mean of the training outputs", fit, predict)


def polynomial(degree: int) -> Baseline:
    """Least squares on all monomials of the scaled inputs; degree 1 is the linear model."""

    def fit(inputs: Tensors, outputs: Tensors) -> State:
        weights = least_squares(polynomial_features(flatten(inputs), degree), flatten(outputs))
        shapes = {f"shape_{i}": torch.tensor(y.shape[1:]) for i, y in enumerate(outputs)}
        return {"weights": weights, **shapes}

    def predict(state: State, inputs: Tensors) -> Tensors:
        values = polynomial_features(flatten(inputs), degree) @ state["weights"]
        shapes = [torch.Size(state[f"shape_{i}"].tolist()) for i in range(len(state) - 1)]
        return split_like(values, shapes)

    return Baseline("linear least squares" if degree == 1 else f"polynomial of degree {degree}", fit, predict)
