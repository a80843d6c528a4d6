"""Cells along a line: the one-dimensional difference, mean and divergence that every grid here is made of."""

import dataclasses
import functools
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import sparse

from geodl.errors import ShapeError

End = Literal["even", "zero"]  # beyond the last face the field is its own mirror image, or it vanishes on that face


@dataclasses.dataclass(frozen=True)
class Line:
    """Cells between increasing faces, in metres (or any one length); centres are midpoints.

    Raises:
        ShapeError: fewer than two cells, or faces that do not increase.
    """

    faces: Float[np.ndarray, " face"]

    def __post_init__(self) -> None:
        if len(self.faces) < 3 or not (np.diff(self.faces) > 0).all():
            raise ShapeError(
                f"{len(self.faces)} faces from {self.faces[:1]} to {self.faces[-1:]} were given, "
                "expected at least three that increase. Sort them and drop the copies with np.unique(faces)."
            )

    @functools.cached_property
    def centres(self) -> Float[np.ndarray, " cell"]:
        return (self.faces[1:] + self.faces[:-1]) / 2

    @functools.cached_property
    def widths(self) -> Float[np.ndarray, " cell"]:
        return np.diff(self.faces)

    def difference(self, low: End, high: End) -> sparse.csr_array:
        """Cells to faces: derivative between neighbouring centres; one-sided where the field vanishes on an end.

        Second order between cells; the end value has a first-order error that leaves the solution second order.
        """
        right, left = np.zeros((2, len(self.faces)))
        right[1:-1] = left[1:-1] = 1 / np.diff(self.centres)
        if low == "zero":
            right[0] = 2 / self.widths[0]
        if high == "zero":
            left[-1] = 2 / self.widths[-1]
        return self._to_faces(right, -left)

    def mean(self, low: End, high: End) -> sparse.csr_array:
        """Cells to faces: linear interpolation; the cell's own value, or zero, on the ends."""
        right, left = np.zeros((2, len(self.faces)))
        right[1:-1] = (self.faces[1:-1] - self.centres[:-1]) / np.diff(self.centres)
        left[1:-1] = 1 - right[1:-1]
        right[0], left[-1] = low == "even", high == "even"
        return self._to_faces(right, left)

    def divergence(self) -> sparse.csr_array:
        """Faces to cells: outflow minus inflow over the width; what one cell loses its neighbour gets."""
        return self._to_cells(-1 / self.widths, 1 / self.widths)

    def midpoint(self) -> sparse.csr_array:
        """Faces to cells: mean of the two faces."""
        half = np.full_like(self.widths, 0.5)
        return self._to_cells(half, half)

    def _to_faces(self, right: np.ndarray, left: np.ndarray) -> sparse.csr_array:
        shape = (len(self.faces), len(self.widths))
        return sparse.diags_array([right[:-1], left[1:]], offsets=[0, -1], shape=shape).tocsr()

    def _to_cells(self, low: np.ndarray, high: np.ndarray) -> sparse.csr_array:
        shape = (len(self.widths), len(self.faces))
        return sparse.diags_array([low, high], offsets=[0, 1], shape=shape).tocsr()
