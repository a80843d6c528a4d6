"""A tape for dense networks by hand: few operations, weight gradients in large products."""

from collections.abc import Sequence
from typing import TypeGuard

import torch
from torch import Tensor, nn

from geodl.dynamics.fields import MLPField
from geodl.dynamics.ode.tape import AbstractTape, Field

_ROWS = 256  # of a product of weight gradients: fewer are gathered first, because small products are mostly overhead
_sigmoid_backward = torch.ops.aten.sigmoid_backward.default


def is_dense(field: Field, state: Tensor) -> TypeGuard[MLPField]:
    """Whether a `DenseTape` can stand for this field: tanh layers, all learned, nothing replaced or hooked."""
    if type(field) is not MLPField or state.ndim < 2 or field._forward_hooks or field._forward_pre_hooks:
        return False
    return all(_is_plain(layer, nn.Tanh if i % 2 else nn.Linear) for i, layer in enumerate(field.network))


def _is_plain(layer: nn.Module, kind: type[nn.Module]) -> bool:
    if type(layer) is not kind or layer._forward_hooks or layer._forward_pre_hooks:
        return False
    return not isinstance(layer, nn.Linear) or (layer.weight.requires_grad and layer.bias.requires_grad)


class DenseTape(AbstractTape):
    """An MLPField of tanh layers, evaluated as the same network of logistic functions.

    tanh(z) = 2 σ(2z) − 1, and torch's σ takes a tenth of the time of its tanh. Scale and shift go into the next layer:
    a layer maps s to γ(α W s + b + β W 1), with (α, β) = (1, 0) for the state and (2, −1) for hidden layers, γ = 2
    before σ and the rate of the field at the end. Rounding differs from tanh's by about the rounding of the products.
    """

    mode = torch.inference_mode

    def __init__(self, field: MLPField):
        layers = [layer for layer in field.network if isinstance(layer, nn.Linear)]
        self.leaves = [tensor for layer in layers for tensor in (layer.weight, layer.bias)]
        last = len(layers) - 1
        self.inner = [(1.0, 0.0), *[(2.0, -1.0)] * last]
        self.outer: list[Tensor | float] = [*[2.0] * last, field.rate.detach()]
        with torch.no_grad():
            self.weights = [
                (_column(alpha * gamma) * layer.weight).contiguous()
                for layer, (alpha, _), gamma in zip(layers, self.inner, self.outer, strict=True)
            ]
            self.shifts = [
                (gamma * (layer.bias + beta * layer.weight.sum(1) if beta else layer.bias))[None]
                for layer, (_, beta), gamma in zip(layers, self.inner, self.outer, strict=True)
            ]
        # Products with a narrow matrix are several times faster from its transposed copy.
        back = [weight.t().contiguous().t() if weight.shape[1] < weight.shape[0] else weight for weight in self.weights]
        self.first, self.back = back[0], back[:0:-1]
        *self.hidden, self.last = zip(self.shifts, [weight.t() for weight in self.weights], strict=True)
        self.entries = list[list[Tensor]]()
        self.rewind()

    def rate(self, t: Tensor, state: Tensor) -> Tensor:
        return self._output(self._inputs(state), state)

    def evaluate(self, t: Tensor, state: Tensor) -> Tensor:
        values = self._inputs(state)
        self.entries.append(values)
        return self._output(values, state)

    def _inputs(self, state: Tensor) -> list[Tensor]:
        """Inputs of all layers."""
        value = state if state.ndim == 2 else state.reshape(-1, state.shape[-1])
        values = [value]
        for shift, weight in self.hidden:
            value = torch.addmm(shift, value, weight).sigmoid_()
            values.append(value)
        return values

    def _output(self, values: list[Tensor], state: Tensor) -> Tensor:
        rate = torch.addmm(self.last[0], values[-1], self.last[1])
        return rate if state.ndim == 2 else rate.view_as(state)

    def rewind(self) -> None:
        self.position = len(self.entries)
        self.pending = list[tuple[list[Tensor], list[Tensor]]]()
        self.rows = 0
        self.sums: list[tuple[Tensor, Tensor]] = []

    def pull(self, covector: Tensor) -> tuple[Tensor, Tensor | None]:
        self.position -= 1
        values = self.entries[self.position]
        delta = covector if covector.ndim == 2 else covector.reshape(-1, covector.shape[-1])
        deltas, layer = [delta], len(values)
        for weight in self.back:
            layer -= 1
            delta = _sigmoid_backward(torch.mm(delta, weight), values[layer])
            deltas.append(delta)
        self.pending.append((values, deltas))
        self.rows += delta.shape[0]
        if self.rows >= _ROWS:
            self._flush()
        pulled = torch.mm(delta, self.first)
        return pulled if covector.ndim == 2 else pulled.view_as(covector), None

    def skip(self) -> None:
        self.position -= 1

    def _flush(self) -> None:
        """Add the pending products Σ δ sᵀ and Σ δ of every layer."""
        pending, self.pending, self.rows = self.pending, [], 0
        for layer in range(len(self.weights)):
            value, delta = _rows([p[0][layer] for p in pending]), _rows([p[1][-1 - layer] for p in pending])
            product, total = _outer(delta, value), delta.sum(0)
            if layer == len(self.sums):
                self.sums.append((product, total))
            else:
                self.sums[layer][0].add_(product)
                self.sums[layer][1].add_(total)

    def gradients(self) -> list[Tensor | None]:
        if self.pending:
            self._flush()
        if not self.sums:
            return [None] * len(self.leaves)
        found = list[Tensor | None]()
        for (product, total), (alpha, beta), gamma in zip(self.sums, self.inner, self.outer, strict=True):
            weight = torch.add(beta * total[:, None], product, alpha=alpha) if beta else product
            found += [_column(gamma) * weight, gamma * total]
        return found


def _column(gamma: Tensor | float) -> Tensor | float:
    return gamma[:, None] if isinstance(gamma, Tensor) else gamma


def _rows(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(tuple(parts))


def _outer(delta: Tensor, value: Tensor) -> Tensor:
    """δᵀ s, with the narrower matrix first."""
    return torch.mm(delta.t(), value) if delta.shape[1] <= value.shape[1] else torch.mm(value.t(), delta).t()
