"""The random forest learns what its features tell, in the frame of its training data, and stays realizable."""

import builtins

import numpy as np
import pytest
import torch

from geodl.errors import MissingPackageError, ShapeError
from geodl.testing import assert_refused
from geodl.turbulence.forest import random_forest
from geodl.turbulence.physics.realizability import is_realizable, realizable
from geodl.turbulence.physics.tensor_basis import components, from_components
from tests.turbulence.tensors import random

FEATURES = random(600, 4).numpy()
B = components(realizable(from_components(0.3 * torch.from_numpy(np.tanh(FEATURES[:, [0, 1, 2, 3, 0]]))))).numpy()


@pytest.fixture(scope="module", autouse=True)
def scikit_learn() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn comes with the extra geodl[test]")


def test_a_forest_learns_and_is_realizable_everywhere():
    forest = random_forest(FEATURES[:400], B[:400], seed=0, trees=10)
    left = np.square(forest(FEATURES[400:]) - B[400:]).sum()
    assert left < 0.35 * np.square(B[:400].mean(0) - B[400:]).sum()
    far = torch.from_numpy(forest(1e9 * FEATURES))
    assert bool(is_realizable(from_components(far)).all())


def test_the_seed_decides():
    first, again, other = (random_forest(FEATURES, B, seed=seed, trees=3)(FEATURES) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_as_many_features_as_components_are_needed(unchecked):
    assert_refused(ShapeError, lambda: random_forest(FEATURES, B[1:], seed=0), "600", "599")


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    found = builtins.__import__

    def without(name, *arguments, **named):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return found(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert_refused(MissingPackageError, lambda: random_forest(FEATURES, B, seed=0), "geodl[test]")
