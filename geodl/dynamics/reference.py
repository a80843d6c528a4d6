"""Reference trajectories of Lorenz-63 by a second, independent method, and starts on its attractor."""

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.integrate import solve_ivp

from geodl.dynamics.taylor import taylor_trajectory
from geodl.errors import DivergedError, OptionError


def _rate(time: float, state: Float[np.ndarray, "3"]) -> Any:
    x, y, z = state
    return 10.0 * (y - x), x * (28.0 - z) - y, x * y - 8 / 3 * z


def dop853_trajectory(
    start: Float[np.ndarray, "3"], dt: float, steps: int, *, rtol: float = 1e-12, atol: float = 1e-12
) -> Float[np.ndarray, "time 3"]:
    """States at 0, dt, …, steps · dt, dimensionless, by the Runge-Kutta method of order 8(5,3) with adaptive steps.

    Raises:
        DivergedError: the solver gave up; its reason is in the message.
    Source: Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I, section II.5.
    """
    times = dt * np.arange(steps + 1)
    with np.errstate(over="ignore", invalid="ignore"):  # a state beyond all numbers is reported below
        solution = solve_ivp(_rate, (0.0, times[-1]), start, "DOP853", t_eval=times, rtol=rtol, atol=atol)
    if not solution.success:
        raise DivergedError(f"DOP853 stopped before t = {times[-1]:g} from {start.tolist()}: {solution.message}")
    return np.asarray(solution.y.T)


def attractor_starts(count: int, seed: int, spin_up: float = 20.0) -> Float[np.ndarray, "start 3"]:
    """Independent states on the attractor, dimensionless; the same seed gives the same states.

    Normal deviates around (1, 1, 25) are integrated over ``spin_up`` units of time, while whatever lies off the
    attractor decays as exp(-14.57 t), and then over up to 10 units more, drawn for each state: the system goes round
    so regularly that after 20 units the mean of z over all states still swings by 1.6 about the climate's 23.56.

    Raises:
        OptionError: count below 1 or spin_up not positive.
    """
    if count < 1:
        raise OptionError(f"count is {count}, expected at least 1")
    random = np.random.default_rng(seed)
    thrown = random.standard_normal((count, 3)) + np.array([1.0, 1.0, 25.0])
    settled = taylor_trajectory(thrown, spin_up, 1, substep=0.02, dtype=np.float64)[-1]
    path = taylor_trajectory(settled, 0.1, 100, substep=0.02, dtype=np.float64)
    return np.asarray(path[random.integers(len(path), size=count), np.arange(count)])
