"""Muon: steps of all weights of a layer are made equally large in every direction."""

import math
from typing import Any

import torch
from torch import Tensor, nn

LEAST = 16  # rows and columns: in smaller matrices, such as the last layer's, there are no directions to be made equal
_MOMENTUM, _BETAS, _EPSILON = 0.95, (0.9, 0.999), 1e-8
_STEPS, _POLYNOMIAL = 5, (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Orthogonalised momentum for matrices and kernels of convolutions, AdamW for all other parameters.

    A kernel counts as the matrix of its output channels. The step of a matrix has the root mean square of a step of
    Adam, so that both share their learning rate. torch's optimiser of this name takes plain matrices only.

    Sources: Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks; Liu et al. 2025,
    arXiv:2502.16982 (factor 0.2 sqrt(max(rows, columns)), decoupled decay).
    """

    def __init__(self, network: nn.Module, *, lr: float, weight_decay: float):
        parameters = [p for p in network.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in parameters if _is_matrix(p) is matrix], "matrix": matrix} for matrix in (True, False)
        ]
        filled: list[dict[str, Any]] = [group for group in groups if group["params"]]
        super().__init__(filled, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step from the gradients that the parameters hold."""
        del closure
        for group in self.param_groups:
            rule = self._matrix_step if group["matrix"] else self._adam_step
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.sub_(rule(self.state[parameter], parameter.grad), alpha=group["lr"])

    def _matrix_step(self, state: dict[str, Tensor], gradient: Tensor) -> Tensor:
        momentum = state.setdefault("momentum", torch.zeros_like(gradient))
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        matrix = gradient.lerp(momentum, _MOMENTUM).flatten(1)
        return orthogonalised(matrix).reshape(gradient.shape) * (0.2 * math.sqrt(max(matrix.shape)))

    def _adam_step(self, state: dict[str, Tensor], gradient: Tensor) -> Tensor:
        if not state:
            zeros = torch.zeros_like(gradient)
            state |= {"steps": torch.zeros((), dtype=torch.float64), "mean": zeros, "square": zeros.clone()}
        state["steps"] += 1
        state["mean"].lerp_(gradient, 1 - _BETAS[0])
        state["square"].lerp_(gradient.square(), 1 - _BETAS[1])
        mean, square = (
            state[name] / (1 - beta ** float(state["steps"]))
            for name, beta in zip(("mean", "square"), _BETAS, strict=True)
        )
        return mean / (square.sqrt() + _EPSILON)


def _is_matrix(parameter: Tensor) -> bool:
    return parameter.ndim >= 2 and min(len(parameter), parameter.numel() // len(parameter)) >= LEAST


def orthogonalised(matrix: Tensor) -> Tensor:
    """Nearly the orthogonal factor of a polar decomposition: singular values between 0.7 and 1.2 ``[row, column]``.

    Five steps of an odd polynomial of degree five, which climbs fast from small values and does not settle at one.
    """
    wide = matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide / (wide.norm() + 1e-7)
    a, b, c = _POLYNOMIAL
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if matrix.shape[0] > matrix.shape[1] else x
