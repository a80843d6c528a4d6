"""Lyapunov exponents: exact for linear maps, published for the Lorenz systems, refused where they mean nothing."""

import math

import numpy as np
import pytest
import torch

from geodl.dynamics.chaos.lyapunov import LyapunovSpectrum, kaplan_yorke_dimension, lyapunov_spectrum, orbit
from geodl.dynamics.lorenz63 import LYAPUNOV_EXPONENT, lorenz63
from geodl.dynamics.lorenz96 import lorenz96
from geodl.dynamics.ode.solve import odeint
from geodl.dynamics.reference import attractor_starts
from geodl.errors import DivergedError, OptionError
from geodl.testing import assert_refused


def rk4(rate, h):
    def step(y):
        a = rate(y)
        b = rate(y + h / 2 * a)
        c = rate(y + h / 2 * b)
        return y + h / 6 * (a + 2 * b + 2 * c + rate(y + h * c))

    return step


def starts(count=16):
    return torch.from_numpy(attractor_starts(count, seed=1))


def random(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)], ids=str)
def test_the_exponents_of_a_linear_map_are_the_logarithms_of_its_eigenvalues(dtype, tolerance):
    basis = torch.linalg.qr(random(3, 3))[0]
    factors = torch.tensor([1.5, 1.0, 0.25], dtype=torch.float64)
    matrix = (basis @ torch.diag(factors) @ basis.mT).to(dtype)
    found = lyapunov_spectrum(lambda y: y @ matrix.mT, torch.zeros(2, 3, dtype=dtype), 0.5, steps=200, warm_up=200)
    np.testing.assert_allclose(found.exponents, np.log(factors.numpy()) / 0.5, rtol=0, atol=10 * tolerance)
    np.testing.assert_allclose(found.standard_error, 0, atol=10 * tolerance)


def test_the_henon_map_has_its_published_exponents():
    def henon(state):
        x, y = state.unbind(-1)
        return torch.stack([1 - 1.4 * x**2 + y, 0.3 * x], -1)

    found = lyapunov_spectrum(henon, 0.1 * random(64, 2), 1.0, steps=2000, warm_up=200)
    assert found.exponents[0] == pytest.approx(0.4192, abs=5 * found.standard_error[0] + 1e-3)
    assert found.sum == pytest.approx(math.log(0.3), abs=1e-12)  # the determinant is −0.3 everywhere
    assert found.kaplan_yorke == pytest.approx(1.258, abs=5e-3)


@pytest.fixture(scope="module")
def lorenz() -> LyapunovSpectrum:
    return lyapunov_spectrum(rk4(lorenz63, 0.01), starts(64), 0.01, steps=4000, warm_up=1000)


def test_lorenz_63_has_its_published_spectrum(lorenz: LyapunovSpectrum):
    gap = np.abs(lorenz.exponents - [LYAPUNOV_EXPONENT, 0, -14.5723])
    assert (gap < 4 * lorenz.standard_error + 2e-3).all()  # classic RK4 at 0.01 is off by up to 2e-3
    assert (lorenz.standard_error < 7e-3).all()
    assert lorenz.kaplan_yorke == pytest.approx(2.062, abs=2e-3)


def test_the_spectrum_of_lorenz_63_sums_to_the_divergence(lorenz: LyapunovSpectrum):
    assert lorenz.sum == pytest.approx(-(10 + 1 + 8 / 3), abs=2e-4)


def test_the_sum_nears_the_divergence_with_the_order_of_the_scheme():
    gaps = [
        abs(lyapunov_spectrum(rk4(lorenz63, h), starts(), h, steps=round(10 / h)).sum + 41 / 3) for h in (0.02, 0.01)
    ]
    assert math.log2(gaps[0] / gaps[1]) == pytest.approx(4, abs=0.3)


def test_mirrored_states_have_the_same_exponents():
    mirror = torch.tensor([-1.0, -1.0, 1.0], dtype=torch.float64)
    one, other = (  # after 15 units the tangents have forgotten where they began
        lyapunov_spectrum(rk4(lorenz63, 0.01), start, 0.01, steps=100, warm_up=1500).exponents
        for start in (starts(), mirror * starts())
    )
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-3)


def test_fewer_exponents_are_the_first_ones():
    step = rk4(lorenz63, 0.01)
    whole, part = (lyapunov_spectrum(step, starts(), 0.01, steps=200, warm_up=100, exponents=k) for k in (3, 2))
    np.testing.assert_allclose(part.exponents, whole.exponents[:2], rtol=0, atol=1e-10)
    assert math.isnan(part.kaplan_yorke)  # the sum of both is above zero: the dimension takes the third
    assert part.running.shape == (20, 2)
    np.testing.assert_allclose(part.times[[0, -1]], [0.1, 2.0], rtol=1e-12)


def test_the_interval_between_orthonormalisations_does_not_matter():
    step = rk4(lorenz63, 0.01)
    found = [lyapunov_spectrum(step, starts(), 0.01, steps=400, warm_up=400, every=k).exponents for k in (1, 5, 20)]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-6)


def test_a_run_of_a_few_steps_is_one_interval():
    found = lyapunov_spectrum(rk4(lorenz63, 0.01), starts(1), 0.01, steps=3)
    np.testing.assert_allclose(found.times, [0.03])
    assert np.isnan(found.standard_error).all()


def test_a_long_run_in_chunks_equals_a_run_in_one(monkeypatch):
    step = rk4(lorenz63, 0.01)
    whole = lyapunov_spectrum(step, starts(4), 0.01, steps=300)
    monkeypatch.setattr("geodl.dynamics.chaos.lyapunov._ENTRIES", 4 * 9 * 10 * 7)
    np.testing.assert_allclose(lyapunov_spectrum(step, starts(4), 0.01, steps=300).running, whole.running, atol=1e-9)


def test_float32_gives_the_same_exponents_within_its_scatter():
    found = lyapunov_spectrum(rk4(lorenz63, 0.01), starts().float(), 0.01, steps=1000, warm_up=500)
    np.testing.assert_allclose(found.exponents, [LYAPUNOV_EXPONENT, 0, -14.5723], atol=0.08)


@pytest.mark.parametrize("adjoint", ["discrete", "autograd"])
def test_the_steps_of_odeint_have_exponents(adjoint):
    times = torch.tensor([0.0, 0.01], dtype=torch.float64)

    def step(y):
        return odeint(lambda t, u: lorenz63(u), y, times, method="rk4", adjoint=adjoint)[-1]

    found, expected = (lyapunov_spectrum(one, starts(4), 0.01, steps=50) for one in (step, rk4(lorenz63, 0.01)))
    np.testing.assert_allclose(found.exponents, expected.exponents, atol=1e-9)


@pytest.mark.slow
def test_lorenz_96_has_its_published_spectrum():
    found = lyapunov_spectrum(rk4(lorenz96, 0.02), 2.36 + random(16, 40), 0.02, steps=3000, warm_up=1000)
    assert found.exponents[0] == pytest.approx(1.69, abs=0.03)
    assert (found.exponents > 0.02).sum() == 13
    assert found.kaplan_yorke == pytest.approx(27.2, abs=0.2)
    assert found.sum == pytest.approx(-40, abs=1e-3)


@pytest.mark.parametrize(
    ("exponents", "dimension"),
    [
        ([0.9056, 0, -14.5723], 2 + 0.9056 / 14.5723),
        ([-14.5723, 0.9056, 0], 2 + 0.9056 / 14.5723),
        ([-1.0, -2.0], 0),
        ([0.0, -1.0], 1),
        ([1.0, 0.5], 2),
        ([1.0, -0.5, -0.25, -4.0], 3 + 0.25 / 4),
    ],
    ids=str,
)
def test_the_dimension_counts_exponents_until_volumes_shrink(exponents: list, dimension: float):
    assert kaplan_yorke_dimension(np.array(exponents)) == pytest.approx(dimension, rel=1e-14)


def test_an_orbit_is_its_step_repeated():
    path = orbit(lambda y: 2 * y + 1, torch.zeros(2, 1), 4)
    assert path[:, 1, 0].tolist() == [0, 1, 3, 7, 15]


@pytest.mark.parametrize(
    "wrong",
    [{"dt": 0.0}, {"dt": -0.1}, {"dt": math.nan}, {"steps": 0}, {"steps": 4, "every": 5}, {"every": 0},
     {"warm_up": -1}, {"exponents": 0}, {"exponents": 4}],
    ids=str,
)  # fmt: skip
def test_numbers_out_of_range_are_refused(wrong: dict):
    numbers = {"dt": 0.1, "steps": 10, **wrong}
    key, value = next(reversed(wrong.items()))
    assert_refused(
        OptionError,
        lambda: lyapunov_spectrum(rk4(lorenz63, 0.01), starts(2), numbers.pop("dt"), **numbers),
        f"{key}={value}",
    )


def test_tangents_that_became_parallel_are_refused():
    step = rk4(lorenz63, 0.01)
    assert_refused(
        OptionError, lambda: lyapunov_spectrum(step, starts(2), 0.01, steps=600, every=300), "parallel", "300"
    )


def test_a_diverging_state_is_refused():
    assert_refused(DivergedError, lambda: lyapunov_spectrum(lambda y: y**3, starts(2), 0.1, steps=99), "finite")
