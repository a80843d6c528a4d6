"""Reference trajectories agree between methods; starts lie on the attractor and are its climate."""

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from torchdiffeq import odeint

from geodl.dynamics.lorenz63 import CLIMATE_STD, lorenz63
from geodl.dynamics.reference import attractor_starts, dop853_trajectory
from geodl.dynamics.taylor import taylor_trajectory
from geodl.errors import DivergedError, OptionError
from geodl.testing import assert_refused, observed_order

ORDERS = {"euler": (1, 0.15), "midpoint": (2, 0.1), "rk4": (4, 0.1)}


@pytest.fixture(scope="module")
def starts() -> np.ndarray:
    return attractor_starts(4000, seed=0)


def thickness(points: np.ndarray) -> float:
    """Smallest over largest extent of the 8 points nearest to a point, median over all points."""
    near = points[cKDTree(points).query(points, 8)[1]]
    extents = np.linalg.svd(near - near.mean(1, keepdims=True), compute_uv=False)
    return float(np.median(extents[:, 2] / extents[:, 0]))


def test_dop853_and_taylor_agree_over_five_units_of_time():
    starts = attractor_starts(8, seed=1)
    other = np.stack([dop853_trajectory(start, 0.5, 10, rtol=1e-13, atol=1e-13) for start in starts], 1)
    np.testing.assert_allclose(other, np.asarray(taylor_trajectory(starts, 0.5, 10), np.float64), rtol=0, atol=1e-9)


def test_dop853_gains_from_a_smaller_tolerance():
    (start,) = attractor_starts(1, seed=1)
    truth = taylor_trajectory(start[None], 0.5, 10)[:, 0]
    loose, default = (
        float(abs(dop853_trajectory(start, 0.5, 10, **tolerance) - truth).max())
        for tolerance in ({"rtol": 1e-8, "atol": 1e-8}, {})
    )
    assert default < loose / 1000


def test_dop853_says_when_it_gives_up():
    start = np.array([1e200, 1e200, 1.0])
    assert_refused(DivergedError, lambda: dop853_trajectory(start, 0.1, 2), "DOP853", "1e+200", "step size")


@pytest.mark.parametrize(("method", "expected"), ORDERS.items(), ids=ORDERS)
def test_fixed_step_methods_converge_to_the_reference_at_their_order(method: str, expected: tuple[int, float]):
    starts, steps = attractor_starts(8, seed=2), [1 / 1024, 1 / 2048, 1 / 4096]
    truth = torch.from_numpy(np.asarray(taylor_trajectory(starts, 0.125, 1)[-1], np.float64))
    ends = torch.tensor([0.0, 0.125], dtype=torch.float64)
    if expected[0] == 4:  # smaller steps would show rounding
        steps = [8 * h for h in steps]
    errors = []
    for h in steps:
        options = {"step_size": h}
        path = odeint(lambda t, u: lorenz63(u), torch.from_numpy(starts), ends, method=method, options=options)
        errors.append(float((path[-1] - truth).abs().max()))
    order, tolerance = expected
    assert observed_order(errors, steps) == pytest.approx([order, order], abs=tolerance)


def test_starts_have_the_climate_of_the_attractor(starts: np.ndarray):
    assert starts[:, 2].mean() == pytest.approx(23.56, abs=0.5)
    assert abs(starts[:, :2].mean(0)).max() < 1.0  # both wings alike
    assert np.sqrt(starts.var(0).sum()) == pytest.approx(CLIMATE_STD, rel=0.04)


def test_starts_fill_a_sheet_and_not_a_volume(starts: np.ndarray):
    """The dimension of the attractor is 2.06: the neighbours of a state lie in a plane."""
    assert thickness(starts) < 0.02
    assert thickness(np.random.default_rng(0).standard_normal(starts.shape)) > 0.3


def test_the_same_seed_gives_the_same_starts_and_another_seed_others():
    starts = attractor_starts(5, seed=7)
    np.testing.assert_array_equal(starts, attractor_starts(5, seed=7))
    assert abs(starts - attractor_starts(5, seed=8)).max() > 1
    assert len(np.unique(starts.round(3), axis=0)) == 5


def test_no_starts_are_refused():
    assert_refused(OptionError, lambda: attractor_starts(0, seed=0), "0")
