"""The Lorenz-96 systems for torch: waves on a ring, alone or with small fast ones between them."""

from jaxtyping import Float
from torch import Tensor

from geodl.errors import SchemaError

# K = 40, F = 8, measured over 950 time units with RK4 at h = 0.02.
LYAPUNOV_EXPONENT = 1.69  # leading one of 13 that are positive, per unit of time
LYAPUNOV_TIME = 1 / LYAPUNOV_EXPONENT
CLIMATE_MEAN, CLIMATE_STD = 2.36, 3.65  # of one component; mean² + std² = F mean by the balance of energy
# K, J and F of the two-scale system as Wilks 2005 and Arnold et al. 2013 use it.
SITES, FAST_PER_SITE, FORCING = 8, 32, 20.0


def lorenz96(state: Float[Tensor, "*batch site"], forcing: float | Tensor = 8.0) -> Float[Tensor, "*batch site"]:
    """Rate of change of the state; sites form a ring.

    Args:
        state: x_k, dimensionless.
        forcing: F, dimensionless; chaotic from about 5 on.
    Returns:
        dx_k/dt = (x_{k+1} − x_{k−2}) x_{k−1} − x_k + F, per dimensionless unit of time, about five days.
    Source: Lorenz 1996, Predictability: a problem partly solved, ECMWF seminar on predictability 1, equation 1.
    """
    ahead, before, two_before = state.roll(-1, -1), state.roll(1, -1), state.roll(2, -1)
    return (ahead - two_before) * before - state + forcing


def two_scale_lorenz96(
    slow: Float[Tensor, "*batch site"],
    fast: Float[Tensor, "*batch fast"],
    *,
    coupling: float | Tensor = 1.0,
    amplitude: float | Tensor = 10.0,
    speed: float | Tensor = 10.0,
    forcing: float | Tensor = FORCING,
) -> tuple[Float[Tensor, "*batch site"], Float[Tensor, "*batch fast"]]:
    """Rates of change of the slow and of the fast state.

    Args:
        slow: X_k, dimensionless.
        fast: Y_{j,k}, dimensionless: all of site 1, then all of site 2, one ring around the slow one.
        coupling: h.
        amplitude: b, of the slow over that of the fast state.
        speed: c, of the fast over that of the slow state; 10 is easy to close, 4 is hard.
        forcing: F.
    Returns:
        dX/dt and dY/dt, per dimensionless unit of time.
    Raises:
        SchemaError: the number of fast components is not a multiple of the number of sites.
    Source: Lorenz 1996, ECMWF seminar on predictability 1, equations 2 and 3; constants as in Wilks 2005,
        Q. J. R. Meteorol. Soc. 131, 389, and Arnold, Moroz & Palmer 2013, Phil. Trans. R. Soc. A 371, 20110479.
    """
    sites, strength = slow.shape[-1], coupling * speed / amplitude
    if fast.shape[-1] % sites:
        raise SchemaError(
            f"{fast.shape[-1]} fast components for {sites} sites, expected a multiple, such as {4 * sites}"
        )
    per_site = fast.shape[-1] // sites
    felt = fast.unflatten(-1, (sites, per_site)).sum(-1)
    advection = fast.roll(-1, -1) * (fast.roll(1, -1) - fast.roll(-2, -1))
    fast_rate = speed * (amplitude * advection - fast) + strength * slow.repeat_interleave(per_site, -1)
    return lorenz96(slow, forcing) - strength * felt, fast_rate
