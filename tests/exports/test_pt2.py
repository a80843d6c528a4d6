"""A surrogate that torch has compiled: the answers of Python, for any number of samples."""

import numpy as np
import pytest
import torch

import geodl
from geodl.core.pack import pack, samples_of
from tests import toy
from tests.exports.folders import compilers


@pytest.mark.slow
@pytest.mark.parametrize("compiler", compilers("g++"))
def test_a_package_gives_the_answers_of_python_for_any_number_of_samples(surrogate, tmp_path, compiler):
    handle = geodl.Handle(geodl.export(surrogate, tmp_path / "toy", format="pt2"))
    ds = toy.dataset(seed=5)
    gases = pack(ds, toy.INPUTS, torch.float32, samples=samples_of(ds, toy.INPUTS))
    for count in (1, 7, 384):
        some = tuple(x[:count] for x in gases)
        wanted = surrogate.judged(some)
        *outputs, status = handle(*(x.numpy() for x in some))
        for ours, theirs in zip(outputs, wanted.outputs, strict=True):
            np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(status == 0, wanted.trusted)
