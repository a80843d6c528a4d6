"""The nine velocities form an isotropic lattice."""

import pytest
import torch

from geodl.flow.lattice.velocities import CX, CY, OPPOSITE, PAIRS, WEIGHTS, index_of, velocities

ROUNDING = 1e-15


def moments(*powers):
    cx, cy, w = velocities(torch.zeros((), dtype=torch.float64))
    return float((w * cx ** powers[0] * cy ** powers[1]).sum())


@pytest.mark.parametrize(
    ("powers", "expected"),
    [
        ((0, 0), 1),
        ((1, 0), 0),
        ((0, 1), 0),
        ((2, 0), 1 / 3),
        ((1, 1), 0),
        ((4, 0), 1 / 3),
        ((2, 2), 1 / 9),
        ((3, 1), 0),
    ],
)
def test_moments_of_the_weights_are_those_of_a_gaussian(powers, expected):
    assert moments(*powers) == pytest.approx(expected, abs=ROUNDING)


def test_opposite_velocities_cancel_and_weigh_the_same():
    for i, j in enumerate(OPPOSITE):
        assert (CX[i] + CX[j], CY[i] + CY[j]) == (0, 0)
        assert WEIGHTS[i] == WEIGHTS[j]
        assert index_of(CX[i], CY[i]) == i
    assert sorted(sum(PAIRS, ())) == list(range(1, 9))
