"""A field that remembers where it was evaluated, so that covectors can be pulled back through it, last first."""

import abc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geodl.errors import AdjointError, DtypeError, ShapeError

Field = Callable[[Tensor, Tensor], Tensor]


class AbstractTape(abc.ABC):
    """Evaluations of a field k = f(t, y) in order, and their transposed derivatives in the reverse order.

    Attributes:
        leaves: tensors that the field depends on besides t and y, and that want a gradient.
        mode: of torch, in which it works.
    """

    leaves: Sequence[Tensor]
    mode: Callable[[], AbstractContextManager[None]] = torch.no_grad

    @abc.abstractmethod
    def rate(self, t: Tensor, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        """f(t, y) to the same bits as ``evaluate``, not remembered; called where gradients are off."""

    @abc.abstractmethod
    def evaluate(self, t: Tensor, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        """f(t, y), remembered; none of its inputs is changed later."""

    @abc.abstractmethod
    def rewind(self) -> None:
        """Get ready to pull from the last evaluation on, with sums of zero."""

    @abc.abstractmethod
    def pull(self, covector: Float[Tensor, "*batch n"]) -> tuple[Float[Tensor, "*batch n"], Tensor | None]:
        """κ of the last evaluation not yet pulled to f_yᵀ κ and f_tᵀ κ, None where f does not depend on t.

        The share of the leaves, f_θᵀ κ, is added up.
        """

    @abc.abstractmethod
    def skip(self) -> None:
        """Pass over an evaluation whose covector is zero."""

    @abc.abstractmethod
    def gradients(self) -> list[Tensor | None]:
        """Sums of f_θᵀ κ so far, one for each of the leaves; None where the field does not depend on it."""


def leaves_of(field: Field) -> list[Tensor]:
    """Parameters of a module that want a gradient; a plain function has none."""
    if not isinstance(field, nn.Module):
        return []
    return [parameter for parameter in field.parameters() if parameter.requires_grad]


def checked_rate(field: Field, t: Tensor, state: Tensor) -> Tensor:
    """f(t, y).

    Raises:
        DtypeError: it is no tensor.
        ShapeError: it has another shape than y, which broadcasting would hide.
    """
    rate = field(t, state)
    if not isinstance(rate, Tensor):
        raise DtypeError(f"the field returned a {type(rate).__name__}, expected a tensor as y: {tuple(state.shape)}")
    if rate.shape != state.shape:
        raise ShapeError(
            f"the field returned the shape {tuple(rate.shape)} for a state of shape {tuple(state.shape)}: "
            f"expected the same shape"
        )
    return rate


class GraphTape(AbstractTape):
    """A tape for any field: autograd records each evaluation by itself."""

    def __init__(self, field: Field, leaves: Sequence[Tensor], *, times: bool = False):
        """``times`` asks for f_tᵀ κ too."""
        self.field, self.leaves, self.times = field, leaves, times
        self.entries = list[tuple[Tensor, Tensor, Tensor]]()
        self.rewind()

    def rate(self, t: Tensor, state: Tensor) -> Tensor:
        return checked_rate(self.field, t, state)

    def evaluate(self, t: Tensor, state: Tensor) -> Tensor:
        with torch.enable_grad():
            y, t = state.detach().requires_grad_(), t.detach().requires_grad_(self.times)
            rate = checked_rate(self.field, t, y)
        if not self.entries:
            self._refuse_strangers(rate, (y, t, *self.leaves))
        self.entries.append((t, y, rate))
        return rate.detach()

    def rewind(self) -> None:
        self.position = len(self.entries)
        self.sums: list[Tensor | None] = [None] * len(self.leaves)

    def pull(self, covector: Tensor) -> tuple[Tensor, Tensor | None]:
        self.position -= 1
        t, y, rate = self.entries[self.position]
        if not rate.requires_grad:
            return torch.zeros_like(y), None
        wanted = (y, *([t] if self.times else []), *self.leaves)
        # The graph stays, because a second backward pass may come.
        found = torch.autograd.grad(rate, wanted, covector, allow_unused=True, retain_graph=True)
        first = len(found) - len(self.leaves)
        self.sums = [_add(total, more) for total, more in zip(self.sums, found[first:], strict=True)]
        return torch.zeros_like(y) if found[0] is None else found[0], found[1] if self.times else None

    def skip(self) -> None:
        self.position -= 1

    def gradients(self) -> list[Tensor | None]:
        return self.sums

    def _refuse_strangers(self, rate: Tensor, known: Sequence[Tensor]) -> None:
        """A tensor that the field only captured would get no gradient, and nobody would notice."""
        ours, seen, nodes = {id(tensor) for tensor in known}, set(), [rate.grad_fn]
        while nodes:
            node = nodes.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            leaf = getattr(node, "variable", None)
            if leaf is not None and id(leaf) not in ours:
                raise AdjointError(
                    f"the field depends on a tensor of shape {tuple(leaf.shape)} that wants a gradient and is not "
                    f"one of its parameters. Make the field a torch.nn.Module with that tensor as a Parameter, "
                    f"or say adjoint='autograd'."
                )
            nodes += [parent for parent, _ in node.next_functions]


def _add(total: Tensor | None, more: Tensor | None) -> Tensor | None:
    if total is None or more is None:
        return more if total is None else total
    return total + more
