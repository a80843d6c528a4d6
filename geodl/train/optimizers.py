"""Optimisers behind one call: the loss of a batch in, one step of the weights, the loss before the step out."""

import abc
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from geodl.train.config import FitConfig
from geodl.train.muon import Muon

LossOf = Callable[[], Tensor]

_SCALE = 1e10  # torch's L-BFGS drops curvature below 1e-10 in absolute terms, where a smooth fit has digits to gain


class AbstractDescent(abc.ABC):
    """A torch optimiser and what it needs around a step.

    Attributes:
        lost: steps whose gradient was dropped because it was not finite; a tensor, so that no step waits for a GPU.
    """

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer):
        self.network, self.optimizer = network, optimizer
        self.lost = torch.zeros((), dtype=torch.int64)

    @abc.abstractmethod
    def descend(self, loss_of: LossOf, rate: float) -> Tensor:
        """One step at a learning rate; the detached loss at its beginning."""

    def state_dict(self) -> dict[str, Any]:
        return self.optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state)

    def _set_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _gradient(self, loss_of: LossOf, scale: float | None = None) -> Tensor:
        """The loss, with its gradient left in the parameters."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = loss_of() if scale is None else loss_of() * scale
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()


class FirstOrder(AbstractDescent):
    """Adam, AdamW or Muon, with the norm of the gradient clipped if asked for."""

    def __init__(self, network: nn.Module, config: FitConfig):
        rate, decay = config.learning_rate, config.weight_decay
        made: torch.optim.Optimizer
        if config.optimizer == "muon":
            made = Muon(network, lr=rate, weight_decay=decay)
        else:
            kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
            made = kind(network.parameters(), lr=rate, weight_decay=decay, fused=True)
        super().__init__(network, made)
        self.clip = config.clip

    def descend(self, loss_of: LossOf, rate: float) -> Tensor:
        self._set_rate(rate)
        loss = self._gradient(loss_of)
        if self.clip is not None:
            self._bound(self.clip)
        self.optimizer.step()
        return loss

    def _bound(self, clip: float) -> None:
        """Clip the norm of the gradient, and count one that overflowed as zero: one sample then costs a step, in which
        only momentum moves weights, and not the training."""
        parameters = list(self.network.parameters())
        lost = ~torch.isfinite(nn.utils.clip_grad_norm_(parameters, clip))
        self.lost = self.lost + lost
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.masked_fill_(lost, 0.0)


class QuasiNewton(AbstractDescent):
    """L-BFGS with a strong Wolfe line search, ``line_steps`` iterations a call.

    Source: Nocedal & Wright 2006, Numerical Optimization, algorithms 7.5 and 3.5, as torch has them.
    """

    def __init__(self, network: nn.Module, config: FitConfig):
        super().__init__(
            network,
            torch.optim.LBFGS(
                network.parameters(),
                lr=config.learning_rate,
                max_iter=config.line_steps,
                history_size=100,
                line_search_fn="strong_wolfe",
                tolerance_grad=0.0,
                tolerance_change=0.0,
            ),
        )

    def descend(self, loss_of: LossOf, rate: float) -> Tensor:
        self._set_rate(rate)
        seen = list[Tensor]()

        def closure() -> Tensor:
            loss = self._gradient(loss_of, _SCALE)
            if seen and not bool(torch.isfinite(loss)):
                return self._cliff(seen[-1])
            seen.append(loss)
            return loss

        self.optimizer.step(closure)  # type: ignore[arg-type]
        return seen[0] / _SCALE

    def _cliff(self, last: Tensor) -> Tensor:
        """What a line search is told of a step into overflow: a finite, flat, high place, so that it turns back."""
        for parameter in self.network.parameters():
            if parameter.grad is not None:
                parameter.grad.zero_()
        return 1e3 * last


def descent(network: nn.Module, config: FitConfig) -> AbstractDescent:
    """The optimiser that the settings ask for."""
    return QuasiNewton(network, config) if config.optimizer == "lbfgs" else FirstOrder(network, config)
