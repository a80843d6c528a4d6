"""Eddy-viscosity closures: the sign of the rotation on a real channel, shear by hand, and the split of a stress."""

import json

import numpy as np
import pytest
import torch

from geodl.turbulence.physics.anisotropy import anisotropy, kinetic_energy
from geodl.turbulence.physics.eddy_viscosity import linear_eddy_viscosity, quadratic_eddy_viscosity, split_stress
from geodl.turbulence.physics.metrics import rmse_nine
from geodl.turbulence.physics.time_scale import turbulent_time
from geodl.turbulence.physics.velocity_gradient import rotation_rate, strain_rate
from tests.turbulence.provided import provided
from tests.turbulence.tensors import orthogonal, random, symmetric, turned


@pytest.fixture(scope="module")
def channel():
    """k, epsilon, velocity gradient and anisotropy of the test points of a channel at Re_tau 590, without the wall."""
    folder = provided("sandia_tbnn")
    rows = [i for i in json.loads((folder / "split_and_expected.json").read_text())["test"] if i]
    table = torch.from_numpy(np.loadtxt(folder / "channel.txt", skiprows=4))[rows]
    gradient, stress = table[:, 2:].unflatten(1, (2, 3, 3)).unbind(1)
    return table[:, 0], table[:, 1], gradient, anisotropy(stress)


def test_the_linear_closure_has_its_published_error_on_the_channel(channel):
    k, epsilon, gradient, truth = channel
    b = linear_eddy_viscosity(strain_rate(gradient), k, 0.09 * k**2 / epsilon)
    assert float(rmse_nine(b, truth)) == pytest.approx(0.1227, abs=1e-4)


@pytest.mark.parametrize("c_mu", ["constant", "strained"])
def test_the_quadratic_closure_is_good_on_the_channel_with_this_sign_of_the_rotation_alone(channel, c_mu):
    k, epsilon, gradient, truth = channel
    time = turbulent_time(k, epsilon)[:, None, None]
    s, r = time * strain_rate(gradient), time * rotation_rate(gradient)
    assert float(rmse_nine(quadratic_eddy_viscosity(s, r, c_mu), truth)) == pytest.approx(0.0743, abs=2e-4)
    assert float(rmse_nine(quadratic_eddy_viscosity(s, -r, c_mu), truth)) == pytest.approx(0.165, abs=1e-3)


def test_the_quadratic_closure_in_simple_shear_by_hand():
    gradient = torch.zeros(3, 3, dtype=torch.float64)
    gradient[0, 1] = 2.0
    b = quadratic_eddy_viscosity(strain_rate(gradient), rotation_rate(gradient)) / 0.09
    # −T1 off the diagonal; −0.2 (−2, 2, 0) − 0.2 (1, 1, −2)/3 + 0.52 (1, 1, −2)/3 on it
    expected = torch.tensor([[0.4 + 0.32 / 3, -1, 0], [-1, -0.4 + 0.32 / 3, 0], [0, 0, -0.64 / 3]]).double()
    torch.testing.assert_close(b, expected, rtol=0, atol=1e-7)


def test_the_coefficient_falls_with_the_strain_number():
    gradient = torch.zeros(3, 3, 3, dtype=torch.float64)
    gradient[:, 0, 1] = torch.tensor([0.01, 1.0, 10.0])
    s, r = strain_rate(gradient), rotation_rate(gradient)
    b_xy = quadratic_eddy_viscosity(s, r, "strained")[:, 0, 1]
    coefficient = -b_xy / s[:, 0, 1]
    number = torch.tensor([0.01, 1.0, 10.0], dtype=torch.float64)  # sqrt(2 s:s) = dU/dy k/epsilon
    expected = 0.3 / (1 + 0.35 * number**1.5) * (1 - torch.exp(-0.36 / torch.exp(-0.75 * number)))
    torch.testing.assert_close(coefficient, expected)


def test_closures_turn_with_the_axes():
    q, gradient = orthogonal(50), random(50, 3, 3)
    here, there = (
        quadratic_eddy_viscosity(strain_rate(a), rotation_rate(a), "strained") for a in (gradient, turned(q, gradient))
    )
    torch.testing.assert_close(turned(q, here), there, rtol=0, atol=1e-12)


def test_no_energy_gives_no_anisotropy():
    strain = random(2, 3, 3, dtype=torch.float32)
    assert not linear_eddy_viscosity(strain, torch.tensor([0.0, -1.0]), torch.ones(2)).any()


def test_a_split_stress_adds_up_and_leaves_the_strain_alone():
    factor = random(200, 3, 3)
    stress, strain = factor @ factor.mT, symmetric(random(200, 3, 3, seed=1))
    viscosity, rest = split_stress(stress, strain)
    isotropic = 2 / 3 * kinetic_energy(stress)[:, None, None] * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(rest - 2 * viscosity[:, None, None] * strain + isotropic, stress)
    assert bool((viscosity >= 0).all())
    along = (rest * strain).sum((1, 2))[viscosity > 0]
    torch.testing.assert_close(along, torch.zeros_like(along), rtol=0, atol=1e-13)


def test_an_eddy_viscosity_stress_is_all_viscosity_and_no_strain_is_none():
    strain = symmetric(random(5, 3, 3))
    viscosity, rest = split_stress(-2 * 0.3 * strain, strain)
    torch.testing.assert_close(viscosity, torch.full_like(viscosity, 0.3))
    assert float(rest.abs().max()) < 1e-15
    viscosity, rest = split_stress(strain, torch.zeros_like(strain))
    assert not viscosity.any()
    torch.testing.assert_close(rest, strain)
