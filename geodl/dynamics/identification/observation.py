"""What is observed of a state, and how well: the operator H and the standard deviation of the noise."""

import dataclasses
from collections.abc import Callable

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from geodl.errors import NonFiniteError, OptionError, SchemaError

Operator = Callable[[Tensor], Tensor]


def full(states: Shaped[Tensor, "*batch n"]) -> Shaped[Tensor, "*batch n"]:
    """All components are observed."""
    return states


def components(*indices: int) -> Operator:
    """Some components are observed, in this order.

    Raises:
        OptionError: no component, or one below 0.
    """
    if not indices or min(indices) < 0:
        raise OptionError(f"the observed components are {indices}, expected at least one, counted from 0")
    return lambda states: states[..., list(indices)]


def linear(matrix: Float[Tensor, "d n"]) -> Operator:
    """d = H n with a matrix H."""
    return lambda states: states @ matrix.mT


@dataclasses.dataclass(frozen=True)
class Observation:
    """y = H(u) + noise with independent normal deviates: whitened, y ~ N(H(u), R) with R = diag(std²).

    Values that are missing are NaN in the data, whatever their place in time or space: they have no residual. Mask
    others with ``values.masked_fill(~seen, torch.nan)``.

    Args:
        operator: `full`, ``components(0, 2)``, ``linear(matrix)``, or any differentiable function of
            states ``[*batch, n]`` to observed values ``[*batch, d]``.
        std: standard deviation of the noise, in the units of the values; one number, or one per observed value ``[d]``.
    Raises:
        OptionError: std is not positive.
    """

    operator: Operator = full
    std: float | Tensor = 1.0

    def __post_init__(self) -> None:
        if not bool((torch.as_tensor(self.std) > 0).all()):
            raise OptionError(f"std is {self.std}, expected positive numbers; write 1.0 if the noise is not known")

    def apply(self, states: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch d"]:
        """What would be observed of the states without noise."""
        return self.operator(states)

    def residual(self, states: Float[Tensor, "*batch n"], values: Float[Tensor, "*batch d"]) -> Tensor:
        """(H(states) − values) / std ``[*batch, d]``, dimensionless; 0 where a value is NaN.

        Raises:
            SchemaError: the operator gives another number of values than were observed.
        """
        observed = self.apply(states)
        if observed.shape[-1] != values.shape[-1]:
            raise SchemaError(
                f"the operator gives {observed.shape[-1]} values per state, the data have {values.shape[-1]}: "
                f"name the components that were observed, as in Observation(components(0, 2))"
            )
        missing = torch.isnan(values)
        # The NaN goes before it is subtracted: 0 · NaN in the backward pass would spoil every gradient.
        difference = observed - torch.where(missing, torch.zeros_like(values), values)
        return torch.where(missing, torch.zeros_like(difference), difference / self._std(values))

    def _std(self, values: Tensor) -> Tensor:
        return torch.as_tensor(self.std, dtype=values.dtype, device=values.device)


def require_observed(values: Tensor) -> None:
    """Refuse data with infinite values or without any value.

    Raises:
        NonFiniteError: says how many values are infinite, or that all are missing.
    """
    infinite = int(torch.isinf(values).sum())
    if infinite:
        raise NonFiniteError(f"{infinite} of {values.numel()} values are infinite: mark what is missing by NaN")
    if bool(torch.isnan(values).all()):
        raise NonFiniteError(f"all {values.numel()} values are NaN: nothing was observed")
