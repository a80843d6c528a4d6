"""A function of many samples, computed in blocks that fit into the caches, as many at a time as there are threads."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from geodl.core.progress import progress

BATCH = 16384  # rows per block: larger ones fall out of the caches, of smaller ones threads wait for each other
MANY = 100_000  # rows from which it may take seconds

Tensors = tuple[Tensor, ...]


def blockwise(apply: Callable[..., Tensors], inputs: Tensors, dtype: torch.dtype, device: torch.device) -> Tensors:
    """Results of a function of blocks of the inputs, without gradients; the results are where the inputs are.

    On the CPU every block is computed by one thread: blocks are too small to be shared, and the bits do not depend on
    the number of threads.
    """
    blocks = list(zip(*(x.split(BATCH) for x in inputs), strict=True))

    @torch.no_grad()  # counts for the thread that it is in
    def one(block: Tensors) -> Tensors:
        return apply(*(x.to(device, dtype) for x in block))

    parts, count = list[Tensors](), len(inputs[0])
    with progress("predicting", count, show=count > MANY) as advance, _mapping(device, len(blocks)) as mapped:
        for part in mapped(one, blocks):
            parts.append(part)
            advance(min(len(parts) * BATCH, count))
    return tuple(torch.cat(part).to(inputs[0].device) for part in zip(*parts, strict=True))


@contextlib.contextmanager
def _mapping(device: torch.device, blocks: int) -> Iterator[Callable[..., Iterator[Tensors]]]:
    """``map``, by as many threads as torch has where that pays."""
    workers = min(torch.get_num_threads(), blocks)
    if device.type != "cpu" or workers == 1:
        yield map
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers) as pool:
            yield pool.map
    finally:
        torch.set_num_threads(before)
