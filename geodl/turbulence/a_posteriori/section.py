"""Operators on the section of a duct: stream function on corners, velocities on faces, normal stresses in centres."""

import numpy as np
from scipy import sparse

from geodl.turbulence.a_posteriori.grid import DuctGrid, along_y, along_z


class Section:
    """Sparse matrices between corners, faces and centres; velocities are one vector, v on y faces, then w on z faces.

    Source: staggering of Harlow & Welch 1965, Phys. Fluids 8, 2182.
    """

    def __init__(self, grid: DuctGrid) -> None:
        self.grid = grid
        (nz, ny), y, z = grid.shape, grid.y, grid.z
        self.inner = _inner(nz + 1, ny + 1)
        self.velocity = sparse.vstack([along_z(z.divergence(), ny + 1), -along_y(y.divergence(), nz + 1)]) @ self.inner
        across_y, across_z = along_y(y.difference("even", "even"), nz), along_z(z.difference("even", "even"), ny)
        self.curl = self.inner.T @ sparse.hstack(
            [-along_z(z.difference("even", "even"), ny + 1), along_y(y.difference("even", "even"), nz + 1)]
        )
        round_z, round_y = along_z(z.divergence(), ny + 1), along_y(y.divergence(), nz + 1)
        self.of_v = across_y, round_z  # flux of the v momentum: normal stress in centres, shear on corners
        self.of_w = across_z, round_y
        self.to_centre = along_y(y.midpoint(), nz), along_z(z.midpoint(), ny)
        self.to_corner = along_z(z.mean("even", "zero"), ny + 1), along_y(y.mean("even", "zero"), nz + 1)
        self.strain = along_y(y.divergence(), nz), along_z(z.divergence(), ny)
        self.shear = along_z(z.difference("even", "zero"), ny + 1), along_y(y.difference("even", "zero"), nz + 1)
        self.faces = nz * (ny + 1)

    def viscous(self, nu: float, eddy_viscosity: np.ndarray) -> sparse.csr_array:
        """Divergence of 2 (nu + nu_t) S."""
        y, z = self.grid.y.mean("even", "zero"), self.grid.z.mean("even", "zero")
        centre = sparse.diags_array(2 * (nu + eddy_viscosity.ravel()))
        corner = sparse.diags_array(nu + (z @ eddy_viscosity @ y.T).ravel())
        (normal_v, shear_v), (normal_w, shear_w) = self.of_v, self.of_w
        return sparse.block_array(
            [
                [
                    normal_v @ centre @ self.strain[0] + shear_v @ corner @ self.shear[0],
                    shear_v @ corner @ self.shear[1],
                ],
                [
                    shear_w @ corner @ self.shear[0],
                    normal_w @ centre @ self.strain[1] + shear_w @ corner @ self.shear[1],
                ],
            ],
            format="csr",
        )

    def force(self, stress: np.ndarray) -> np.ndarray:
        """Divergence of the stress on the faces; the shear stress vanishes at walls and, being odd, at symmetries."""
        y, z = self.grid.y.mean("zero", "zero"), self.grid.z.mean("zero", "zero")
        corner = (z @ stress[..., 1, 2] @ y.T).ravel()
        (normal_v, shear_v), (normal_w, shear_w) = self.of_v, self.of_w
        return np.concatenate(
            [
                normal_v @ stress[..., 1, 1].ravel() + shear_v @ corner,
                normal_w @ stress[..., 2, 2].ravel() + shear_w @ corner,
            ]
        )

    def convection(self, velocity: np.ndarray) -> tuple[sparse.csr_array, sparse.csr_array]:
        """Divergence of u u' as a matrix on u', for a given u; and of u' u, which completes Newton's matrix."""
        v, w = velocity[: self.faces], velocity[self.faces :]
        (v_centre, w_centre), (v_corner, w_corner) = self.to_centre, self.to_corner
        (normal_v, shear_v), (normal_w, shear_w) = self.of_v, self.of_w
        at = sparse.diags_array
        vv = normal_v @ at(v_centre @ v) @ v_centre
        ww = normal_w @ at(w_centre @ w) @ w_centre
        transport = sparse.block_diag(
            [vv + shear_v @ at(w_corner @ w) @ v_corner, ww + shear_w @ at(v_corner @ v) @ w_corner], format="csr"
        )
        swapped = sparse.block_array(
            [[vv, shear_v @ at(v_corner @ v) @ w_corner], [shear_w @ at(w_corner @ w) @ v_corner, ww]], format="csr"
        )
        return transport, swapped


def _inner(rows: int, columns: int) -> sparse.csr_array:
    """Puts values of the inner corners among all corners: the stream function vanishes on every side."""
    z, y = (sparse.eye_array(n, format="csc")[:, 1:-1] for n in (rows, columns))
    return sparse.kron(z, y, format="csr")
