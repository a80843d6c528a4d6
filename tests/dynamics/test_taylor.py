"""The Taylor integrator: closed forms, 50 digits, observed order, and what must not change a trajectory."""

from typing import Any

import mpmath
import numpy as np
import pytest
import torch

from geodl.dynamics.lorenz63 import lorenz63
from geodl.dynamics.taylor import BETA, taylor_trajectory
from geodl.errors import OptionError
from geodl.testing import assert_refused, observed_order

STARTS = np.array([[1.0, 2.0, 25.0], [-8.0, 7.5, 30.0], [3.0, -1.0, 12.0]])
EXTENDED = np.finfo(np.longdouble).eps < 2e-19
needs_extended = pytest.mark.skipif(not EXTENDED, reason="numpy.longdouble is not 80-bit here")
TOLERANCE = {np.float64: 2e-15, np.longdouble: 1e-17}  # relative, after a short time
PRECISIONS = [
    pytest.param(np.float64, id="float64"),
    pytest.param(np.longdouble, id="longdouble", marks=needs_extended),
]


def exact(value: np.longdouble) -> mpmath.mpf:
    """All bits of an extended number, in two parts that mpmath reads."""
    return mpmath.mpf(float(value)) + mpmath.mpf(float(value - np.longdouble(float(value))))


def to_50_digits(start: np.ndarray, time: float) -> list[mpmath.mpf]:
    beta = mpmath.mpf(8) / 3

    def rate(_: mpmath.mpf, u: list[mpmath.mpf]) -> list[mpmath.mpf]:
        return [10 * (u[1] - u[0]), u[0] * (28 - u[2]) - u[1], u[0] * u[1] - beta * u[2]]

    return list(mpmath.odefun(rate, 0, [mpmath.mpf(float(v)) for v in start])(mpmath.mpf(time)))


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_agrees_with_an_integration_to_50_digits(dtype: type[np.floating[Any]]):
    reached = taylor_trajectory(STARTS[:1], 0.125, 1, dtype=dtype)[-1, 0]
    assert reached.dtype == dtype
    with mpmath.workdps(50):
        truth = to_50_digits(STARTS[0], 0.125)
        errors = [abs((exact(got) - want) / want) for got, want in zip(reached, truth, strict=True)]
    assert max(errors) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_on_the_z_axis_the_state_decays_exponentially(dtype: type[np.floating[Any]]):
    path = taylor_trajectory(np.array([[0.0, 0.0, 2.0]]), 0.125, 8, dtype=dtype)[:, 0]
    beta = dtype(BETA)
    np.testing.assert_array_equal(path[:, :2], 0)
    np.testing.assert_allclose(path[:, 2], 2 * np.exp(-beta * np.arange(9) / 8), rtol=100 * np.finfo(dtype).eps)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_the_error_falls_with_the_order_of_the_series(order: int):
    truth, substeps = taylor_trajectory(STARTS, 0.5, 1)[-1], [1 / 256, 1 / 512, 1 / 1024]
    errors = [
        float(abs(taylor_trajectory(STARTS, 0.5, 1, order=order, substep=h, dtype=np.float64)[-1] - truth).max())
        for h in substeps
    ]
    assert observed_order(errors, substeps) == pytest.approx([order, order], abs=0.15)


def test_at_order_24_halving_the_substep_changes_only_rounding():
    fine = taylor_trajectory(STARTS, 1.0, 1, substep=0.005)[-1]
    np.testing.assert_allclose(taylor_trajectory(STARTS, 1.0, 1)[-1], fine, rtol=2000 * np.finfo(np.longdouble).eps)


def test_asking_for_more_output_does_not_move_the_trajectory():
    coarse = taylor_trajectory(STARTS, 0.02, 20, dtype=np.float64)
    np.testing.assert_array_equal(taylor_trajectory(STARTS, 0.01, 40, dtype=np.float64)[::2], coarse)


def test_a_substep_that_divides_dt_is_taken_as_it_is():
    seven = taylor_trajectory(STARTS, 0.07, 1, order=2, dtype=np.float64)  # 0.07 / 0.01 comes out above 7
    np.testing.assert_array_equal(taylor_trajectory(STARTS, 0.07, 1, order=2, substep=0.0101, dtype=np.float64), seven)
    other = taylor_trajectory(STARTS, 0.07, 1, order=2, substep=0.0099, dtype=np.float64)
    assert abs(other - seven).max() > 1e-6


def test_a_start_does_not_feel_the_others_in_its_batch():
    together = taylor_trajectory(STARTS, 0.1, 5)
    for i in range(len(STARTS)):
        alone = taylor_trajectory(STARTS[i : i + 1], 0.1, 5)[:, 0]
        np.testing.assert_allclose(together[:, i], alone, rtol=1000 * np.finfo(np.longdouble).eps)


def test_turning_the_start_about_the_z_axis_turns_the_trajectory():
    turn = np.array([-1.0, -1.0, 1.0])
    np.testing.assert_array_equal(taylor_trajectory(STARTS * turn, 0.1, 5), taylor_trajectory(STARTS, 0.1, 5) * turn)


def test_volumes_of_phase_space_shrink_at_the_rate_of_the_divergence():
    offsets, time = 1e-5 * np.eye(3), 0.5
    corners = np.concatenate([STARTS[0] + offsets, STARTS[0] - offsets])
    reached = taylor_trajectory(corners, time, 1, dtype=np.float64)[-1]
    volume = np.linalg.det((reached[:3] - reached[3:]) / 2e-5)
    assert volume == pytest.approx(np.exp(-(10 + 1 + 8 / 3) * time), rel=1e-5)


def test_the_first_order_is_one_step_along_the_rate():
    given = {"sigma": 7.0, "rho": 11.0, "beta": 13.0}
    end = taylor_trajectory(STARTS, 0.01, 1, order=1, dtype=np.float64, **given)[-1]
    rate = lorenz63(torch.from_numpy(STARTS), **given).numpy()
    np.testing.assert_allclose(end, STARTS + 0.01 * rate, rtol=1e-14)


def test_below_the_onset_of_convection_everything_comes_to_rest():
    end = taylor_trajectory(STARTS, 40.0, 1, substep=0.02, dtype=np.float64, rho=0.5)[-1]
    assert abs(end).max() < 1e-6


@pytest.mark.parametrize("wrong", [{"dt": 0.0}, {"dt": -1.0}, {"dt": float("nan")}, {"steps": -1}, {"order": 0}])
def test_steps_that_lead_nowhere_are_refused(wrong: dict[str, Any]):
    arguments = {"dt": 0.01, "steps": 1, **wrong}
    (name, value), *_ = wrong.items()
    assert_refused(OptionError, lambda: taylor_trajectory(STARTS, **arguments), f"{name}={value}")
