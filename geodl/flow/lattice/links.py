"""Boundaries as lists of links: what the fluid will pull from behind a wall or a side is written there first.

The state of a batch is one tensor ``populations [batch, 9, ny + 2, nx + 2]`` of post-collision deviations f - w with
a ring of ghost cells. A link names one slot of it (its target) by the flat index ``((b * 9 + i) * (ny + 2) + j) *
(nx + 2) + k``. Each slot behind a wall is pulled by one fluid cell only, so no two links share a target. No target is
a source, except that an outlet remembers its own last value.

Two arrays take turns in an engine (``sweep`` reads one and writes the other), so an engine writes the values of
``Outlets`` into BOTH arrays: the memory of an outlet lies in its target.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from geodl.flow.lattice.velocities import SPEEDS, velocities


@dataclass(frozen=True)
class _Columns:
    """Columns of equal length; integer columns but ``direction`` are flat indices of ``populations``."""

    target: Tensor

    @classmethod
    def joined(cls, parts: Sequence["_Columns"]) -> Self:
        """All links of several lists in one."""
        return cls(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def chosen(self, keep: Tensor) -> Self:
        """The links under a mask or an index."""
        return type(self)(*(getattr(self, field.name)[keep] for field in fields(self)))

    def repeated(self, batch: int, stride: int) -> Self:
        """The links of one sample in each sample of a batch; ``stride`` = number of slots of one sample."""
        copies = self.joined([self] * batch)
        sample = torch.arange(batch, device=self.target.device).repeat_interleave(len(self))
        return copies._shifted(sample * stride)

    def of_samples(self, samples: Tensor, stride: int) -> Self:
        """The links of some samples, as a smaller batch sees them; ``stride`` = number of slots of one sample."""
        last = torch.cat([self.target // stride, samples]).max() if len(samples) else 0
        rank = torch.full((int(last) + 1,), -1, device=self.target.device)
        rank[samples] = torch.arange(len(samples), device=self.target.device)
        kept = self.chosen(rank[self.target // stride] >= 0)
        sample = kept.target // stride
        return kept._shifted((rank[sample] - sample) * stride)

    def to(self, device: torch.device) -> Self:
        """The same links on another device."""
        return type(self)(*(getattr(self, field.name).to(device) for field in fields(self)))

    def _shifted(self, shift: Tensor) -> Self:
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        whole = {name for name, column in columns.items() if not column.is_floating_point()} - {"direction"}
        return type(self)(*(column + shift if name in whole else column for name, column in columns.items()))

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True)
class Links(_Columns):
    """g[target] = a g[first] + b g[second] + c g[third] + constant, for walls, inlets, slip and periodic sides.

    All right sides are read before any target is written. An unused source has weight 0 and the index of ``first``.

    Attributes:
        target, first, second, third: int64 [link], flat indices of ``populations``.
        a, b, c, constant: [link], of the dtype of ``populations``.
    """

    first: Tensor
    second: Tensor
    third: Tensor
    a: Tensor
    b: Tensor
    c: Tensor
    constant: Tensor

    def values(self, flat: Tensor) -> Tensor:
        """What the links will write, from the flattened populations."""
        return self.a * flat[self.first] + self.b * flat[self.second] + self.c * flat[self.third] + self.constant


@dataclass(frozen=True)
class Outlets(_Columns):
    """Open sides: pressure by anti-bounce-back, or convection held near that pressure.

        g[target] = keep g[target] + follow g[inner]
                    + anchor (-g[opposite] + 2 w_i (density + 4.5 (c_i.u_b)^2 - 1.5 u_b^2))
        u_b = 1.5 u(cell) - 0.5 u(behind),   u(x) = sum_i c_i g_i(x)

    A pressure outlet has keep = follow = 0 and anchor = 1.

    Attributes:
        target: int64 [link], flat index of slot (i, x - c_i), which the fluid cell x pulls.
        opposite: flat index of (opposite of i, x).
        inner: flat index of (i, last fluid cell before the target along the normal).
        cell, behind: flat indices of (0, x) and (0, x - n), n the outward normal.
        direction: int64 [link], i.
        keep, follow, anchor: [link], weights.
        density: [link], prescribed deviation of density, 3 p.

    Source: Ginzburg, Verhaeghe & d'Humieres 2008, Commun. Comput. Phys. 3, 427 (anti-bounce-back).
    """

    opposite: Tensor
    inner: Tensor
    cell: Tensor
    behind: Tensor
    direction: Tensor
    keep: Tensor
    follow: Tensor
    anchor: Tensor
    density: Tensor

    def values(self, flat: Tensor, plane: int, vectors: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """What the links will write.

        Args:
            plane: (ny + 2) (nx + 2), the distance between two slots of one cell.
            vectors: see `vectors`; made once, because a CUDA graph cannot copy them from the host.
        """
        ux, uy = self._boundary_velocity(flat, plane)
        cx, cy, w = vectors
        symmetric = 2 * w * (self.density + 4.5 * (cx * ux + cy * uy) ** 2 - 1.5 * (ux * ux + uy * uy))
        held = symmetric - flat[self.opposite]
        return self.keep * flat[self.target] + self.follow * flat[self.inner] + self.anchor * held

    def vectors(self) -> tuple[Tensor, Tensor, Tensor]:
        """c_x, c_y and w of each link."""
        cx, cy, w = velocities(self.density)
        return cx[self.direction], cy[self.direction], w[self.direction]

    def _boundary_velocity(self, flat: Tensor, plane: int) -> tuple[Tensor, Tensor]:
        slots = torch.arange(SPEEDS, device=flat.device)[:, None] * plane
        g = 1.5 * flat[self.cell + slots] - 0.5 * flat[self.behind + slots]
        return g[1] - g[3] + g[5] - g[6] - g[7] + g[8], g[2] - g[4] + g[5] + g[6] - g[7] - g[8]
