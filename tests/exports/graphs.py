"""What every runtime of graphs must do with the toy of the tests."""

import numpy as np
import torch
from torch import Tensor

import geodl
from geodl.core.pack import pack, samples_of
from geodl.core.surrogate import Surrogate
from tests import toy


def gases() -> tuple[Tensor, ...]:
    """Inputs that the toy was not trained on."""
    ds = toy.dataset(seed=5)
    return pack(ds, toy.INPUTS, torch.float32, samples=samples_of(ds, toy.INPUTS))


def assert_answers_of_python(surrogate: Surrogate, handle: geodl.Handle) -> None:
    """For one sample, some and many, with their status."""
    for count in (1, 7, 384):
        some = tuple(x[:count] for x in gases())
        wanted = surrogate.judged(some)
        *outputs, status = handle(*(x.numpy() for x in some))
        for ours, theirs in zip(outputs, wanted.outputs, strict=True):
            np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(status == 0, wanted.trusted)
