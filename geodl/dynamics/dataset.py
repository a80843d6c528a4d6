"""Lorenz-63 trajectories as a Dataset that says what it holds."""

import math

import numpy as np
import xarray as xr
from jaxtyping import Float

from geodl.dynamics.reference import attractor_starts
from geodl.dynamics.taylor import taylor_trajectory
from geodl.errors import OptionError

_ABOUT = {
    "x": "intensity of the convective motion",
    "y": "temperature difference between ascending and descending currents",
    "z": "distortion of the vertical temperature profile from linearity",
}


def lorenz63_dataset(trajectories: int, points: int, dt: float, *, seed: int, noise: float = 0.0) -> xr.Dataset:
    """Independent trajectories on the Lorenz-63 attractor, with sigma = 10, rho = 28, beta = 8/3.

    Args:
        trajectories: number of trajectories, each from a start of its own.
        points: number of points of each trajectory, the start included.
        dt: time between two points, dimensionless.
        seed: of the starts and of the noise.
        noise: standard deviation of the normal noise added to every value, dimensionless.
    Returns:
        x, y and z along trajectory and time, all dimensionless.
    Raises:
        OptionError: fewer than 1 trajectory or 2 points, dt not positive, or negative noise.
    Source: Lorenz 1963, J. Atmos. Sci. 20, 130.
    """
    if not (trajectories >= 1 and points >= 2 and 0 < dt < math.inf and 0 <= noise < math.inf):
        raise OptionError(
            f"trajectories >= 1, points >= 2, dt > 0 and noise >= 0 are needed, got trajectories={trajectories}, "
            f"points={points}, dt={dt}, noise={noise}"
        )
    path = taylor_trajectory(attractor_starts(trajectories, seed), dt, points - 1, dtype=np.float64)
    path = path + _noise(path.shape, seed, noise)
    arguments = f"trajectories={trajectories}, points={points}, dt={dt}, seed={seed}, noise={noise}"
    return xr.Dataset(
        {
            name: (("trajectory", "time"), path[..., i].T, {"units": "1", "long_name": _ABOUT[name]})
            for i, name in enumerate("xyz")
        },
        coords=_coordinates(trajectories, points, dt),
        attrs=_attributes(arguments, noise),
    )


def _noise(shape: tuple[int, ...], seed: int, std: float) -> Float[np.ndarray, "..."]:
    """Normal deviates from a stream of their own: the same seed alone would repeat the deviates of the starts."""
    return std * np.random.default_rng([seed, 1]).standard_normal(shape)


def _coordinates(trajectories: int, points: int, dt: float) -> dict[str, xr.Variable]:
    time = {"units": "1", "long_name": "time since the start of the trajectory"}
    return {
        "trajectory": xr.Variable("trajectory", np.arange(trajectories), {"long_name": "number of the trajectory"}),
        "time": xr.Variable("time", dt * np.arange(points), time),
    }


def _attributes(arguments: str, noise: float) -> dict[str, str | float]:
    added = f"with normal noise of standard deviation {noise} on every value" if noise else "without noise"
    return {
        "Conventions": "CF-1.11",
        "title": f"Lorenz-63 trajectories on the attractor, {added}",
        "source": f"Taylor series of order 24 in float64: geodl.dynamics.dataset.lorenz63_dataset({arguments})",
        "references": "Lorenz 1963, Deterministic nonperiodic flow, J. Atmos. Sci. 20, 130-141, "
        "doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2",
        "licence": "CC0-1.0",
        "sigma": 10.0,
        "rho": 28.0,
        "beta": 8 / 3,
        "noise_std": float(noise),
    }
