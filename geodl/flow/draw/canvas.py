"""The canvas of the page: pixels over the domain, and the signed distance of what is drawn on them."""

import base64
import binascii
import dataclasses
import math

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from geodl.errors import GeometryError, OptionError
from geodl.flow.geometry.checks import BLOCKAGE, MARGIN, require_signed_distance
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.signed_distance import signed_distance

COLUMNS = 512  # pixels that a canvas has at least
PIXELS = 1 << 20  # and at most, of rows times columns
LEAST = 3  # cells along and across the flow, below which no body is resolved


@dataclasses.dataclass(frozen=True)
class Canvas:
    """Square pixels over a grid, a whole number along each side of a cell; rows run from the top down.

    Raises:
        OptionError: the grid is too large to draw on.
    """

    grid: Grid

    def __post_init__(self) -> None:
        if self.rows * self.columns > PIXELS:
            raise OptionError(f"a canvas has at most {PIXELS} pixels, {self.grid.nx}x{self.grid.ny} cells need more")

    @property
    def pixels(self) -> int:
        """Along one side of a cell; even, so that four of them meet at its centre."""
        return 2 * max(1, math.ceil(COLUMNS / (2 * self.grid.nx)))

    @property
    def columns(self) -> int:
        return self.grid.nx * self.pixels

    @property
    def rows(self) -> int:
        return self.grid.ny * self.pixels

    @property
    def pixel(self) -> float:
        """Side of a pixel in m."""
        return self.grid.spacing / self.pixels

    def mask(self, bits: str) -> Bool[np.ndarray, "row column"]:
        """What is drawn, from one bit per pixel, eight to a byte, the first the highest, in base64.

        Raises:
            OptionError: not base64, or of another size.
        """
        try:
            raw = base64.b64decode(bits, validate=True)
        except (binascii.Error, ValueError) as error:
            raise OptionError(f"'bits' is not base64: {error}. Send btoa of the packed bits.") from error
        expected = -(-self.rows * self.columns // 8)
        if len(raw) != expected:
            raise OptionError(
                f"'bits' holds {len(raw)} bytes, expected {expected}: one bit for each of {self.columns}x{self.rows} "
                f"pixels, as /domain says"
            )
        flat = np.unpackbits(np.frombuffer(raw, np.uint8), count=self.rows * self.columns)
        return flat.astype(bool).reshape(self.rows, self.columns)

    def require_flow(self, mask: Bool[np.ndarray, "row column"]) -> None:
        """Refuse what no flow can be computed around, in words for the one who draws.

        Raises:
            GeometryError: empty, too near the border, too small or too tall.
        """
        if not mask.any():
            raise GeometryError("the drawing is empty: paint an obstacle, or choose a ready-made shape")
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        free = min(rows[0], columns[0], self.rows - 1 - rows[-1], self.columns - 1 - columns[-1])
        if free < MARGIN * self.pixels:
            where = f"comes within {free * self.pixel:.2g} m of" if free else "touches"
            raise GeometryError(
                f"the drawing {where} the border: leave "
                f"{MARGIN * self.grid.spacing:.2g} m free on every side, move it or erase what is outside"
            )
        width, height = (float(ends[-1] - ends[0] + 1) * self.pixel for ends in (columns, rows))
        least, most = LEAST * self.grid.spacing, BLOCKAGE * self.grid.height
        if min(width, height) < least:
            raise GeometryError(
                f"the drawing is {width:.2g} m by {height:.2g} m, the grid resolves {least:.2g} m: draw it larger"
            )
        if height > most:
            raise GeometryError(
                f"the drawing is {height:.2g} m tall and blocks {height / self.grid.height:.0%} of the domain: the "
                f"limit is {most:.2g} m, draw it smaller"
            )

    def signed_distance(self, mask: Bool[np.ndarray, "row column"]) -> Float[Tensor, "y x"]:
        """Distance to the outline in m at the centres of the cells, negative inside, y upwards.

        The distance is taken between pixels and averaged over the four that meet at the centre of a cell, which puts
        the outline within a fraction of a pixel.

        Raises:
            GeometryError: nothing is left of the drawing on the grid.
        """
        self.require_flow(mask)
        found = signed_distance(mask[::-1].copy(), self.grid)
        require_signed_distance(found, self.grid)
        return found
