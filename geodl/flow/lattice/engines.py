"""Which engine advances a problem."""

from typing import Literal, Protocol, runtime_checkable

from torch import Tensor

from geodl.flow.lattice.problem import Problem
from geodl.flow.lattice.torch_engine import TorchEngine

EngineName = Literal["auto", "torch", "compiled", "c"]


@runtime_checkable
class Engine(Protocol):
    """Runs boundaries, streaming and collision; the array given is consumed."""

    def advance(self, populations: Tensor, steps: int) -> Tensor: ...


def engine_for(problem: Problem, name: EngineName) -> Engine:
    """The engine of that name; "auto" prefers C, which needs a compiler and a CPU.

    Raises:
        OptionError: "c" cannot run this problem here.
    """
    if name == "auto":
        name = _best(problem)
    if name == "c":
        from geodl.flow.lattice.c_engine import CEngine

        return CEngine(problem)
    return TorchEngine(problem, compiled=name == "compiled")


def _best(problem: Problem) -> EngineName:
    from geodl.flow.lattice.c_engine import why_not_c

    if problem.solid.is_cuda:
        return "compiled"
    return "torch" if why_not_c(problem) else "c"
