"""Pope's ten tensors by hand, in every frame, in plane flows, and without noise that looks like a tensor."""

import pytest
import torch

from geodl.turbulence.physics.invariants import invariants
from geodl.turbulence.physics.tensor_basis import (
    DEGREES,
    GRADIENT_DEGREES,
    basis_components,
    basis_components_of_block,
    components,
    from_components,
    gradient_basis,
    gradient_components_of_block,
    noise_threshold,
    tensor_basis,
    unit_basis,
    unit_vector,
)
from geodl.turbulence.physics.time_scale import gradient_time
from geodl.turbulence.physics.velocity_gradient import rotation_rate, strain_rate
from tests.turbulence.tensors import TOLERANCE, orthogonal, random, symmetric, turned

X = [[0, 0, 0], [0, 0, 1], [0, 1, 0]]  # a shear in the plane of y and z
XY = [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
THIRD = 1 / 3


def diagonal(*values):
    return torch.diag(torch.tensor(values, dtype=torch.float64))


def times(number, rows):
    return number * torch.tensor(rows, dtype=torch.float64)


def parts(gradient):
    return strain_rate(gradient), rotation_rate(gradient)


def self_scaled(gradient):
    strain, rotation = parts(gradient)
    time = gradient_time(strain, rotation)[..., None, None]
    return time * strain, time * rotation


def test_simple_shear_by_hand():
    gradient = torch.zeros(3, 3, dtype=torch.float64)
    gradient[0, 1] = 2.0
    expected = [
        times(1, XY),
        diagonal(-2, 2, 0),
        diagonal(THIRD, THIRD, -2 * THIRD),
        diagonal(-THIRD, -THIRD, 2 * THIRD),
        times(0, XY),
        times(-2, XY),
        diagonal(-2, 2, 0),
        diagonal(-2, 2, 0),
        diagonal(-2 * THIRD, -2 * THIRD, 4 * THIRD),
        times(0, XY),
    ]
    torch.testing.assert_close(tensor_basis(*parts(gradient)), torch.stack(expected), rtol=0, atol=4e-16)


def test_stretching_across_a_rotation_by_hand():
    strain = diagonal(1, 1, -2)
    rotation = torch.tensor([[0, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=torch.float64)
    expected = [
        diagonal(1, 1, -2),
        times(3, X),
        diagonal(-1, -1, 2),
        diagonal(2 * THIRD, -THIRD, -THIRD),
        times(3, X),
        diagonal(-2 * THIRD, -8 * THIRD, 10 * THIRD),
        times(3, X),
        times(6, X),
        diagonal(10 * THIRD, 4 * THIRD, -14 * THIRD),
        times(-3, X),
    ]
    torch.testing.assert_close(tensor_basis(strain, rotation), torch.stack(expected), rtol=0, atol=2e-15)


def test_the_shared_products_are_the_formulas_of_the_paper():
    s, r = parts(random(100, 3, 3))  # with a trace, which only T1 keeps

    def traceless(a):
        return a - a.diagonal(dim1=1, dim2=2).sum(1)[:, None, None] / 3 * torch.eye(3, dtype=a.dtype)

    expected = [
        s,
        s @ r - r @ s,
        traceless(s @ s),
        traceless(r @ r),
        r @ s @ s - s @ s @ r,
        traceless(r @ r @ s + s @ r @ r),
        r @ s @ r @ r - r @ r @ s @ r,
        s @ r @ s @ s - s @ s @ r @ s,
        traceless(r @ r @ s @ s + s @ s @ r @ r),
        r @ s @ s @ r @ r - r @ r @ s @ s @ r,
    ]
    torch.testing.assert_close(tensor_basis(s, r), torch.stack(expected, 1), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_the_tensors_turn_with_the_axes(dtype):
    q = orthogonal(200)
    gradient = random(200, 3, 3)
    gradient = (gradient / gradient.flatten(1).norm(dim=1)[:, None, None]).to(dtype)
    vector = unit_vector(random(200, 3, seed=3, dtype=dtype))
    turned_vector = (q @ vector.double()[..., None])[..., 0].to(dtype)
    own, other = parts(gradient), parts(turned(q, gradient))
    for here, there in (
        (tensor_basis(*own), tensor_basis(*other)),
        (gradient_basis(own[0], vector), gradient_basis(other[0], turned_vector)),
    ):
        torch.testing.assert_close(turned(q, here), there, rtol=0, atol=TOLERANCE[dtype])


def test_a_transposed_gradient_flips_the_odd_tensors_alone():
    gradient = random(20, 3, 3)
    ratio = (tensor_basis(*parts(gradient.mT)) / tensor_basis(*parts(gradient)))[:, :, 0, 1]
    odd = {2, 5, 7, 8, 10}
    signs = torch.tensor([-1.0 if m in odd else 1.0 for m in range(1, 11)], dtype=ratio.dtype)
    torch.testing.assert_close(ratio, signs.expand_as(ratio))


def test_in_a_plane_flow_the_fourth_tensor_is_a_multiple_of_the_third_and_the_rank_is_three():
    gradient = random(100, 3, 3)
    gradient[:, 2], gradient[:, :, 2] = 0, 0
    gradient[:, 1, 1] = -gradient[:, 0, 0]
    basis, values = tensor_basis(*parts(gradient)), invariants(*parts(gradient))
    ratio = (values[:, 1] / values[:, 0])[:, None, None]
    torch.testing.assert_close(basis[:, 3], ratio * basis[:, 2], rtol=0, atol=1e-13)
    unit = unit_basis(basis, DEGREES, gradient.flatten(1).norm(dim=1))
    assert torch.linalg.matrix_rank(components(unit), rtol=1e-6).tolist() == [3] * 100


def test_components_keep_lengths_and_come_back():
    b = symmetric(random(50, 3, 3))
    c = components(b)
    torch.testing.assert_close(c.norm(dim=1), b.flatten(1).norm(dim=1), rtol=1e-14, atol=0)
    torch.testing.assert_close(from_components(c), b, rtol=0, atol=1e-15)
    back = from_components(random(50, 5))
    assert torch.equal(back, back.mT)
    torch.testing.assert_close(components(back), random(50, 5), rtol=0, atol=1e-15)


def test_components_of_the_basis_are_those_of_its_tensors():
    gradient = random(3, 7, 3, 3)
    gradient = gradient - gradient.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] * torch.eye(3)
    s, r = parts(gradient)
    torch.testing.assert_close(basis_components(s, r), components(tensor_basis(s, r)), rtol=0, atol=1e-13)
    n = unit_vector(random(3, 7, 3))
    s, r, n = s[0], r[0], n[0]
    cells_last = basis_components_of_block(s.movedim(0, -1), r.movedim(0, -1)).movedim(-1, 0)
    torch.testing.assert_close(cells_last, components(tensor_basis(s, r)), rtol=0, atol=1e-13)
    cells_last = gradient_components_of_block(s.movedim(0, -1), n.mT).movedim(-1, 0)
    torch.testing.assert_close(cells_last, components(gradient_basis(s, n)), rtol=0, atol=1e-13)


def test_more_cells_than_a_block_are_the_cells_one_by_one():
    s, r = parts(random(20000, 3, 3, dtype=torch.float32))
    some = slice(8190, 8195)
    torch.testing.assert_close(tensor_basis(s, r)[some], tensor_basis(s[some], r[some]), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_round_off_is_not_blown_up_to_a_tensor(dtype):
    """Of a duct T5 and T10 vanish; in turned axes round-off is left of them, well below the threshold."""
    gradient = torch.zeros(500, 3, 3, dtype=torch.float64)
    gradient[:, 0, 1:] = random(500, 2)
    gradient = turned(orthogonal(500), gradient).to(dtype)
    s, r = self_scaled(gradient)
    basis = tensor_basis(s, r)
    length = basis.flatten(2).norm(dim=2)
    noise = length[:, [4, 9]].max()
    assert 0 < noise < noise_threshold(dtype) / 10
    assert length[:, [0, 1, 2, 3, 5, 6, 7, 8]].min() > 0.05
    unit = unit_basis(basis, DEGREES, torch.ones(500, dtype=dtype)).flatten(2).norm(dim=2)
    expected = torch.tensor([1, 1, 1, 1, 0, 1, 1, 1, 1, 0], dtype=dtype).expand(500, 10)
    torch.testing.assert_close(unit, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_nothing_but_round_off_is_left_out(dtype):
    s, r = self_scaled(random(2000, 3, 3, dtype=dtype))
    unit = unit_basis(tensor_basis(s, r), DEGREES, torch.ones(2000, dtype=dtype)).flatten(2).norm(dim=2)
    assert (unit > 0.5).double().mean() > 0.999


def test_the_unit_basis_does_not_depend_on_the_time_scale():
    gradient = random(50, 3, 3)
    basis = [unit_basis(tensor_basis(*parts(a)), DEGREES, a.flatten(1).norm(dim=1)) for a in (gradient, 1e6 * gradient)]
    torch.testing.assert_close(*basis, rtol=0, atol=1e-12)
    s, r = parts(gradient)
    of_components = unit_basis(basis_components(s, r), DEGREES, gradient.flatten(1).norm(dim=1))
    torch.testing.assert_close(of_components[:, 1:], components(basis[0])[:, 1:], rtol=0, atol=1e-12)


def test_no_gradient_gives_no_tensors_and_finite_derivatives():
    zero = torch.zeros(1, 3, 3, requires_grad=True)
    vector = torch.zeros(1, 3, requires_grad=True)
    magnitude = torch.zeros(1)
    first = unit_basis(tensor_basis(zero, torch.zeros(1, 3, 3)), DEGREES, magnitude)
    second = unit_basis(gradient_basis(zero, unit_vector(vector)), GRADIENT_DEGREES, magnitude)
    assert not first.any()
    assert not second.any()
    (first.sum() + second.sum()).backward()
    assert bool(zero.grad.isfinite().all())
    assert bool(vector.grad.isfinite().all())


def test_the_direction_of_a_tiny_gradient_is_found():
    vector = torch.tensor([[3e-30, 0, 4e-30], [0, 0, 0], [3e30, 0, 4e30]])
    expected = torch.tensor([[0.6, 0, 0.8], [0, 0, 0], [0.6, 0, 0.8]])
    torch.testing.assert_close(unit_vector(vector), expected)


def test_the_sign_of_the_direction_does_not_matter():
    s, _ = parts(random(5, 3, 3))
    n = unit_vector(random(5, 3, seed=2))
    assert torch.equal(gradient_basis(s, n), gradient_basis(s, -n))


def test_derivatives_of_the_unit_basis_are_right():
    gradient = random(1, 3, 3).requires_grad_()

    def unit(a):
        s, r = self_scaled(a)
        return unit_basis(tensor_basis(s, r), DEGREES, torch.ones(1, dtype=torch.float64))

    assert torch.autograd.gradcheck(unit, (gradient,))
