"""Secondary flow in the section of a duct, driven by the divergence of a stress.

The two momentum equations are discretised on staggered faces; a stream function on the corners makes the velocity free
of divergence, and the discrete curl removes the pressure exactly. The stress enters once differentiated, from face to
face, and is summed to momentum exactly, so a cell-wise error of the stress is not amplified by a second derivative:
the velocity error stays below (error of the stress) x (its length scale) / viscosity.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.sparse.linalg import splu

from geodl.errors import OptionError
from geodl.turbulence.a_posteriori.grid import DuctGrid
from geodl.turbulence.a_posteriori.section import Section
from geodl.turbulence.a_posteriori.stress import stress_remainder

_STEPS = 30
_CONTRACTION = 0.3  # a step larger than this part of the last one asks for new factors
_LEAST = 1 / 32  # of a step: where even that does not help, there is no steady flow near


@dataclasses.dataclass(frozen=True)
class SecondaryFlow:
    """Velocities normal to the faces in m s-1, stream function on the corners (v = d psi/dz, w = -d psi/dy) in m2 s-1.

    ``change`` is the last relative change of the stream function: above the tolerance the flow has not settled.
    """

    v: Float[np.ndarray, "z face_y"]
    w: Float[np.ndarray, "face_z y"]
    stream_function: Float[np.ndarray, "face_z face_y"]
    change: float = 0.0

    @classmethod
    def none(cls, grid: DuctGrid) -> "SecondaryFlow":
        """The flow of a linear eddy-viscosity model: exactly zero."""
        nz, ny = grid.shape
        return cls(np.zeros((nz, ny + 1)), np.zeros((nz + 1, ny)), np.zeros((nz + 1, ny + 1)))

    @classmethod
    def from_cells(cls, grid: DuctGrid, v: Float[np.ndarray, "z y"], w: Float[np.ndarray, "z y"]) -> "SecondaryFlow":
        """Velocities known in cells, interpolated to faces; the stream function is that of v."""
        on_y, on_z = v @ grid.y.mean("zero", "zero").T, grid.z.mean("zero", "zero") @ w
        psi = np.concatenate([np.zeros((1, on_y.shape[1])), np.cumsum(on_y * grid.z.widths[:, None], axis=0)])
        return cls(on_y, on_z, psi)

    def cells(self) -> Float[np.ndarray, "z y 3"]:
        """The velocity in the cells, with a zero along x."""
        v, w = (self.v[:, 1:] + self.v[:, :-1]) / 2, (self.w[1:] + self.w[:-1]) / 2
        return np.stack([np.zeros_like(v), v, w], axis=-1)


def secondary_flow(
    grid: DuctGrid,
    nu: float,
    stress: Float[np.ndarray, "z y 3 3"],
    *,
    eddy_viscosity: Float[np.ndarray, "z y"] | None = None,
    tolerance: float = 1e-6,
) -> SecondaryFlow:
    """Steady v, w with no slip at the walls and symmetry at y = 0 and z = 0.

    Args:
        nu: kinematic viscosity, m2 s-1.
        stress: tau in m2 s-2, of which yy, zz and yz act; what has the form of a pressure has no effect.
        eddy_viscosity: added to nu, m2 s-1. For stresses from which its share has been taken; none by default.
        tolerance: relative change of the stream function at which the iteration ends.
            Where no steady flow is found, because the stress is far from that of a turbulent duct, the last
            iterate is returned with its ``change``.
    Raises:
        OptionError: a viscosity that is not positive.
    """
    _refuse_viscosity(nu, eddy_viscosity)
    return _Motion(grid, nu, np.zeros(grid.shape) if eddy_viscosity is None else eddy_viscosity).settle(
        stress, tolerance
    )


def refined_secondary_flow(
    grid: DuctGrid,
    nu: float,
    stress: Float[np.ndarray, "z y 3 3"],
    *,
    eddy_viscosity: Float[np.ndarray, "z y"],
    refinements: int = 3,
    tolerance: float = 1e-6,
) -> SecondaryFlow:
    """``secondary_flow(grid, nu, stress)`` reached from below, so that errors of the stress are not divided by nu.

    Every pass solves with nu + nu_t and gives back what nu_t took from the previous pass, 2 nu_t S. Without end that is
    the flow of the whole stress; a few passes (Landweber's regularisation) already hold the large vortices, and damp
    what a predicted stress has of errors.

    Args:
        stress: the whole tau, m2 s-2.
        eddy_viscosity: nu_t in m2 s-1, such as that of the RANS.
        refinements: passes after the first.
    Raises:
        OptionError: a viscosity that is not positive.
    """
    _refuse_viscosity(nu, eddy_viscosity)
    motion = _Motion(grid, nu, eddy_viscosity)
    flow = motion.settle(stress, tolerance)
    for _ in range(refinements):
        flow = motion.settle(stress_remainder(stress, eddy_viscosity, grid.gradient(flow.cells())), tolerance)
    return flow


def _refuse_viscosity(nu: float, eddy_viscosity: np.ndarray | None) -> None:
    least = 0.0 if eddy_viscosity is None else float(eddy_viscosity.min())
    if not nu > 0 or least < 0:
        raise OptionError(
            f"nu is {nu:g} and eddy_viscosity goes down to {least:g} m2 s-1, expected nu > 0 and eddy_viscosity >= 0. "
            "Clip the eddy viscosity with np.maximum(eddy_viscosity, 0)."
        )


class _Motion:
    """Solves for the stream function, and remembers it and the last factors for the next stress."""

    def __init__(self, grid: DuctGrid, nu: float, eddy_viscosity: np.ndarray) -> None:
        self.section = Section(grid)
        self.viscous = self.section.viscous(nu, eddy_viscosity)
        self.psi = np.zeros(self.section.velocity.shape[1])
        self.solve = self._factors()

    def settle(self, stress: np.ndarray, tolerance: float) -> SecondaryFlow:
        """Newton's steps, damped until the next one is smaller; factors are kept as long as they shrink quickly."""
        source, change, slow = -self.section.curl @ self.section.force(stress), 1.0, False
        for _ in range(_STEPS):
            if slow:
                self.solve = self._factors()
            step = self.solve(self._residual(self.psi, source))
            damping = self._damping(step, source)
            self.psi = self.psi + damping * step
            size = max(float(np.linalg.norm(self.psi)), np.finfo(float).tiny)
            previous, change = change, float(np.linalg.norm(step)) / size
            slow = damping < 1 or change > _CONTRACTION * previous
            if change < tolerance or damping <= _LEAST:
                break
        return self._flow(change)

    def _flow(self, change: float) -> SecondaryFlow:
        (nz, ny), faces = self.section.grid.shape, self.section.faces
        velocity, psi = self.section.velocity @ self.psi, self.section.inner @ self.psi
        v, w = velocity[:faces].reshape(nz, ny + 1), velocity[faces:].reshape(nz + 1, ny)
        return SecondaryFlow(v, w, psi.reshape(nz + 1, ny + 1), change)

    def _factors(self) -> Callable[[np.ndarray], np.ndarray]:
        """Of the Jacobian here: its pattern is symmetric and its viscous part definite, which saves pivots and fill."""
        transport, swapped = self.section.convection(self.section.velocity @ self.psi)
        matrix = (self.section.curl @ (transport + swapped - self.viscous) @ self.section.velocity).tocsc()
        return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.01, options={"SymmetricMode": True}).solve

    def _residual(self, psi: np.ndarray, source: np.ndarray) -> np.ndarray:
        velocity = self.section.velocity @ psi
        transport, _ = self.section.convection(velocity)
        return source - self.section.curl @ ((transport - self.viscous) @ velocity)

    def _damping(self, step: np.ndarray, source: np.ndarray) -> float:
        """Natural monotonicity test of Deuflhard 2011, Newton Methods for Nonlinear Problems, section 3.3."""
        size, damping = np.linalg.norm(step), 1.0
        while damping > _LEAST:
            again = self.solve(self._residual(self.psi + damping * step, source))
            if np.linalg.norm(again) <= (1 - damping / 2) * size:
                break
            damping /= 2
        return damping
