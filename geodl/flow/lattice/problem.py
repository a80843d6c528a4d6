"""What an engine needs to know to advance a batch: one object instead of a tuple of ten."""

from dataclasses import dataclass

from torch import Tensor

from geodl.flow.lattice.links import Links, Outlets


@dataclass(frozen=True)
class Problem:
    """A batch of flows on one grid, in lattice units.

    Attributes:
        relaxation_time: [batch], tau+ = 3 nu + 1/2 of the symmetric part.
        solid: bool [batch, ny, nx], true where the populations are held at zero.
        links: walls, inlets, slip and periodic sides.
        outlets: open sides.
        force: [batch, 2], body force per volume and step.
        magic: (tau+ - 1/2) (tau- - 1/2).
    """

    relaxation_time: Tensor
    solid: Tensor
    links: Links
    outlets: Outlets
    force: Tensor
    magic: float = 3 / 16

    @property
    def slots(self) -> int:
        """Number of slots of one sample in ``populations``."""
        ny, nx = self.solid.shape[-2:]
        return 9 * (ny + 2) * (nx + 2)

    def of_samples(self, samples: Tensor) -> "Problem":
        """The same problem for some samples of the batch, in the order given."""
        return Problem(
            self.relaxation_time[samples],
            self.solid[samples],
            self.links.of_samples(samples, self.slots),
            self.outlets.of_samples(samples, self.slots),
            self.force[samples],
            self.magic,
        )
