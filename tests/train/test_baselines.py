"""A baseline is exact on what it can express, so that beating it means something."""

import itertools
import math

import pytest
import torch

from geodl.core.contract import Tensors
from geodl.train.baselines import least_squares, mean, polynomial, polynomial_features

EXACT = {torch.float32: 1e-4, torch.float64: 1e-11}


def inputs(count: int, seed: int, dtype: torch.dtype) -> Tensors:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 4, generator=generator, dtype=torch.float64).to(dtype)
    return x[:, 0], x[:, 1:]


def linear(x: Tensors) -> Tensors:
    a, b = x
    return 3 * a - b[:, 1] + 2, torch.stack([a + b[:, 0], -b[:, 2]], 1)


def quadratic(x: Tensors) -> Tensors:
    a, b = x
    return a * b[:, 0] + b[:, 2] ** 2 - 1, torch.stack([a**2, b[:, 0] * b[:, 1]], 1)


@pytest.mark.parametrize("dtype", EXACT, ids=str)
@pytest.mark.parametrize(("degree", "law"), [(1, linear), (2, linear), (2, quadratic)])
def test_least_squares_recover_a_polynomial_law_on_fresh_data(degree, law, dtype):
    model = polynomial(degree)
    state = model.fit(inputs(200, 0, dtype), law(inputs(200, 0, dtype)))
    fresh = inputs(50, 1, dtype)
    for found, truth in zip(model.predict(state, fresh), law(fresh), strict=True):
        torch.testing.assert_close(found, truth, rtol=EXACT[dtype], atol=EXACT[dtype])


def test_the_linear_model_cannot_bend():
    model, x = polynomial(1), inputs(500, 0, torch.float64)
    state = model.fit(x, quadratic(x))
    assert float((model.predict(state, x)[0] - quadratic(x)[0]).square().mean()) > 0.5


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
def test_monomials_are_all_products_once(degree):
    x = torch.tensor([[2.0, 3.0, 5.0]], dtype=torch.float64)  # primes: every monomial has its own value
    products = (c for k in range(degree + 1) for c in itertools.combinations_with_replacement((2.0, 3.0, 5.0), k))
    found = polynomial_features(x, degree)[0].tolist()
    assert sorted(found) == sorted(math.prod(c) for c in products)
    assert found[0] == 1.0


def test_inputs_that_repeat_each_other_do_no_harm():
    x = inputs(100, 0, torch.float64)
    doubled = (x[0], torch.cat([x[1], x[1]], 1))
    model = polynomial(1)
    state = model.fit(doubled, linear(x))
    torch.testing.assert_close(model.predict(state, doubled)[0], linear(x)[0], rtol=1e-10, atol=1e-10)
    assert float(state["weights"].abs().max()) < 10


def test_least_squares_leave_a_residual_that_no_feature_explains():
    generator = torch.Generator().manual_seed(0)
    features, targets = (torch.randn(50, n, generator=generator, dtype=torch.float64) for n in (5, 2))
    residual = targets - features @ least_squares(features, targets)
    torch.testing.assert_close(features.mT @ residual, torch.zeros(5, 2, dtype=torch.float64), rtol=0, atol=1e-12)


def test_the_mean_is_the_mean_of_training_whatever_comes():
    x, model = inputs(30, 0, torch.float64), mean()
    state = model.fit(x, linear(x))
    found = model.predict(state, inputs(7, 1, torch.float64))
    for value, truth in zip(found, linear(x), strict=True):
        torch.testing.assert_close(value, truth.mean(0).expand(7, *truth.shape[1:]), rtol=1e-14, atol=1e-14)
