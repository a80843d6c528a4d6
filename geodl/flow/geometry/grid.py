"""The uniform grid of square cells on which flows are computed and shapes are seen."""

import dataclasses
import math
import re
from typing import Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geodl.errors import GeometryError

MOST = 16384  # cells along one side


@dataclasses.dataclass(frozen=True)
class Grid:
    """Cells of a rectangle, ``nx`` along the stream and ``ny`` across; arrays on it are ``[ny, nx]``.

    Attributes:
        spacing: side of a cell, m.
        origin: lower left corner of the first cell, m.
    Raises:
        GeometryError: no cells or more than 16384 along a side, or a spacing that is no length.
    """

    nx: int
    ny: int
    spacing: float
    origin: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if not (1 <= self.nx <= MOST and 1 <= self.ny <= MOST):
            raise GeometryError(f"a grid of {self.nx} x {self.ny} cells: expected 1 to {MOST} along each side")
        if not (0 < self.spacing < math.inf and all(map(math.isfinite, self.origin))):
            raise GeometryError(
                f"a grid with spacing {self.spacing} m from {self.origin} m: expected a positive spacing, finite origin"
            )

    @classmethod
    def parse(cls, text: str, *, height: float = 4.0) -> Self:
        """A grid from words such as "128x64", whose cells fill ``height`` metres across the stream.

        Raises:
            GeometryError: the text is not of that form.
        """
        sizes = re.fullmatch(r"(\d{1,6})x(\d{1,6})", text)
        if sizes is None or not int(sizes[2]):
            raise GeometryError(f"the size {text!r} is not of the form 128x64: cells along the stream x cells across")
        nx, ny = map(int, sizes.groups())
        return cls(nx, ny, height / ny)

    @property
    def shape(self) -> tuple[int, int]:
        """Of an array on the grid: ny, nx."""
        return self.ny, self.nx

    @property
    def width(self) -> float:
        """Along the stream, m."""
        return self.nx * self.spacing

    @property
    def height(self) -> float:
        """Across the stream, m."""
        return self.ny * self.spacing

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """xmin, ymin, xmax, ymax, m."""
        x, y = self.origin
        return x, y, x + self.width, y + self.height

    @property
    def x(self) -> Float[np.ndarray, " x"]:
        """Centres of the cells along the stream, m."""
        return self.origin[0] + self.spacing * (np.arange(self.nx) + 0.5)

    @property
    def y(self) -> Float[np.ndarray, " y"]:
        """Centres of the cells across the stream, m."""
        return self.origin[1] + self.spacing * (np.arange(self.ny) + 0.5)

    def centres(self, dtype: torch.dtype = torch.float64) -> Float[Tensor, "y x 2"]:
        """Centres of the cells, m."""
        return self._points(self.ny, self.nx, 0.5, dtype)

    def corners(self, dtype: torch.dtype = torch.float64) -> Float[Tensor, "corner_y corner_x 2"]:
        """Corners of the cells, m."""
        return self._points(self.ny + 1, self.nx + 1, 0.0, dtype)

    def _points(self, rows: int, columns: int, shift: float, dtype: torch.dtype) -> Tensor:
        x = self.origin[0] + self.spacing * (torch.arange(columns, dtype=torch.float64) + shift)
        y = self.origin[1] + self.spacing * (torch.arange(rows, dtype=torch.float64) + shift)
        return torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).to(dtype)
