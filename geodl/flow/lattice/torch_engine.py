"""The steps of a batch in torch: eager, compiled, and on a GPU replayed as a CUDA graph."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from geodl.flow.lattice.collision import antisymmetric_time, collided
from geodl.flow.lattice.links import Links, Outlets
from geodl.flow.lattice.problem import Problem
from geodl.flow.lattice.velocities import CX, CY, SPEEDS

Function = Callable[..., Any]
_WARM_UP = 3  # times there and back before a graph is captured


class TorchEngine:
    """Advances the populations of a `Problem`; the array given to ``advance`` is consumed.

    Args:
        compiled: fuse the sweep with torch.compile; the first step of a size of batch then takes seconds.
        graph: replay two steps at a time as a CUDA graph; by default where the problem lies on a GPU.
    """

    def __init__(self, problem: Problem, *, compiled: bool = False, graph: bool | None = None):
        tau = problem.relaxation_time[:, None, None]
        push = problem.force[:, :, None, None]
        self.problem = problem
        self._rates = 1 / tau, 1 / antisymmetric_time(tau, problem.magic)
        self._force = (push[:, 0], push[:, 1]) if bool(push.any()) else None
        self._solid, self._vectors = _slots(problem.solid), problem.outlets.vectors()
        fused = _compiled if compiled else _plain
        self._walls, self._openings, self._sweep = fused(Links.values), fused(Outlets.values), fused(sweep)
        self._graph = problem.solid.is_cuda if graph is None else graph
        self._captured: tuple[torch.cuda.CUDAGraph, Tensor] | None = None
        self._spare: Tensor | None = None

    @torch.no_grad()
    def advance(self, populations: Tensor, steps: int) -> Tensor:
        """The populations [batch, 9, ny + 2, nx + 2] after ``steps`` times boundaries, streaming and collision."""
        if self._graph and steps > 1:
            populations, steps = self._replay(populations, steps // 2), steps % 2
        source, target = populations, self._other(populations)
        for _ in range(steps):
            self._step(source, target)
            source, target = target, source
        self._spare = target
        return source

    def _step(self, source: Tensor, target: Tensor) -> None:
        links, outlets = self.problem.links, self.problem.outlets
        flat, other = source.view(-1), target.view(-1)
        values = self._walls(links, flat)
        if len(outlets):
            opened = self._openings(outlets, flat, source.shape[-1] * source.shape[-2], self._vectors)
            flat.index_copy_(0, outlets.target, opened)
            other.index_copy_(0, outlets.target, opened)  # where the next step looks for what an outlet remembers
        flat.index_copy_(0, links.target, values)
        self._sweep(source, target, self._rates, self._force)
        other.index_fill_(0, self._solid, 0)

    def _other(self, populations: Tensor) -> Tensor:
        spare = self._spare
        if spare is None or spare is populations or spare.shape != populations.shape:
            return torch.zeros_like(populations)
        return spare

    def _replay(self, populations: Tensor, pairs: int) -> Tensor:
        if self._captured is None:
            self._captured = self._capture(populations)
        graph, static = self._captured
        if populations is not static:
            static.copy_(populations)
        for _ in range(pairs):
            graph.replay()
        return static

    def _capture(self, populations: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        """Two steps there and back between two arrays that stay where they are, as a graph wants it."""
        static, other = populations.clone(), torch.zeros_like(populations)

        def there_and_back() -> None:
            self._step(static, other)
            self._step(other, static)

        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # compilation and workspaces do not belong into the graph
            for _ in range(_WARM_UP):
                there_and_back()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            there_and_back()
        return graph, static


def sweep(source: Tensor, target: Tensor, rates: tuple[Tensor, Tensor], force: tuple[Tensor, Tensor] | None) -> None:
    """Pull, collide and store the inner cells; two arrays [batch, 9, ny + 2, nx + 2], see `collided`."""
    ny, nx = source.shape[-2] - 2, source.shape[-1] - 2
    pulled = [source[:, i, 1 - CY[i] : ny + 1 - CY[i], 1 - CX[i] : nx + 1 - CX[i]] for i in range(SPEEDS)]
    target[:, :, 1:-1, 1:-1] = torch.stack(collided(pulled, rates, force), 1)


def _plain(function: Function) -> Function:
    return function


@functools.cache
def _compiled(function: Function) -> Function:
    return torch.compile(function)


def _slots(solid: Tensor) -> Tensor:
    """Flat indices of all populations of solid cells."""
    padded = torch.nn.functional.pad(solid, (1, 1, 1, 1))[:, None]
    return padded.expand(-1, SPEEDS, -1, -1).flatten().nonzero()[:, 0]
