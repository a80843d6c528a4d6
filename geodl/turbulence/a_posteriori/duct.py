"""Streamwise velocity of a fully developed rectangular duct, in finite volumes over a quarter of its section."""

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy import sparse
from scipy.sparse.linalg import splu

from geodl.errors import OptionError
from geodl.turbulence.a_posteriori.grid import DuctGrid, along_y, along_z
from geodl.turbulence.a_posteriori.secondary import SecondaryFlow, secondary_flow
from geodl.turbulence.datasets.layout import AXES


def duct_velocity(
    grid: DuctGrid,
    nu: float,
    bulk_velocity: float,
    *,
    eddy_viscosity: Float[np.ndarray, "z y"] | None = None,
    remainder: Float[np.ndarray, "z y 3 3"] | None = None,
    secondary: SecondaryFlow | None = None,
) -> tuple[Float[np.ndarray, "z y"], float]:
    """U in m s-1 with the bulk velocity asked for, and the pressure gradient G = -dP/dx in m s-2 that it takes.

    Solves  div(U u) = G + div((nu + nu_t) grad U) - div R  with U = 0 at walls; one sparse factorisation, two solves.

    Args:
        nu: kinematic viscosity, m2 s-1.
        eddy_viscosity: nu_t in m2 s-1, none by default.
        remainder: explicit R in m2 s-2, none by default; xy and xz act, zero on walls and, being odd, on symmetries.
        secondary: v and w, none by default.
    Raises:
        OptionError: nu + nu_t is not positive.
    """
    eddy_viscosity = np.zeros(grid.shape) if eddy_viscosity is None else eddy_viscosity
    if not nu + eddy_viscosity.min() > 0:
        raise OptionError(
            f"nu + eddy_viscosity goes down to {nu + eddy_viscosity.min():g} m2 s-1, expected more than zero. "
            "Clip the eddy viscosity with np.maximum(eddy_viscosity, 0)."
        )
    matrix = _transport(grid, nu, eddy_viscosity, secondary or SecondaryFlow.none(grid))
    solve = splu(matrix.tocsc()).solve
    unit = solve(np.ones(matrix.shape[0])).reshape(grid.shape)
    rest = np.zeros(grid.shape) if remainder is None else solve(-_divergence(grid, remainder)).reshape(grid.shape)
    gradient = (bulk_velocity - grid.average(rest)) / grid.average(unit)
    return rest + gradient * unit, gradient


def duct_flow(
    grid: DuctGrid,
    nu: float,
    bulk_velocity: float,
    *,
    remainder: Float[np.ndarray, "z y 3 3"],
    eddy_viscosity: Float[np.ndarray, "z y"] | None = None,
) -> xr.Dataset:
    """All three velocities driven by a stress -2 nu_t S + R: first those in the section, then U, which they carry.

    Args:
        nu, bulk_velocity: m2 s-1 and m s-1.
        remainder: R in m2 s-2; without an eddy viscosity, all of the stress tau.
        eddy_viscosity: nu_t in m2 s-1, implicit in all three momenta.
    Returns:
        ``velocity`` [cell, i], ``stream_function`` [cell] (v = d psi/dz, w = -d psi/dy); attributes
        ``pressure_gradient`` G = -dP/dx in m s-2, and ``change``, the last relative change of the stream function.
    Raises:
        OptionError: a viscosity that is not positive.
    """
    secondary = secondary_flow(grid, nu, remainder, eddy_viscosity=eddy_viscosity)
    velocity = secondary.cells()
    velocity[..., 0], gradient = duct_velocity(
        grid, nu, bulk_velocity, eddy_viscosity=eddy_viscosity, remainder=remainder, secondary=secondary
    )
    psi = grid.z.midpoint() @ secondary.stream_function @ grid.y.midpoint().T
    variables = {
        "velocity": (("cell", "i"), grid.unfold(velocity), {"units": "m s-1", "long_name": "mean velocity U_i"}),
        "stream_function": ("cell", grid.unfold(psi), {"units": "m2 s-1", "long_name": "secondary stream function"}),
    }
    return xr.Dataset(variables, {"i": list(AXES)}, {"pressure_gradient": gradient, "change": secondary.change})


def _transport(grid: DuctGrid, nu: float, eddy_viscosity: np.ndarray, secondary: SecondaryFlow) -> sparse.csr_array:
    """Convection minus diffusion of a field that is even at symmetries and zero at walls."""
    nz, ny = grid.shape
    at = sparse.diags_array
    mean_y, mean_z = grid.y.mean("even", "zero"), grid.z.mean("even", "zero")
    nu_y, nu_z = nu + eddy_viscosity @ mean_y.T, nu + mean_z @ eddy_viscosity
    slope_y, slope_z = grid.y.difference("even", "zero"), grid.z.difference("even", "zero")
    flux_y = at(secondary.v.ravel()) @ along_y(mean_y, nz) - at(nu_y.ravel()) @ along_y(slope_y, nz)
    flux_z = at(secondary.w.ravel()) @ along_z(mean_z, ny) - at(nu_z.ravel()) @ along_z(slope_z, ny)
    return along_y(grid.y.divergence(), nz) @ flux_y + along_z(grid.z.divergence(), ny) @ flux_z


def _divergence(grid: DuctGrid, remainder: np.ndarray) -> np.ndarray:
    """Divergence of face values, so that an error in one cell only moves momentum to its neighbours."""
    y = grid.y.divergence() @ grid.y.mean("zero", "zero")
    z = grid.z.divergence() @ grid.z.mean("zero", "zero")
    return (remainder[..., 0, 1] @ y.T + z @ remainder[..., 0, 2]).ravel()
