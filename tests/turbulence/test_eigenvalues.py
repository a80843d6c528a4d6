"""Eigenvalues in closed form: as exact as LAPACK wherever eigenvalues lie, at any magnitude."""

import pytest
import torch

from geodl.turbulence.physics.eigenvalues import eigenvalues
from tests.turbulence.tensors import orthogonal, random, symmetric, turned, with_spectrum

TOLERANCE = {torch.float32: 4e-7, torch.float64: 3e-15}
SPECTRA = {
    "generic": (1.0, 0.2, -1.2),
    "two equal above": (1.0, 1.0, -2.0),
    "two equal below": (2.0, -1.0, -1.0),
    "nearly equal": (1.0, 1.0 - 1e-9, -2.0),
    "hardly equal": (2.0, -1.0 + 1e-4, -1.0 - 1e-4),
    "with a trace": (11.0, 10.0, 9.0),
    "isotropic": (1.0, 1.0, 1.0),
    "nearly isotropic": (1.0, 1.0, 1.0 - 1e-7),
    "one": (1.0, 0.0, 0.0),
    "zero": (0.0, 0.0, 0.0),
}


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA)
def test_they_are_those_of_lapack(spectrum, dtype, size):
    a = (with_spectrum(orthogonal(1000), *spectrum) * size).to(dtype)
    expected = torch.linalg.eigvalsh(a.double()).flip(-1)
    error = (eigenvalues(a).double() - expected).abs().amax(1)
    assert float(error.max()) <= TOLERANCE[dtype] * max(map(abs, spectrum)) * size


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_they_are_those_of_lapack_for_random_tensors(dtype):
    a = symmetric(random(20000, 3, 3)).to(dtype)
    expected = torch.linalg.eigvalsh(a.double()).flip(-1)
    error = (eigenvalues(a).double() - expected).abs().amax(1) / a.double().flatten(1).norm(dim=1)
    assert float(error.max()) <= TOLERANCE[dtype]


def test_they_descend_and_do_not_turn_with_the_axes():
    a = symmetric(random(2, 100, 3, 3))
    values = eigenvalues(a)
    assert bool((values.diff(dim=-1) <= 0).all())
    torch.testing.assert_close(eigenvalues(turned(orthogonal(100), a[0])), values[0], rtol=0, atol=1e-14)


def test_undefined_entries_give_undefined_eigenvalues_in_their_cell_alone():
    a = symmetric(random(3, 3, 3))
    a[1, 0, 0], a[2, 1, 1] = float("nan"), float("inf")
    assert eigenvalues(a).isnan().all(1).tolist() == [False, True, True]


def test_the_derivative_is_right_and_finite_where_eigenvalues_coincide():
    a = symmetric(random(4, 3, 3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: eigenvalues((x + x.mT) / 2), (a,))
    equal = torch.eye(3, dtype=torch.float64).requires_grad_()
    eigenvalues(equal).sum().backward()
    torch.testing.assert_close(equal.grad, torch.eye(3, dtype=torch.float64))
