"""The k-omega models of Wilcox (1988) and Menter (SST, 2003) in a plane shear flow, in wall units."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

BETA_STAR = 0.09
_A1, _LIMIT = 0.31, 10.0  # of the shear stress over k, and of production over dissipation


@dataclasses.dataclass(frozen=True)
class Shear:
    """A plane shear flow, in wall units.

    Attributes:
        y: distance from the wall.
        slope: dU/dy.
        k, omega: turbulent kinetic energy and specific dissipation rate, positive.
        overlap: dk/dy domega/dy.
    """

    y: Float[np.ndarray, " cell"]
    slope: Float[np.ndarray, " cell"]
    k: Float[np.ndarray, " cell"]
    omega: Float[np.ndarray, " cell"]
    overlap: Float[np.ndarray, " cell"]


@dataclasses.dataclass(frozen=True)
class Coefficients:
    """Of 0 = P − β* k ω + d/dy[(1 + σ_k ν_t) dk/dy] and 0 = α P/ν_t − β ω² + d/dy[(1 + σ_ω ν_t) dω/dy] + cross."""

    alpha: float | np.ndarray
    beta: float | np.ndarray
    sigma_k: float | np.ndarray
    sigma_omega: float | np.ndarray
    eddy_viscosity: np.ndarray
    cross: float | np.ndarray = 0.0
    largest_production: float | np.ndarray = np.inf


def wilcox(flow: Shear) -> Coefficients:
    """Source: Wilcox 1988, AIAA J. 26, 1299."""
    return Coefficients(5 / 9, 0.075, 0.5, 0.5, flow.k / flow.omega)


def sst(flow: Shear) -> Coefficients:
    """Source: Menter, Kuntz & Langtry 2003, Turbulence, Heat and Mass Transfer 4, 625."""
    speed, viscous = np.sqrt(flow.k) / (BETA_STAR * flow.omega * flow.y), 500 / (flow.y**2 * flow.omega)
    cross = 2 * 0.856 * flow.overlap / flow.omega
    towards_edge = 4 * 0.856 * flow.k / (np.maximum(cross, 1e-10) * flow.y**2)
    inner = np.tanh(np.minimum(np.maximum(speed, viscous), towards_edge) ** 4)
    near = np.tanh(np.maximum(2 * speed, viscous) ** 2)
    alpha, beta, sigma_k, sigma_omega = (
        outer + inner * (wall - outer) for wall, outer in ((5 / 9, 0.44), (0.075, 0.0828), (0.85, 1.0), (0.5, 0.856))
    )
    return Coefficients(
        alpha, beta, sigma_k, sigma_omega,
        eddy_viscosity=_A1 * flow.k / np.maximum(_A1 * flow.omega, np.abs(flow.slope) * near),
        cross=(1 - inner) * cross,
        largest_production=_LIMIT * BETA_STAR * flow.k * flow.omega,
    )  # fmt: skip


MODELS: Mapping[str, Callable[[Shear], Coefficients]] = {"sst": sst, "wilcox": wilcox}
TITLES = {"sst": "k-omega SST", "wilcox": "Wilcox's k-omega"}
BETA_WALL = 0.075  # of both models: omega -> 6/(BETA_WALL y²)
