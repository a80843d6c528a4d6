"""A surrogate as one graph of tensors, for runtimes of such, with scalings, constraints, guard and status in it."""

import copy
import dataclasses

import numpy as np
import torch
from torch import Tensor, nn

from geodl.core.code import Argument
from geodl.core.contract import Tensors
from geodl.core.pack import pack, samples_of
from geodl.core.surrogate import Surrogate, inside
from geodl.errors import ExportError, GeodlError

STATUS = "ok", "out of domain: the answer is not to be relied upon; NaN where an input is none"
RECORDED, MOST = 6, 1 << 20  # samples that are recorded, and that a call may have


class Graph(nn.Module):
    """Inputs in physical units to outputs, diagnostics and a status [sample]: 0 ok, 1 out of domain."""

    def __init__(self, surrogate: Surrogate):
        super().__init__()
        self.core, self.guard = copy.deepcopy(surrogate.core).eval(), copy.deepcopy(surrogate.guard)
        self.family = surrogate.family
        self.requires_grad_(False)

    def forward(self, *inputs: Tensor) -> Tensors:
        schema, encoded = self.family.schema, self.core.encoded(inputs)
        outputs, diagnostics = self.core.answer(encoded)
        within = inside((*inputs, *diagnostics), (*schema.inputs, *schema.diagnostics))
        known = within & self.guard(self.family.features(encoded))
        return *outputs, *diagnostics, (~known).to(torch.int8)


@dataclasses.dataclass(frozen=True)
class Traced:
    """A graph with some inputs and what it makes of them, by the names of its arguments."""

    program: torch.export.ExportedProgram
    arguments: tuple[Argument, ...]
    inputs: Tensors
    outputs: Tensors

    @property
    def recorded(self) -> dict[str, np.ndarray]:
        """Inputs, outputs and status by name."""
        names = (*(argument.name for argument in self.arguments), "status")
        return {name: x.cpu().numpy() for name, x in zip(names, (*self.inputs, *self.outputs), strict=True)}


def traced(surrogate: Surrogate) -> Traced:
    """A surrogate as a graph for any number of samples.

    Raises:
        ExportError: what it does depends on its numbers in a way that no graph can have.
    """
    graph, inputs = Graph(surrogate), _examples(surrogate)
    many = torch.export.Dim("sample", min=1, max=MOST)
    shapes = {"inputs": tuple({0: many} for _ in inputs)}
    try:
        with torch.no_grad():
            program = torch.export.export(graph, inputs, dynamic_shapes=shapes, strict=False)
            outputs = graph(*inputs)
    except Exception as error:  # the tracer has no error class of its own
        raise _refusal(surrogate, str(error).splitlines()[0]) from error
    return Traced(program, arguments(surrogate), inputs, outputs)


def _refusal(surrogate: Surrogate, why: str) -> ExportError:
    instead = ", but in the format c" if surrogate.family.code else ""
    return ExportError(
        f"family {surrogate.family.name!r} with these options cannot be written as a graph{instead}: {why}"
    )


def _examples(surrogate: Surrogate) -> Tensors:
    """A few inputs of the family's made-up data, in the precision and on the device of the surrogate."""
    family, (dtype, device) = surrogate.family, surrogate.core.at()
    schema = family.schema
    try:
        given, _ = family.samples(family.example(0))
        given = family.complete(given)
    except GeodlError as error:  # such as data of another mechanism
        raise _refusal(surrogate, f"the made-up data of the family do not fit it ({error})") from error
    packed = pack(given, schema.inputs, dtype, samples=samples_of(given, schema.inputs))
    return tuple(x[:RECORDED].to(device).contiguous() for x in packed)


def arguments(surrogate: Surrogate) -> tuple[Argument, ...]:
    """Of the graph, in order; an output that is called like an input comes ``_after`` it."""
    schema = surrogate.family.schema
    names = {variable.name for variable in schema.inputs}
    ins = (Argument(v.name, v.units, v.about, "in", v.dims) for v in schema.inputs)
    outs = (
        Argument(f"{v.name}_after" if v.name in names else v.name, v.units, v.about, "out", v.dims)
        for v in (*schema.outputs, *schema.diagnostics)
    )
    return (*ins, *outs)
