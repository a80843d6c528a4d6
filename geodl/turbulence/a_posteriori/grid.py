"""The quarter of a rectangular duct: symmetry at y = 0 and z = 0, walls at the other ends of two lines."""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy import sparse

from geodl.errors import ShapeError
from geodl.turbulence.a_posteriori.line import Line

_SAME = 1e-5  # centres closer than this part of the duct's side belong to one line of cells


@dataclasses.dataclass(frozen=True)
class DuctGrid:
    """Tensor product of two lines of cells; fields are arrays [z, y]. x, the streamwise axis, is not resolved.

    ``order`` holds, for every entry of the raveled [z, y] array, the number of the cell in the Dataset it came from.
    """

    y: Line
    z: Line
    order: np.ndarray

    @classmethod
    def from_faces(cls, y: Float[np.ndarray, " face_y"], z: Float[np.ndarray, " face_z"]) -> "DuctGrid":
        """A grid whose cells are numbered with y running fastest."""
        return cls(Line(y), Line(z), np.arange((len(y) - 1) * (len(z) - 1)))

    @classmethod
    def from_centres(cls, position: Float[np.ndarray, "cell 3"], volume: Float[np.ndarray, " cell"]) -> "DuctGrid":
        """Faces from centres and volumes [m3], whatever the order of the cells.

        Widths come from the volumes: centres alone lose digits in the smallest cells, those at the wall.

        Raises:
            ShapeError: the centres are not those of a tensor-product grid that begins at y = 0 and z = 0.
        """
        axes = [_numbered(np.asarray(position[:, i], np.float64)) for i in (1, 2)]
        (column, ys), (row, zs) = axes
        order = np.lexsort((column, row))
        if len(order) != len(ys) * len(zs) or (np.diff(row[order] * len(ys) + column[order]) != 1).any():
            raise ShapeError(
                f"{len(order)} cells lie on {len(ys)} values of y and {len(zs)} of z, expected every pair once. "
                "Give the cells of one structured quarter section, one cell long in x."
            )
        cells = np.asarray(volume, np.float64)[order].reshape(len(zs), len(ys))
        return cls(_line(ys, cells.sum(0), "y"), _line(zs, cells.sum(1), "z"), order)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.z.widths), len(self.y.widths)

    @property
    def area(self) -> Float[np.ndarray, "z y"]:
        return np.outer(self.z.widths, self.y.widths)

    def fold(self, values: Float[np.ndarray, "cell *trailing"]) -> Float[np.ndarray, "z y *trailing"]:
        """Values per cell of the Dataset as an array [z, y], in float64."""
        values = np.asarray(values, np.float64)
        return values[self.order].reshape(*self.shape, *values.shape[1:])

    def unfold(self, field: Float[np.ndarray, "z y *trailing"]) -> Float[np.ndarray, "cell *trailing"]:
        """An array [z, y] as values in the order of the Dataset."""
        values = np.empty((field.shape[0] * field.shape[1], *field.shape[2:]))
        values[self.order] = field.reshape(values.shape)
        return values

    def average(self, field: Float[np.ndarray, "z y"]) -> float:
        """Mean over the section, weighted with the area."""
        return float(np.average(field, weights=self.area))

    def gradient(self, velocity: Float[np.ndarray, "z y 3"]) -> Float[np.ndarray, "z y 3 3"]:
        """Gauss-linear dU_i/dx_j in s-1 of a velocity: zero at walls, odd across a symmetry where normal to it."""
        gradient = np.zeros((*velocity.shape, 3))
        for i in range(3):
            y = self.y.divergence() @ self.y.mean("zero" if i == 1 else "even", "zero")
            z = self.z.divergence() @ self.z.mean("zero" if i == 2 else "even", "zero")
            gradient[..., i, 1], gradient[..., i, 2] = velocity[..., i] @ y.T, z @ velocity[..., i]
        return gradient


def along_y(matrix: sparse.csr_array, rows: int) -> sparse.csr_array:
    """A one-dimensional operator applied to each of ``rows`` rows of a raveled [z, y] array."""
    return sparse.kron(sparse.eye_array(rows), matrix, format="csr")


def along_z(matrix: sparse.csr_array, columns: int) -> sparse.csr_array:
    """A one-dimensional operator applied to each of ``columns`` columns of a raveled [z, y] array."""
    return sparse.kron(matrix, sparse.eye_array(columns), format="csr")


def _numbered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The line that each value belongs to, and the lines' positions."""
    order = np.argsort(values)
    steps = np.diff(values[order], prepend=values[order][0]) > _SAME * np.abs(values).max()
    number = np.empty(len(values), np.int64)
    number[order] = np.cumsum(steps)
    return number, np.bincount(number, values) / np.bincount(number)


def _line(centres: np.ndarray, widths: np.ndarray, name: str) -> Line:
    """Faces with these centres and widths in these proportions, the first at zero."""
    faces = np.concatenate([[0.0], np.cumsum(widths)])
    middle = (faces[1:] + faces[:-1]) / 2
    faces *= (centres @ middle) / (middle @ middle)
    line = Line(faces)
    worst = float(np.abs((line.centres - centres) / line.widths).max())
    if worst > 0.05:
        raise ShapeError(
            f"the cell centres along {name} are up to {worst:.2g} cell widths away from those that the volumes imply, "
            f"expected a quarter duct with its symmetry at {name} = 0. Shift the origin to the axis of the duct."
        )
    return line
