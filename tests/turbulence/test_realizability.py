"""The projection on realizable stresses: nearest, everywhere inside, blind to the frame, with a derivative."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from geodl.turbulence.physics.realizability import LARGEST_NORM, is_realizable, realizable
from tests.turbulence.tensors import TOLERANCE, orthogonal, random, symmetric, turned, with_spectrum

DTYPES = [torch.float32, torch.float64]


def outside(cells=200, size=1.0):
    b = size * symmetric(random(cells, 3, 3))
    return b[~is_realizable(b)]


def adversaries(dtype):
    """Tensors of every size, on, near and beyond corners and edges, with equal eigenvalues, and absurd ones."""
    q = orthogonal(2000)
    sized = [symmetric(random(2000, 3, 3, seed=i)) * 10.0**i for i in (-20, -3, -1, 0, 1, 3, 6, 12, 30)]
    spectra = [
        (2 / 3, -1 / 3, -1 / 3),
        (1 / 6, 1 / 6, -1 / 3),
        (0.5, -1 / 6, -1 / 3),
        (2.0, -1.0, -1.0),
        (5.0, 5.0, -10.0),
        (1.5, 0.5, -2.0),
        (2 / 3 + 1e-7, -1 / 3, -1 / 3 - 1e-7),
        (1e6, 1e6, -2e6),
        (1e6 + 1, 1e6, -2e6 - 1),
        (0.0, 0.0, 0.0),
    ]
    not_traceless = random(2000, 3, 3, seed=99)
    largest = torch.sign(random(2000, 3, 3, seed=98)) * torch.finfo(dtype).max
    return torch.cat([*sized, *(with_spectrum(q, *s) for s in spectra), not_traceless, largest]).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_nothing_leaves_the_triangle_whatever_comes(dtype):
    b = realizable(adversaries(dtype))
    assert bool(is_realizable(b).all())
    values = torch.linalg.eigvalsh(b)
    assert float(values.min()) >= -1 / 3
    assert float(values.max()) <= 2 / 3
    assert float(b.double().flatten(1).norm(dim=1).max()) <= LARGEST_NORM <= 0.8165
    assert float(b.diagonal(dim1=1, dim2=2).sum(1).abs().max()) <= 2 * torch.finfo(dtype).eps
    assert torch.equal(b, b.mT)


@pytest.mark.parametrize(("dtype", "cells"), [(torch.float32, 1_000_000), (torch.float64, 200_000)], ids=str)
def test_a_million_random_tensors_are_all_realizable(dtype, cells):
    generator = torch.Generator().manual_seed(5)
    b = realizable(torch.randn(cells, 3, 3, dtype=dtype, generator=generator))
    assert bool(is_realizable(b).all())
    assert float(b.flatten(1).norm(dim=1).max()) <= LARGEST_NORM


def test_realizable_tensors_stay_as_they_are_and_projecting_twice_is_projecting_once():
    b = 0.1 * symmetric(random(500, 3, 3))
    b = b[is_realizable(b, -1e-9)]
    torch.testing.assert_close(realizable(b), b, rtol=0, atol=1e-16)
    for dtype in DTYPES:
        once = realizable(adversaries(dtype))
        torch.testing.assert_close(realizable(once), once, rtol=0, atol=16 * torch.finfo(dtype).eps)


def test_corners_and_edges_by_hand():
    q = orthogonal(1)
    cases = {
        (2.0, -1.0, -1.0): (2 / 3, -1 / 3, -1 / 3),  # one component
        (1.0, 1.0, -2.0): (1 / 6, 1 / 6, -1 / 3),  # two components
        (0.5, 0.0, -0.5): (0.5 - 1 / 12, -1 / 12, -1 / 3),  # what the third lacks, 1/6, is taken from both others
        (3.0, 0.0, -3.0): (2 / 3, -1 / 3, -1 / 3),
    }
    for spectrum, nearest in cases.items():
        expected = with_spectrum(q, *nearest)
        torch.testing.assert_close(realizable(with_spectrum(q, *spectrum)), expected, rtol=0, atol=1e-14)


def test_it_is_the_simplex_projection_of_the_eigenvalues():
    b = outside(5000, size=3.0)
    values, vectors = torch.linalg.eigh(b)
    u = (values + 1 / 3).flip(-1)
    theta = (u.cumsum(-1) - 1) / torch.arange(1, 4)
    active = ((u - theta) > 0).sum(-1, keepdim=True)
    clipped = (u - theta.gather(-1, active - 1)).clamp(min=0).flip(-1) - 1 / 3
    expected = vectors @ (clipped[:, :, None] * vectors.mT)
    torch.testing.assert_close(realizable(b), expected, rtol=0, atol=1e-11)


def test_no_realizable_tensor_is_nearer():
    """Against a search over all stresses L Lᵀ/tr, which are exactly the realizable ones."""
    for b in outside(6, size=1.0).numpy():

        def distance(x, b=b):
            stress = x.reshape(3, 3) @ x.reshape(3, 3).T
            return float(np.square(stress / np.trace(stress) - np.eye(3) / 3 - b).sum())

        best = min(
            minimize(distance, np.random.default_rng(i).normal(size=9), options={"gtol": 1e-9}).fun for i in range(3)
        )
        own = float((realizable(torch.from_numpy(b)) - torch.from_numpy(b)).square().sum())
        assert own == pytest.approx(best, abs=1e-6)
        assert own <= best + 1e-12


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_projection_turns_with_the_axes(dtype):
    q, b = orthogonal(2000), symmetric(random(2000, 3, 3))
    b = b / b.flatten(1).norm(dim=1)[:, None, None]
    b = b.to(dtype)
    torch.testing.assert_close(turned(q, realizable(b)), realizable(turned(q, b)), rtol=0, atol=TOLERANCE[dtype])


def test_no_step_is_longer_than_that_of_the_input():
    first, second = symmetric(random(2, 5000, 3, 3))
    second = first + 10.0 ** -(8 * torch.rand(5000, 1, 1, generator=torch.Generator().manual_seed(1))) * second
    before = (first - second).flatten(1).norm(dim=1)
    after = (realizable(first) - realizable(second)).flatten(1).norm(dim=1)
    assert bool((after <= before + 1e-14).all())


def test_undefined_tensors_stay_undefined_in_their_cell_alone():
    b = symmetric(random(4, 3, 3))
    b[1, 0, 1], b[2, 2, 2] = math.nan, math.inf
    out = realizable(b)
    assert out.flatten(1).isnan().all(1).tolist() == [False, True, True, False]
    assert is_realizable(out).tolist() == [True, False, False, True]


def test_the_derivative_is_right_inside_on_an_edge_and_in_a_corner():
    for size in (0.1, 1.0, 5.0):
        b = (size * random(4, 3, 3)).requires_grad_()  # neither symmetric nor traceless: both parts are removed
        assert torch.autograd.gradcheck(realizable, (b,), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("spectrum", [(1.0, 1.0, -2.0), (0.4, 0.4, -0.8), (2.0, -1.0, -1.0), (0.1, 0.1, -0.2)], ids=str)
def test_the_derivative_is_right_where_eigenvalues_coincide(spectrum):
    b = with_spectrum(orthogonal(1)[0], *spectrum).requires_grad_()
    assert torch.autograd.gradcheck(realizable, (b,), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_derivatives_are_finite_and_no_longer_than_what_comes_back(dtype):
    b = adversaries(dtype).requires_grad_()
    back = random(len(b), 3, 3, seed=2, dtype=dtype)
    realizable(b).backward(back)
    assert bool(b.grad.isfinite().all())
    assert bool((b.grad.flatten(1).norm(dim=1) <= back.flatten(1).norm(dim=1) * (1 + 1e-5)).all())


def test_any_leading_dimensions():
    b = symmetric(random(2, 0, 3, 3))
    assert realizable(b).shape == (2, 0, 3, 3)
    assert realizable(torch.eye(3)).shape == (3, 3)
    assert is_realizable(symmetric(random(4, 5, 3, 3))).shape == (4, 5)
