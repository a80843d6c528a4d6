"""Gradients by Gauss's theorem with linear interpolation: OpenFOAM's ``Gauss linear``."""

import numpy as np
from jaxtyping import Float

from geodl.errors import NonFiniteError, SchemaError
from geodl.turbulence.openfoam.boundary import patch_values
from geodl.turbulence.openfoam.field import Field
from geodl.turbulence.openfoam.mesh import Mesh

_TINY = float(np.finfo(float).tiny)
_AGREES = 0.1  # relative difference, root mean square, that two schemes may have on one mesh


def gauss_gradient(field: Field, mesh: Mesh) -> tuple[Float[np.ndarray, "cell *component 3"], list[str]]:
    """d/dx_j of a scalar or vector field, j last: ``A_ij = dU_i/dx_j``, the transpose of OpenFOAM's ``grad(U)``.

    Also gives the patches whose condition was not known and had no value: there the value of the cell counts.
    (∇φ)_P = (1/V) Σ_f S_f φ_f with φ_f = w φ_P + (1 − w) φ_N, w = |S·(C_N − C_f)|/(|S·(C_f − C_P)| + |S·(C_N − C_f)|).
    Exact for linear fields where the line between two centres meets the centre of their face. Observed order on smooth
    meshes: two inside, one in the cells beside a patch; none where the skewness does not fall as a mesh is refined.

    Raises:
        DataFileError: numbers of cells or of patch faces that do not fit the mesh.
        NonFiniteError: values so large that their differences are no numbers.
    """
    cells = field.on(len(mesh.volume))
    ends, guessed = patch_values(field, mesh, cells)
    faces = np.concatenate([_between(mesh, cells), ends]).reshape(len(mesh.owner), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        flux = (faces[:, :, None] * mesh.area[:, None, :]).reshape(len(faces), -1)
        gradient = (mesh.divergence @ flux / mesh.volume[:, None]).reshape(*cells.shape, 3)
    if not np.isfinite(gradient).all():
        raise NonFiniteError(f"the gradient of {field.path} is no number: it reaches {np.abs(cells).max():g}")
    for normal in mesh.empty_normal:  # what remains there is round-off
        gradient = gradient - (gradient @ normal)[..., None] * normal
    return gradient, guessed


def _between(mesh: Mesh, cells: np.ndarray) -> np.ndarray:
    """Linear interpolation to the inner faces."""
    inner = len(mesh.neighbour)
    owner, neighbour = mesh.owner[:inner], mesh.neighbour
    area, centre = mesh.area[:inner], mesh.face_centre[:inner]
    near = np.abs(np.einsum("fi,fi->f", area, centre - mesh.centre[owner]))
    far = np.abs(np.einsum("fi,fi->f", area, mesh.centre[neighbour] - centre))
    weight = (far / np.maximum(near + far, _TINY)).reshape(-1, *[1] * (cells.ndim - 1))
    return weight * cells[owner] + (1 - weight) * cells[neighbour]


def stored_gradient(
    stored: Float[np.ndarray, "cell 3 3"], own: Float[np.ndarray, "cell 3 3"] | None, path: str
) -> tuple[Float[np.ndarray, "cell 3 3"], list[str]]:
    """A_ij = dU_i/dx_j of a file that holds d_i U_j, and a warning if it was not or could not be confirmed.

    Raises:
        SchemaError: the file agrees with ``own`` as it is, but not transposed.
    """
    gradient = stored.swapaxes(1, 2)
    if own is None:
        return gradient, [f"{path} is taken for d_i U_j, as OpenFOAM writes it: there is no mesh to check it by"]
    size = max(float(np.linalg.norm(own)), _TINY)
    turned, straight = (float(np.linalg.norm(found - own)) / size for found in (gradient, stored))
    if turned > _AGREES and turned > 2 * straight:
        raise SchemaError(
            f"{path} holds dU_i/dx_j: it differs from Gauss's theorem by {straight:.1%} as it is and by {turned:.1%} "
            f"transposed, but OpenFOAM's grad(U) stores d_i U_j. Transpose the file, or delete it: geodl then "
            f"computes the gradient from U."
        )
    differs = f"{path} differs by {turned:.1%} from Gauss linear on U: another scheme, mesh or time?"
    return gradient, [differs] if turned > _AGREES else []
