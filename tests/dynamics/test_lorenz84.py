"""Lorenz-84: balance of energy, divergence, rotational symmetry without land, and its steady states."""

import numpy as np
import pytest
import torch
from torch import Tensor

from geodl.dynamics.chaos.lyapunov import lyapunov_spectrum
from geodl.dynamics.lorenz84 import CLIMATE_STD, LYAPUNOV_EXPONENT, lorenz84
from geodl.dynamics.ode.solve import odeint

A, B, F, G = 0.25, 4.0, 8.0, 1.0


def states(count: int = 50) -> Tensor:
    return 2 * torch.randn(count, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_the_rate_is_known_at_a_point_with_every_parameter_changed():
    rate = lorenz84(torch.tensor([[2.0, 3.0, 5.0]]), 7.0, 11.0, 13.0, 17.0)
    torch.testing.assert_close(
        rate, torch.tensor([[-34.0 - 14 + 91, 6.0 - 110 - 3 + 17, 66.0 + 10 - 5]]), rtol=0, atol=0
    )


def test_energy_changes_by_damping_and_forcing_alone():
    u = states()
    x, y, z = u.unbind(-1)
    balance = -A * x**2 - y**2 - z**2 + A * F * x + G * y
    torch.testing.assert_close((u * lorenz84(u)).sum(-1), balance, rtol=0, atol=1e-12)


def test_the_divergence_is_2x_minus_2_minus_a():
    jacobian = torch.func.vmap(torch.func.jacrev(lorenz84))(states())
    torch.testing.assert_close(jacobian.diagonal(dim1=-2, dim2=-1).sum(-1), 2 * states()[:, 0] - 2 - A)


def test_without_land_turning_the_phase_of_the_wave_commutes_with_the_rate():
    angle = torch.tensor(0.7, dtype=torch.float64)
    turn = torch.eye(3, dtype=torch.float64)
    turn[1:, 1:] = torch.stack((angle.cos(), -angle.sin(), angle.sin(), angle.cos())).reshape(2, 2)
    u = states()
    torch.testing.assert_close(
        lorenz84(u @ turn.mT, contrast=0.0), lorenz84(u, contrast=0.0) @ turn.mT, atol=1e-13, rtol=0
    )
    assert (lorenz84(u @ turn.mT) - lorenz84(u) @ turn.mT).abs().max() > 0.1


def test_without_land_the_hadley_circulation_is_steady():
    hadley = torch.tensor([F, 0.0, 0.0], dtype=torch.float64)
    assert lorenz84(hadley, contrast=0.0).abs().max() == 0


def test_steady_states_solve_the_cubic_of_the_current():
    """With y and z eliminated, a (F − x) ((1 − x)² + b² x²) = G²."""
    wave = np.polynomial.Polynomial([1, -2, 1 + B**2])
    roots = (A * np.polynomial.Polynomial([F, -1]) * wave - G**2).roots()
    steady = roots[abs(roots.imag) < 1e-9].real
    assert len(steady) >= 1
    for x in steady:
        y, z = (1 - x) * G / wave(x), B * x * G / wave(x)
        assert lorenz84(torch.tensor([x, y, z], dtype=torch.float64)).abs().max() < 1e-12


def test_the_climate_and_its_leading_exponent_are_as_stated():
    """With the mean divergence, 2 <x> − 2 − a, as the sum of the exponents."""
    h = torch.tensor([0.0, 0.05], dtype=torch.float64)

    def step(u: Tensor) -> Tensor:
        return odeint(lambda t, v: lorenz84(v), u, h, method="rk4")[-1]

    start = torch.cat([states(), states().flip(0)]) / 2
    path = odeint(lambda t, v: lorenz84(v), start, 0.05 * torch.arange(1601, dtype=torch.float64), method="rk4")[600:]
    settled = path.flatten(0, 1)
    assert float(settled.var(0).sum().sqrt()) == pytest.approx(CLIMATE_STD, rel=0.02)
    spectrum = lyapunov_spectrum(step, path[-1], 0.05, steps=600, warm_up=200)
    assert spectrum.exponents[0] == pytest.approx(LYAPUNOV_EXPONENT, abs=0.03)
    assert spectrum.sum == pytest.approx(2 * float(settled[:, 0].mean()) - 2 - A, abs=0.02)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_rate_keeps_the_dtype(dtype: torch.dtype):
    assert lorenz84(torch.zeros(4, 2, 3, dtype=dtype)).dtype == dtype
