"""Strain and rotation: signs, parts and units of one gradient."""

import torch

from geodl.turbulence.physics.velocity_gradient import deviator, rotation_rate, strain_rate
from tests.turbulence.tensors import random


def test_a_shear_stretches_and_turns_with_the_velocity_component_first():
    gradient = torch.zeros(3, 3)
    gradient[0, 1] = 2.0  # dU_x/dy
    assert strain_rate(gradient).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert rotation_rate(gradient).tolist() == [[0, 1, 0], [-1, 0, 0], [0, 0, 0]]


def test_the_parts_add_up_and_keep_the_trace():
    gradient = random(4, 5, 3, 3)
    strain, rotation = strain_rate(gradient), rotation_rate(gradient)
    torch.testing.assert_close(strain + rotation, gradient, rtol=0, atol=1e-15)
    torch.testing.assert_close(rotation, -rotation.mT, rtol=0, atol=0)
    assert bool((strain.diagonal(dim1=-2, dim2=-1).sum(-1).abs() > 1e-3).any())


def test_a_deviator_has_no_trace_and_the_same_shear():
    tensor = random(10, 3, 3)
    out = deviator(tensor)
    assert float(out.diagonal(dim1=-2, dim2=-1).sum(-1).abs().max()) < 1e-15
    assert bool((out - tensor)[:, 0, 1].eq(0).all())
