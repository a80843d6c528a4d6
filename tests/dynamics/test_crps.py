"""The ranked probability score against its definition, its closed form, and what makes it fair."""

import math

import pytest
import torch

from geodl.dynamics.chaos.crps import crps_climate, crps_ensemble, crps_gaussian, crps_skill
from geodl.errors import OptionError
from geodl.testing import assert_refused


def normal(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-14)], ids=str)
@pytest.mark.parametrize("members", [2, 3, 10])
def test_the_sorted_form_is_the_double_sum(members, dtype, tolerance):
    ensemble, truth = normal(members, 4, 3, dtype=dtype), normal(4, 3, dtype=dtype, seed=1)
    pairs = (ensemble[:, None] - ensemble[None]).abs().sum((0, 1)) / (2 * members * (members - 1))
    expected = (ensemble - truth).abs().mean(0) - pairs
    torch.testing.assert_close(crps_ensemble(ensemble, truth), expected, rtol=0, atol=10 * tolerance)


def test_a_large_normal_ensemble_scores_as_the_closed_form():
    truth = torch.tensor([-3.0, -0.5, 0.0, 1.0, 2.0], dtype=torch.float64)
    mean, std = torch.tensor(0.5).double().expand(5), torch.tensor(2.0).double().expand(5)
    sample = 0.5 + 2 * normal(100_000, 1)
    found = crps_ensemble(sample.expand(-1, 5), truth)
    torch.testing.assert_close(found, crps_gaussian(mean, std, truth), rtol=0, atol=0.01)


def test_the_closed_form_at_the_centre():
    zero, std = torch.zeros(1).double(), torch.full((1,), 3.0).double()
    expected = 3 * (2 / math.sqrt(2 * math.pi) - 1 / math.sqrt(math.pi))
    assert float(crps_gaussian(zero, std, zero)) == pytest.approx(expected, rel=1e-14)


def test_the_score_of_a_perfect_ensemble_does_not_depend_on_its_size():
    truth = normal(200_000, seed=9)
    scores = [float(crps_ensemble(normal(m, 200_000, seed=m), truth).mean()) for m in (2, 5, 20)]
    assert scores == pytest.approx([1 / math.sqrt(math.pi)] * 3, abs=0.006)


def test_the_climate_expects_its_own_score():
    assert float(crps_climate(2 * normal(100_000))) == pytest.approx(2 / math.sqrt(math.pi), rel=0.01)


def test_the_score_has_the_units_of_the_variable():
    ensemble, truth = normal(6, 5), normal(5, seed=1)
    torch.testing.assert_close(crps_ensemble(4 * ensemble + 1, 4 * truth + 1), 4 * crps_ensemble(ensemble, truth))


def test_the_score_is_a_loss_with_a_gradient():
    ensemble, truth = normal(5, 3).requires_grad_(), normal(3, seed=1)
    assert torch.autograd.gradcheck(lambda x: crps_ensemble(x, truth), (ensemble,))
    parameters = (normal(3).requires_grad_(), normal(3).exp().requires_grad_())
    assert torch.autograd.gradcheck(lambda m, s: crps_gaussian(m, s, truth), parameters)


def test_a_single_member_is_refused():
    assert_refused(OptionError, lambda: crps_ensemble(normal(1, 3), normal(3)), "1 members", "at least 2")


def test_skill_is_one_for_the_perfect_and_zero_for_the_reference():
    score, reference = torch.tensor([0.0, 2.0, 4.0]), torch.tensor([2.0, 2.0, 2.0])
    assert crps_skill(score, reference).tolist() == [1, 0, -1]
