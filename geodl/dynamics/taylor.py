"""Lorenz-63 trajectories as near to the truth as the platform allows: Taylor series in extended precision."""

import math
from typing import Any

import numpy as np
from jaxtyping import Shaped

from geodl.core.progress import progress
from geodl.errors import OptionError

MANY = 1_000_000  # substeps times starts that take about a second
BETA = np.longdouble(8) / 3  # a float64 8/3 would already be wrong in the 17th digit


def taylor_trajectory(
    start: Shaped[np.ndarray, "batch 3"],
    dt: float,
    steps: int,
    *,
    order: int = 24,
    substep: float = 0.01,
    dtype: type[np.floating[Any]] = np.longdouble,
    sigma: float | np.floating[Any] = 10.0,
    rho: float | np.floating[Any] = 28.0,
    beta: float | np.floating[Any] = BETA,
) -> Shaped[np.ndarray, "time batch 3"]:
    """States at 0, dt, …, steps · dt from each start.

    Args:
        start: x, y and z, dimensionless.
        dt: time between two outputs, dimensionless; taken as the float64 number that it is.
        steps: number of outputs after the start.
        order: degree of the Taylor polynomial of one substep.
        substep: longest substep, dimensionless; dt is divided into equal ones. The radius of convergence is
            0.12 to 0.44 on the attractor.
        dtype: numpy.longdouble has 64 bits of precision on x86. Where a platform has no such type it is float64, and
            the trajectory stays true about 7 Lyapunov times less.
    Raises:
        OptionError: steps below 0, order below 1, or dt or substep not positive.
    Source: recurrences of the power series of Lorenz 1963, J. Atmos. Sci. 20, 130, equations 25 to 27.
    """
    if not (steps >= 0 and order >= 1 and 0 < dt < math.inf and substep > 0):
        raise OptionError(
            f"steps >= 0, order >= 1, a finite dt > 0 and substep > 0 are needed, got steps={steps}, order={order}, "
            f"dt={dt}, substep={substep}"
        )
    count = math.ceil(dt / substep * (1 - 1e-9))  # 0.07 / 0.01 comes out above 7
    h = dtype(dt) / count
    path = np.empty((steps + 1, 3, len(start)), dtype)
    path[0] = start.T
    with progress("integrating", steps, show=steps * count * len(start) > MANY) as advance:
        for k in range(steps):
            state = path[k]
            for _ in range(count):
                state = _advance(state, h, order, (dtype(sigma), dtype(rho), dtype(beta)))
            path[k + 1] = state
            advance(k + 1)
    return path.transpose(0, 2, 1)


def _advance(
    state: Shaped[np.ndarray, "3 batch"], h: np.floating[Any], order: int, parameters: tuple[np.floating[Any], ...]
) -> Shaped[np.ndarray, "3 batch"]:
    """The state after one substep h.

    The terms U_m h^m of the series are summed, not the coefficients U_m: the recurrences are the same, and no power
    of h has to be kept.
    """
    sigma, rho, beta = parameters
    terms = np.empty((order + 1, *state.shape), state.dtype)
    terms[0] = state
    for m in range(order):
        x, y, z = terms[m]
        xy, xz = np.einsum("ib,icb->cb", terms[: m + 1, 0], terms[m::-1, 1:])  # products of two series
        rate = (sigma * (y - x), rho * x - xz - y, xy - beta * z)
        np.multiply(rate, h / (m + 1), out=terms[m + 1])
    return np.asarray(state + terms[1:].sum(0))  # the state comes last: it is rounded once
