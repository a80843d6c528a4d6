"""Truth of the two-scale Lorenz-96 system: long runs, of which only the slow sites are kept, and what these feel."""

import math

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor, nn

from geodl.core.progress import progress
from geodl.dynamics.lorenz96 import FAST_PER_SITE, FORCING, SITES, lorenz96, two_scale_lorenz96
from geodl.dynamics.ode.solve import odeint
from geodl.errors import OptionError

STEP = 0.001  # largest step of the truth, which has to follow the fast waves
_CHUNK = 100  # outputs between two looks at the progress bar; the fast states of more would only fill the memory


class TwoScaleField(nn.Module):
    """The two-scale system as a field of one state: slow sites first, then the fast ring.

    Args:
        speed: c.
        sites: K.
    """

    def __init__(self, speed: float, sites: int = SITES):
        super().__init__()
        self.speed, self.sites = speed, sites

    def forward(self, t: Tensor, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        del t
        slow, fast = state[..., : self.sites], state[..., self.sites :]
        return torch.cat(two_scale_lorenz96(slow, fast, speed=self.speed), -1)


@torch.no_grad()
def slow_path(
    members: int, points: int, dt: float, *, speed: float, seed: int, spin_up: float = 5.0
) -> Float[Tensor, "time member site"]:
    """X of independent runs at 0, dt, 2 dt, …, after a spin-up, by RK4 in float64.

    Args:
        dt: time between two outputs, dimensionless.
        speed: c, of the fast over that of the slow state.
        spin_up: time before the first output, in which the fast waves grow and the starts are forgotten.
    Raises:
        OptionError: fewer than 1 member or 2 points, or dt, speed or spin-up not positive.
    """
    if not (members >= 1 and points >= 2 and all(0 < number < math.inf for number in (dt, speed, spin_up))):
        raise OptionError(
            f"members >= 1, points >= 2, dt > 0, speed > 0 and spin_up > 0 are needed, got members={members}, "
            f"points={points}, dt={dt}, speed={speed}, spin_up={spin_up}"
        )
    field, state, path = TwoScaleField(speed), _thrown(members, seed), list[Tensor]()
    before = math.ceil(spin_up / dt)
    total = before + points
    with progress(f"two-scale Lorenz-96, c = {speed:g}", total) as advance:
        for done in range(0, total, _CHUNK):
            times = dt * torch.arange(min(_CHUNK, total - done) + 1, dtype=state.dtype)
            states = odeint(field, state, times, method="rk4", substeps=math.ceil(round(dt / STEP, 6)))
            path.append(states[:-1, :, :SITES].clone())
            state = states[-1]
            advance(done)
    return torch.cat(path)[before:]


def _thrown(members: int, seed: int) -> Float[Tensor, "member n"]:
    """Normal deviates about as large as the climate: fast waves ten times smaller than slow ones."""
    size = torch.cat([torch.full((SITES,), 5.0), torch.full((SITES * FAST_PER_SITE,), 0.5)])
    generator = torch.Generator().manual_seed(seed)
    return size.double() * torch.randn(members, len(size), dtype=torch.float64, generator=generator)


def subgrid_tendency(
    path: Float[Tensor, "time *batch site"], dt: float, forcing: float = FORCING
) -> Float[Tensor, "before *batch site"]:
    """What moves the slow sites besides their own equations, at every point of a path but the last.

    U_k = (X_k(t+dt) − X_k(t)) / dt + X_{k−1} (X_{k−2} − X_{k+1}) + X_k − F, per unit of time.

    Source: Wilks 2005, Q. J. R. Meteorol. Soc. 131, 389.
    """
    return (path[1:] - path[:-1]) / dt - lorenz96(path[:-1], forcing)


def two_scale_dataset(
    members: int, points: int, dt: float = 0.005, *, seed: int, speed: float = 10.0, spin_up: float = 5.0
) -> xr.Dataset:
    """Independent runs of the two-scale system with K = 8, J = 32, h = 1, b = 10, F = 20.

    Args:
        members: number of runs, each from a start of its own.
        points: number of points of each run.
        dt: time between two points, dimensionless.
        seed: of the starts.
        speed: c; 10 is easy to close, 4 is hard.
        spin_up: time before the first point, dimensionless.
    Returns:
        X and its subgrid tendency along member, time and site, dimensionless.
    Raises:
        OptionError: fewer than 1 member or 2 points, or dt, speed or spin-up not positive.
    Source: Lorenz 1996, ECMWF seminar on predictability 1; Arnold, Moroz & Palmer 2013, Phil. Trans. R. Soc. A 371,
        20110479.
    """
    path = slow_path(members, points + 1, dt, speed=speed, seed=seed, spin_up=spin_up)
    tendency = subgrid_tendency(path, dt)
    arguments = f"members={members}, points={points}, dt={dt}, seed={seed}, speed={speed}, spin_up={spin_up}"
    about = {"X": "slow variable of the site", "tendency": "tendency of X from the fast variables of the site"}
    values = {"X": path[:-1], "tendency": tendency}
    return xr.Dataset(
        {
            name: (("member", "time", "site"), value.transpose(0, 1).numpy(), {"units": "1", "long_name": about[name]})
            for name, value in values.items()
        },
        coords=_coordinates(members, points, dt),
        attrs=_attributes(arguments, speed),
    )


def _coordinates(members: int, points: int, dt: float) -> dict[str, xr.Variable]:
    time = {"units": "1", "long_name": "time since the end of the spin-up"}
    return {
        "member": xr.Variable("member", np.arange(members), {"long_name": "number of the run"}),
        "time": xr.Variable("time", dt * np.arange(points), time),
        "site": xr.Variable("site", np.arange(1, SITES + 1), {"long_name": "place on the ring"}),
    }


def _attributes(arguments: str, speed: float) -> dict[str, str | float]:
    return {
        "Conventions": "CF-1.11",
        "title": f"slow variables of the two-scale Lorenz-96 system, c = {speed:g}",
        "source": f"RK4 in float64, steps of at most {STEP}: "
        f"geodl.dynamics.closure.two_scale.two_scale_dataset({arguments})",
        "references": "Lorenz 1996, Predictability: a problem partly solved, ECMWF seminar on predictability 1; "
        "Wilks 2005, Q. J. R. Meteorol. Soc. 131, 389, doi:10.1256/qj.04.03",
        "licence": "CC0-1.0",
        "coupling": 1.0,
        "amplitude": 10.0,
        "speed": speed,
        "forcing": FORCING,
        "fast_per_site": FAST_PER_SITE,
    }
