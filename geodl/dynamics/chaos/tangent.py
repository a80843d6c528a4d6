"""Tangent-linear and adjoint operators of a step or of a whole forecast, and the tests that they must pass."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.errors import OptionError, SchemaError

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

Step = Callable[[Tensor], Tensor]


def jvp(
    step: Step, state: Float[Tensor, "*batch n"], perturbation: Float[Tensor, "*batch n"]
) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."]]:
    """``step(state)`` and M·perturbation, where M is the derivative of the step at the state.

    Args:
        step: from states to states ``[*batch n]`` or to a trajectory ``[time *batch n]``.
        state: where the step is linearised.
        perturbation: in the units of the state.
    Raises:
        SchemaError: perturbation and state differ in shape.
    Source: Le Dimet & Talagrand 1986, Tellus A 38, 97, the tangent linear model.
    """
    _same_shape("perturbation", perturbation, state)
    value, product, *_ = torch.func.jvp(step, (state,), (perturbation,))
    return value, product


def vjp(
    step: Step, state: Float[Tensor, "*batch n"], covector: Float[Tensor, "..."]
) -> tuple[Float[Tensor, "..."], Float[Tensor, "*batch n"]]:
    """``step(state)`` and Mᵀ·covector, the gradient of ⟨covector, step(state)⟩ by the state.

    Args:
        step: as in `jvp`.
        state: where the step is linearised.
        covector: of the shape of ``step(state)``.
    Raises:
        SchemaError: covector and step(state) differ in shape.
    Source: Le Dimet & Talagrand 1986, Tellus A 38, 97, the adjoint model.
    """
    value, pull, *_ = torch.func.vjp(step, state)
    _same_shape("covector", covector, value)
    return value, pull(covector)[0]


def jacobian(step: Step, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch m n"]:
    """Derivative of every output component (rows) by every input component (columns), for every row of the batch.

    One backward pass for each output component serves all rows at once: several times as fast as forward mode, which
    carries a tangent through every small operation, and it needs no more of the step than training does.

    Raises:
        OptionError: the step cannot be differentiated.
        SchemaError: the step does not keep the batch.
    """
    with torch.enable_grad():
        rows = state.detach().reshape(-1, state.shape[-1]).requires_grad_()
        value = step(rows)
        if not value.requires_grad:
            raise OptionError("the step has no derivative: it detaches its input, or runs under torch.no_grad()")
        if value.dim() != 2 or len(value) != len(rows):
            raise SchemaError(f"the step made {tuple(value.shape)} of {tuple(rows.shape)}, expected as many rows")
        totals = value.sum(0)  # rows are independent, so the gradient of a sum holds the gradient of each
        passes = [torch.autograd.grad(total, rows, retain_graph=True)[0] for total in totals]
    return torch.stack(passes, -2).view(*state.shape[:-1], len(passes), state.shape[-1])


class TangentLinear:
    """The derivative M of a step at a state, as the two products that data assimilation needs.

    The adjoint keeps what it needs of the step, so that many products cost one evaluation. NumPy codes take
    `linear_operator`.

    Args:
        step: from states to states ``[*batch n]`` or to a trajectory ``[time *batch n]``.
        state: where the step is linearised; products have its dtype and device.
    """

    def __init__(self, step: Step, state: Float[Tensor, "*batch n"]):
        self.step, self.state = step, state
        self.value, self._pull, *_ = torch.func.vjp(step, state)

    def forward(self, perturbation: Float[Tensor, "*batch n"]) -> Float[Tensor, "..."]:
        """M·perturbation, of the shape of ``step(state)``.

        Raises:
            SchemaError: perturbation and state differ in shape.
        """
        return jvp(self.step, self.state, perturbation)[1]

    def adjoint(self, covector: Float[Tensor, "..."]) -> Float[Tensor, "*batch n"]:
        """Mᵀ·covector, of the shape of the state.

        Raises:
            SchemaError: covector and step(state) differ in shape.
        """
        _same_shape("covector", covector, self.value)
        return self._pull(covector)[0]

    def linear_operator(self) -> "LinearOperator":
        """M between flat NumPy vectors, for the solvers of `scipy.sparse.linalg`."""
        from scipy.sparse.linalg import LinearOperator

        def flat(product: Step, shape: torch.Size) -> Callable[..., object]:
            return lambda v: product(torch.as_tensor(v).to(self.state).view(shape)).detach().cpu().numpy().ravel()

        return LinearOperator(
            (self.value.numel(), self.state.numel()),
            matvec=flat(self.forward, self.state.shape),
            rmatvec=flat(self.adjoint, self.value.shape),
            dtype=self.state.detach().cpu().numpy().dtype,
        )


def dot_product_test(step: Step, state: Float[Tensor, "*batch n"], seed: int = 0) -> float:
    """``|⟨Mδ, w⟩ − ⟨δ, Mᵀw⟩|`` / (‖Mδ‖ ‖w‖) for random δ and w: at most 1e-12 in float64 if the adjoint is the adjoint.

    Source: Navon et al. 1992, Mon. Wea. Rev. 120, 1433, section 2.
    """
    generator = torch.Generator().manual_seed(seed)
    operator = TangentLinear(step, state)
    perturbation, covector = (torch.randn(x.shape, generator=generator).to(x) for x in (state, operator.value))
    forward, adjoint = operator.forward(perturbation), operator.adjoint(covector)
    gap = (forward * covector).sum() - (perturbation * adjoint).sum()
    return float(gap.abs() / (forward.norm() * covector.norm()))


def taylor_remainders(
    function: Step, x: Float[Tensor, "*shape"], direction: Float[Tensor, "*shape"], epsilons: Sequence[float]
) -> Float[Tensor, "epsilon"]:
    """|J(x + εd) − J(x) − ε⟨∇J, d⟩| for each ε: falls as ε² until rounding, if ∇J by reverse mode is the gradient.

    Args:
        function: from a tensor to one number.
        x: where the gradient is taken.
        direction: d, in the units of x.
        epsilons: steps along the direction, dimensionless.
    Raises:
        SchemaError: direction and x differ in shape, or the function gives more than one number.
    Source: Navon et al. 1992, Mon. Wea. Rev. 120, 1433, section 2.
    """
    _same_shape("direction", direction, x)
    value, gradient = _gradient(function, x)
    slope = (gradient * direction).sum()
    with torch.no_grad():
        return torch.stack([(function(x + e * direction) - value - e * slope).abs() for e in epsilons])


def _gradient(function: Step, x: Tensor) -> tuple[Tensor, Tensor]:
    """Value and gradient of a function with one value, without a graph."""
    with torch.enable_grad():
        start = x.detach().requires_grad_()
        value = function(start)
        if value.numel() != 1:
            raise SchemaError(f"the function made {tuple(value.shape)}, expected one number")
        return value.detach(), torch.autograd.grad(value.sum(), start)[0]


def _same_shape(name: str, given: Tensor, expected: Tensor) -> None:
    if given.shape != expected.shape:
        raise SchemaError(f"the {name} has shape {tuple(given.shape)}, expected {tuple(expected.shape)}")
