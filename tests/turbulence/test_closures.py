"""The closures to beat, by hand and by the frame in which they hold."""

import pytest
import torch

from geodl.turbulence.closures import linear_closure, quadratic_closure, training_mean
from geodl.turbulence.physics.eddy_viscosity import linear_eddy_viscosity
from geodl.turbulence.physics.realizability import is_realizable, realizable
from geodl.turbulence.physics.velocity_gradient import strain_rate
from tests.turbulence.tensors import orthogonal, random, symmetric, turned

CELLS = 50
GRADIENT, K, OMEGA = random(CELLS, 3, 3), random(CELLS, seed=1).exp(), random(CELLS, seed=2).exp()
INPUTS = (GRADIENT, K, OMEGA)
B, LN_K, REMAINDER = realizable(symmetric(random(CELLS, 3, 3, seed=3))), random(CELLS, seed=4), random(CELLS, 3, 3)
OUTPUTS = (B, LN_K, symmetric(REMAINDER))


def test_the_training_mean_gives_every_cell_the_mean_and_k_its_mean_factor():
    mean = training_mean()
    b, ln_k, remainder = mean.predict(mean.fit(INPUTS, OUTPUTS), INPUTS)
    for tensor, truth in ((b, OUTPUTS[0]), (remainder, OUTPUTS[2])):
        torch.testing.assert_close(tensor, truth.mean(0).expand_as(truth))
    torch.testing.assert_close((ln_k - LN_K).mean(), torch.zeros(()).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close((ln_k - K.log()), (LN_K - K.log()).mean().expand(CELLS))
    assert bool(is_realizable(b).all())  # a mean of realizable tensors


def test_no_other_constant_tensor_has_a_smaller_error_than_the_training_mean():
    mean = training_mean()
    b = mean.predict(mean.fit(INPUTS, OUTPUTS), INPUTS)[0]
    least = (b - B).square().sum()
    for seed in range(5):
        other = b + 0.01 * symmetric(random(3, 3, seed=seed))
        assert float((other - B).square().sum()) > float(least)


@pytest.mark.parametrize("closure", [linear_closure, quadratic_closure])
@pytest.mark.parametrize("remainder", [True, False])
def test_a_closure_gives_as_many_outputs_as_the_network_and_keeps_k(closure, remainder):
    found = closure(remainder)
    b, ln_k, *rest = found.predict(found.fit(INPUTS, OUTPUTS), INPUTS)
    assert torch.equal(ln_k, K.log())
    assert len(rest) == remainder
    assert all(x.shape == b.shape for x in rest)


def test_the_linear_closure_in_plane_shear_by_hand():
    """b_xy = -(k/omega) (dU/dy)/2 / k = -dU/dy/(2 omega); nothing remains."""
    gradient = torch.zeros(1, 3, 3, dtype=torch.float64)
    gradient[0, 0, 1] = 3.0
    k, omega = torch.tensor([0.2]).double(), torch.tensor([10.0]).double()
    b, _, remainder = linear_closure(True).predict({}, (gradient, k, omega))
    assert float(b[0, 0, 1]) == float(b[0, 1, 0]) == pytest.approx(-0.15)
    assert float(b.abs().sum()) == pytest.approx(0.3)
    assert not bool(remainder.any())


def test_the_quadratic_closure_gives_plane_shear_normal_stresses_and_the_linear_one_does_not():
    gradient = torch.zeros(1, 3, 3, dtype=torch.float64)
    gradient[0, 0, 1] = 3.0
    some = (gradient, torch.tensor([0.2]).double(), torch.tensor([10.0]).double())
    b = quadratic_closure(False).predict({}, some)[0][0]
    assert float(b[0, 0]) > 0 > float(b[1, 1])
    assert float(b[0, 1]) < 0
    assert float(linear_closure(False).predict({}, some)[0][0].diagonal().abs().max()) == 0


def test_what_the_quadratic_closure_leaves_is_what_goes_beyond_the_linear_one():
    b, _, remainder = quadratic_closure(True).predict({}, INPUTS)
    torch.testing.assert_close(b - remainder, linear_eddy_viscosity(strain_rate(GRADIENT), K, K / OMEGA))


@pytest.mark.parametrize("closure", [linear_closure, quadratic_closure])
def test_eddy_viscosities_turn_with_the_axes(closure):
    q = orthogonal(CELLS)
    predict = closure(True).predict
    straight, other = predict({}, INPUTS), predict({}, (turned(q, GRADIENT), K, OMEGA))
    for i in (0, 2):
        torch.testing.assert_close(other[i], turned(q, straight[i]), rtol=1e-12, atol=1e-12)


def test_the_training_mean_does_not_turn_with_the_axes():
    mean = training_mean()
    state, q = mean.fit(INPUTS, OUTPUTS), orthogonal(CELLS)
    b = mean.predict(state, INPUTS)[0]
    assert float((mean.predict(state, (turned(q, GRADIENT), K, OMEGA))[0] - turned(q, b)).abs().max()) > 0.01
