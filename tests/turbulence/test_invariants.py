"""Invariants against hand-worked values, in every frame, and in plane flows."""

import pytest
import torch

from geodl.turbulence.physics.invariants import PSEUDO_VECTOR_INVARIANTS, invariants, pseudo_vector_invariants
from geodl.turbulence.physics.velocity_gradient import rotation_rate, strain_rate
from tests.turbulence.tensors import TOLERANCE, orthogonal, random, turned

SHEAR = torch.zeros(3, 3, dtype=torch.float64)
SHEAR[0, 1] = 2.0


def parts(gradient):
    return strain_rate(gradient), rotation_rate(gradient)


def test_simple_shear_by_hand():
    assert invariants(*parts(SHEAR)).tolist() == [2, -2, 0, 0, -2]


def test_stretching_across_a_rotation_by_hand():
    strain = torch.diag(torch.tensor([1.0, 1.0, -2.0], dtype=torch.float64))
    rotation = torch.tensor([[0, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=torch.float64)
    assert invariants(strain, rotation).tolist() == [6, -2, -6, 1, -5]


def test_in_a_plane_flow_three_invariants_depend_on_two():
    gradient = random(100, 3, 3)
    gradient[:, 2], gradient[:, :, 2] = 0, 0
    gradient[:, 1, 1] = -gradient[:, 0, 0]
    first, second, third, fourth, fifth = invariants(*parts(gradient)).unbind(-1)
    torch.testing.assert_close(torch.stack([third, fourth]), torch.zeros(2, 100, dtype=first.dtype), rtol=0, atol=1e-14)
    torch.testing.assert_close(fifth, first * second / 2)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_no_rotation_or_reflection_changes_an_invariant(dtype):
    q = orthogonal(200)
    gradient = random(200, 3, 3)
    gradient = (gradient / gradient.flatten(1).norm(dim=1)[:, None, None]).to(dtype)
    vector = random(200, 3, seed=3, dtype=dtype)
    vector = vector / vector.norm(dim=1, keepdim=True)
    frames = gradient, turned(q, gradient)
    vectors = vector, (q @ vector.double()[..., None])[..., 0].to(dtype)
    torch.testing.assert_close(*(invariants(*parts(a)) for a in frames), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    values = [pseudo_vector_invariants(*parts(a), v) for a, v in zip(frames, vectors, strict=True)]
    torch.testing.assert_close(*values, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_those_odd_in_the_pseudo_tensor_are_squares():
    strain, rotation = parts(random(50, 3, 3))
    vector = random(50, 3, seed=3)
    twice, once = (pseudo_vector_invariants(strain, rotation, a * vector) for a in (2, 1))
    powers = torch.log2(twice / once).median(0).values.round().tolist()
    assert powers == [2, 2, 2, 6, 2, 2, 2, 2, 2, 2]  # two A, or one A squared; the fourth has three, squared
    assert [squared for _, squared in PSEUDO_VECTOR_INVARIANTS] == [False] * 3 + [True] * 7


def test_the_pseudo_tensor_of_a_vector_is_its_cross_product():
    strain, rotation, vector = torch.zeros(3, 3), torch.zeros(3, 3), torch.tensor([0.0, 0.0, 2.0])
    rotation[0, 1], rotation[1, 0] = 1.0, -1.0
    values = pseudo_vector_invariants(strain, rotation, vector)
    assert values[0] == -8  # tr A² = −2 |g|²
    assert values[4] == 16  # tr rA = 4, squared: the vorticity along the gradient


def test_invariants_take_any_leading_dimensions_and_gradients_flow():
    gradient = random(2, 3, 3, 3).requires_grad_()
    assert invariants(*parts(gradient)).shape == (2, 3, 5)
    assert invariants(*parts(gradient[:0])).shape == (0, 3, 5)
    assert torch.autograd.gradcheck(lambda a: invariants(*parts(a)), (gradient,))
