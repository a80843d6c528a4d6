"""Bodies as a solver takes them: shapes or signed distances, checked, one per sample."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from geodl.errors import GeometryError, ShapeError
from geodl.flow.geometry.checks import require_body, require_grid, require_inside, require_signed_distance
from geodl.flow.geometry.frontal_height import frontal_height
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Shape
from geodl.flow.lattice.walls import Cuts, cuts


@dataclass(frozen=True)
class Bodies:
    """One body per sample, or none.

    Attributes:
        distance: float64 [batch, ny, nx], m, positive in the fluid.
        height: float64 [batch], frontal height in m; the height of the domain where there is no body.
        shapes: what the distances are of, where it is known.
    """

    distance: Tensor
    height: Tensor
    shapes: Sequence[Shape] | None = None

    @classmethod
    def of(cls, bodies: Sequence[Shape] | Tensor | None, grid: Grid) -> "Bodies":
        """Shapes, signed distances [batch, ny, nx] in m, or None.

        Raises:
            GeometryError: a body that no flow can be computed around.
            ShapeError: signed distances without the dimension of the batch.
        """
        if bodies is None:
            return cls(
                torch.full((1, *grid.shape), torch.inf, dtype=torch.float64), torch.tensor([grid.height]).double()
            )
        if isinstance(bodies, Tensor):
            return cls._of_distance(bodies.detach().cpu().double(), grid)
        for sample, shape in enumerate(bodies):
            _require_inside(sample, shape, grid)
        distance = torch.stack([shape.distance(grid.centres()) for shape in bodies])
        require_body(distance)
        height = torch.tensor([shape.frontal_height for shape in bodies], dtype=torch.float64)
        return cls(distance, height, tuple(bodies))

    @classmethod
    def _of_distance(cls, distance: Tensor, grid: Grid) -> "Bodies":
        require_grid(tuple(distance.shape), grid, "the signed distance")
        if distance.ndim != 3:
            raise ShapeError(
                f"the signed distance has shape {tuple(distance.shape)}, expected [batch, ny, nx]: sdf[None]"
            )
        require_signed_distance(distance, grid)
        return cls(distance, frontal_height(distance, grid))

    def expanded(self, batch: int) -> "Bodies":
        """The same body in every sample, if there is only one."""
        if len(self.height) == batch:
            return self
        shapes = None if self.shapes is None else [self.shapes[0]] * batch
        return Bodies(self.distance.expand(batch, -1, -1), self.height.expand(batch), shapes)

    @property
    def solid(self) -> Tensor:
        """bool [batch, ny, nx], the cells whose centre lies in a body."""
        return self.distance < 0

    def cuts(self, grid: Grid) -> Cuts:
        """Links that the walls cut."""
        return cuts(self.solid, self.distance, self.shapes, grid.centres())


def _require_inside(sample: int, shape: Shape, grid: Grid) -> None:
    try:
        require_inside(shape, grid)
    except GeometryError as error:
        raise GeometryError(f"sample {sample}: {error}") from error
