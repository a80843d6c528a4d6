"""Coefficients of Runge-Kutta schemes."""

import numpy as np
import pytest

from geodl.dynamics.ode.tableau import TABLEAUS, Tableau, compose
from geodl.errors import OptionError
from geodl.testing import assert_refused


def arrays(tableau: Tableau) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a = np.zeros((tableau.stages, tableau.stages))
    for i, row in enumerate(tableau.a):
        a[i, :i] = row
    return a, np.array(tableau.b), np.array(tableau.c)


def residuals(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> list[tuple[int, float]]:
    """Order and residual of the conditions up to order 4, and of the quadrature conditions beyond."""
    found = [(1, b.sum() - 1), (2, b @ c - 1 / 2), (3, b @ c**2 - 1 / 3), (3, b @ a @ c - 1 / 6)]
    found += [
        (4, b @ c**3 - 1 / 4),
        (4, (b * c) @ a @ c - 1 / 8),
        (4, b @ a @ c**2 - 1 / 12),
        (4, b @ a @ a @ c - 1 / 24),
    ]
    return found + [(p, b @ c ** (p - 1) - 1 / p) for p in range(5, 9)]


@pytest.mark.parametrize("name", TABLEAUS)
def test_every_scheme_meets_the_conditions_of_its_order(name):
    tableau = TABLEAUS[name]
    for order, residual in residuals(*arrays(tableau)):
        if order <= tableau.order:
            assert abs(residual) < 2e-14, f"condition of order {order}"


@pytest.mark.parametrize("name", [name for name, tableau in TABLEAUS.items() if tableau.adaptive])
def test_the_embedded_scheme_has_the_order_that_it_states(name):
    """The error weights are the difference of two schemes: they integrate polynomials of the lower order to nothing."""
    tableau = TABLEAUS[name]
    error, nodes = np.array(tableau.error), np.array([*tableau.c, 1.0][: len(tableau.error)])
    for power in range(tableau.error_order):
        assert abs(error @ nodes**power) < 1e-14
    assert abs(error @ nodes**tableau.error_order) > 1e-6


def test_nodes_are_the_sums_of_their_rows():
    for tableau in TABLEAUS.values():
        np.testing.assert_allclose([sum(row) for row in tableau.a], tableau.c, atol=1e-14)


def test_two_steps_of_rk4_are_one_step_of_the_composed_tableau():
    a, b, c = arrays(compose(TABLEAUS["rk4"], 2))
    y, whole, half = 1.3, [], 1.3
    for i in range(8):
        whole.append(np.sin(y + 0.7 * a[i] @ np.array([*whole, *[0] * (8 - i)])))
    for _ in range(2):
        k = []
        for row in TABLEAUS["rk4"].a:
            k.append(np.sin(half + 0.35 * np.dot(row, k)))
        half += 0.35 * np.dot(TABLEAUS["rk4"].b, k)
    assert y + 0.7 * b @ whole == pytest.approx(half, abs=1e-15)
    np.testing.assert_allclose(c, [0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1])


def test_a_tableau_that_is_not_explicit_is_refused():
    assert_refused(OptionError, lambda: Tableau(((0.5,),), (1.0,), (0.5,), 1), "rows of 0, 1")
    assert_refused(OptionError, lambda: compose(TABLEAUS["rk4"], 0), "at least 1")
