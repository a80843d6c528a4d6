"""What no coefficients can undercut: nothing in general, much in ducts, and what a second direction repairs."""

import pytest
import torch

from geodl.turbulence.physics.anisotropy import anisotropy
from geodl.turbulence.physics.basis_floor import basis_floor, nearest_in_span
from geodl.turbulence.physics.metrics import frobenius_error
from geodl.turbulence.physics.velocity_gradient import rotation_rate, strain_rate
from tests.turbulence.tensors import closure_flow, random, symmetric

FLOORS = {"AR_1_Ret_180": 0.0448, "AR_3_Ret_180": 0.0436, "AR_7_Ret_180": 0.0384}


def floor(gradient, truth, k_gradient=None, **options):
    return float(basis_floor(truth, strain_rate(gradient), rotation_rate(gradient), k_gradient, **options))


def test_in_a_general_gradient_the_ten_tensors_reach_everything():
    assert floor(random(200, 3, 3), symmetric(random(200, 3, 3, seed=1))) < 1e-9


def test_without_a_gradient_nothing_is_reached():
    truth = symmetric(random(20, 3, 3))
    assert floor(torch.zeros(20, 3, 3, dtype=torch.float64), truth) == pytest.approx(
        float(frobenius_error(truth, 0 * truth))
    )


def test_what_is_left_of_a_plane_shear_is_out_of_its_plane():
    gradient = torch.zeros(50, 3, 3, dtype=torch.float64)
    gradient[:, 0, 1] = 3.0
    truth = symmetric(random(50, 3, 3))
    outside = (2 * (truth[:, 0, 2] ** 2 + truth[:, 1, 2] ** 2)).mean().sqrt()
    assert floor(gradient, truth) == pytest.approx(float(outside), rel=1e-12)


def test_the_best_fit_is_a_fit_and_leaves_what_is_orthogonal():
    basis, truth = symmetric(random(30, 3, 3, 3)), symmetric(random(30, 3, 3, seed=1))
    left = truth - nearest_in_span(basis, truth)
    assert float((left[:, None] * basis).sum((2, 3)).abs().max()) < 1e-13


@pytest.mark.parametrize(("name", "expected"), FLOORS.items())
def test_ducts_have_their_known_floor_and_the_gradient_of_k_lowers_it(name, expected):
    flow = closure_flow(name)
    truth = anisotropy(flow["stress"])
    assert floor(flow["gradU"], truth) == pytest.approx(expected, rel=0.02)
    assert floor(flow["gradU"], truth, flow["gradk"]) <= 0.002
    assert floor(flow["gradU"].float(), truth.float()) == pytest.approx(expected, rel=0.02)


def test_hills_have_none():
    flow = closure_flow("alpha_10_9000_3036")
    assert floor(flow["gradU"], anisotropy(flow["stress"])) < 1e-8
