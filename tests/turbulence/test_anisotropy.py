"""Stress, energy and shape: there and back, and cells without turbulence."""

import math

import torch

from geodl.turbulence.physics.anisotropy import anisotropy, kinetic_energy, reynolds_stress
from tests.turbulence.tensors import random

ONE_COMPONENT = torch.diag(torch.tensor([2.0, 0.0, 0.0]))


def test_one_component_has_all_the_energy():
    assert float(kinetic_energy(ONE_COMPONENT)) == 1
    torch.testing.assert_close(anisotropy(ONE_COMPONENT), torch.diag(torch.tensor([2 / 3, -1 / 3, -1 / 3])))


def test_a_stress_comes_back_from_its_shape_and_energy():
    factor = random(50, 3, 3)
    stress = factor @ factor.mT
    b = anisotropy(stress)
    assert float(b.diagonal(dim1=1, dim2=2).sum(1).abs().max()) < 1e-15
    torch.testing.assert_close(reynolds_stress(b, kinetic_energy(stress)), stress)
    torch.testing.assert_close(anisotropy(1e-25 * stress), b)


def test_cells_without_energy_are_isotropic_and_finite_and_undefined_ones_stay_so():
    stress = torch.stack([torch.zeros(3, 3), -ONE_COMPONENT, ONE_COMPONENT]).requires_grad_()
    b = anisotropy(stress)
    assert not b[:2].any()
    assert not reynolds_stress(b[2:], torch.tensor([-1.0])).any()
    b.sum().backward()
    assert bool(stress.grad.isfinite().all())
    assert bool(anisotropy(torch.full((3, 3), math.nan)).isnan().all())
