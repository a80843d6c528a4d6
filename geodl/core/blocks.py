"""A function of many samples, computed in blocks that fit into the caches, as many at a time as there are threads."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from geodl.core.progress import progress

BATCH = 16384  # rows per block: larger ones fall out of the caches, of smaller ones threads wait for each other
VALUES = 2**19  # numbers per block: rows that hold whole fields come in fewer
MANY = 100_000  # rows from which it may take seconds

Tensors = tuple[Tensor, ...]


def rows_of_block(inputs: Tensors, most: int | None = None) -> int:
    """How many rows ``[sample, *dims]`` go together."""
    return max(1, min(most or BATCH, VALUES // max(1, sum(x[0].numel() for x in inputs if len(x)))))


def blockwise(apply: Callable[..., Tensors], inputs: Tensors, dtype: torch.dtype, device: torch.device) -> Tensors:
    """Results of a function of blocks of the inputs, without gradients; the results are where the inputs are.

    On the CPU every block is computed by one thread: blocks are too small to be shared, and the bits do not depend on
    the number of threads.
    """
    count, home = len(inputs[0]), inputs[0].device

    @torch.no_grad()  # counts for the thread that it is in
    def one(rows: slice) -> Tensors:
        return apply(*(x[rows].to(device, dtype) for x in inputs))

    size = rows_of_block(inputs)
    rows = [slice(start, start + size) for start in range(0, count, size)]
    long = count > MANY * size // BATCH
    with progress("predicting", count, show=long) as advance, _mapping(device, len(rows)) as mapped:
        first = one(rows[0])  # tells what the results look like
        results = tuple(torch.empty((count, *part.shape[1:]), dtype=part.dtype, device=home) for part in first)
        _keep(results, rows[0], first)
        for done in mapped(lambda block: _keep(results, block, one(block)), rows[1:]):
            advance(done)
    return results


def _keep(results: Tensors, rows: slice, parts: Tensors) -> int:
    """Put the results of a block where they belong; how far that is."""
    for result, part in zip(results, parts, strict=True):
        result[rows] = part
    return int(rows.stop)


@contextlib.contextmanager
def _mapping(device: torch.device, blocks: int) -> Iterator[Callable[..., Iterator[int]]]:
    """``map``, by as many threads as torch has where that pays."""
    before = torch.get_num_threads()
    workers = min(before, blocks)
    if device.type != "cpu" or workers <= 1:
        yield map
        return
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers) as pool:
            yield pool.map
    finally:
        torch.set_num_threads(before)
