"""Scores by hand, and how they relate to each other."""

import math

import pytest
import torch

from geodl.turbulence.physics.metrics import (
    frobenius_error,
    largest_norm,
    nonrealizable_share,
    pooled,
    r2_six,
    rmse_nine,
    rmse_six,
)
from tests.turbulence.tensors import orthogonal, random, symmetric, turned, with_spectrum

TRUTH = symmetric(random(40, 3, 3))
PREDICTED = TRUTH + 0.1 * symmetric(random(40, 3, 3, seed=1))


def test_one_shear_off_by_one_tenth_by_hand():
    predicted = torch.zeros(2, 3, 3, dtype=torch.float64)
    predicted[0, 0, 1] = predicted[0, 1, 0] = 0.1
    truth = torch.zeros(2, 3, 3, dtype=torch.float64)
    assert float(frobenius_error(predicted, truth)) == pytest.approx(0.1)  # sqrt((2 · 0.01)/2)
    assert float(rmse_nine(predicted, truth)) == pytest.approx(0.1 / 3)
    assert float(rmse_six(predicted, truth)) == pytest.approx(math.sqrt(0.01 / 12))
    assert float(largest_norm(predicted)) == pytest.approx(0.1 * math.sqrt(2))


def test_the_six_entries_lie_between_their_bounds_and_the_frame_leaves_the_others_alone():
    f, six = frobenius_error(PREDICTED, TRUTH), rmse_six(PREDICTED, TRUTH)
    assert f / math.sqrt(12) <= six <= f / math.sqrt(6)
    q = orthogonal(40)
    torch.testing.assert_close(frobenius_error(turned(q, PREDICTED), turned(q, TRUTH)), f)


def test_r2_is_one_for_the_truth_and_zero_for_its_mean():
    assert float(r2_six(TRUTH, TRUTH)) == 1
    assert float(r2_six(TRUTH.mean(0).expand_as(TRUTH), TRUTH)) == pytest.approx(0, abs=1e-14)
    assert float(r2_six(PREDICTED, TRUTH)) < 1


def test_pooling_cases_is_scoring_all_of_their_cells():
    parts = [(PREDICTED[:10], TRUTH[:10]), (PREDICTED[10:], TRUTH[10:])]
    errors = torch.stack([frobenius_error(*part) for part in parts])
    cells = torch.tensor([10.0, 30.0], dtype=torch.float64)
    torch.testing.assert_close(pooled(errors, cells), frobenius_error(PREDICTED, TRUTH))


def test_cells_outside_of_the_triangle_are_counted_and_so_are_undefined_ones():
    inside, outside = with_spectrum(orthogonal(2), 0.3, 0, -0.3), with_spectrum(orthogonal(1), 0.4, 0, -0.4)
    undefined = torch.full((1, 3, 3), math.nan, dtype=torch.float64)
    assert float(nonrealizable_share(torch.cat([inside, outside, undefined]))) == 0.5
