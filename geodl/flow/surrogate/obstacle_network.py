"""Ensembles of U-Nets that predict a flow around a body."""

import torch
from torch import Tensor, nn

from geodl.flow.control_volume import control_volume_forces
from geodl.flow.surrogate.encoding import CHANNELS, Encoded, ln_reynolds, mirrored, upside_down
from geodl.flow.surrogate.stream_function import stream_function, to_corners, velocity
from geodl.flow.surrogate.unet import CONDITION, UNet

LEAST_DRAG = 0.05  # of a field that is far from any flow, so that its logarithm is a number


class Member(nn.Module):
    """One U-Net: correction of the stream function at the corners, pressure in the cells, ln of the drag, and lift."""

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        self.unet = UNet(CHANNELS, widths, 2)
        self.forces = nn.Sequential(nn.Linear(widths[-1] + CONDITION, 64), nn.SiLU(), nn.Linear(64, 2))

    def forward(self, image: Tensor, reynolds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fields, whole = self.unet(image, ln_reynolds(reynolds))
        return to_corners(fields[:, :1]), fields[:, 1], self.forces(whole)


class ObstacleNetwork(nn.Module):
    """Mean of ``members`` U-Nets, in space of stream functions."""

    def __init__(self, members: int, widths: tuple[int, ...], spacing: float):
        super().__init__()
        self.members = nn.ModuleList(Member(widths) for _ in range(members))
        self.spacing = spacing

    def forward(self, *encoded: Tensor) -> tuple[Tensor, ...]:
        seen = Encoded(*encoded)
        if self.training:
            return self._mirrored(seen)
        stacked = self._of_members(seen)
        u, v, p, drag, lift = (part.mean(1) for part in stacked)
        forces = control_volume_forces((u, v, p), seen.sdf, reynolds=seen.reynolds, spacing=self.spacing)
        spread = (stacked[0] - u[:, None]).square() + (stacked[1] - v[:, None]).square()
        diagnostics = (forces.drag.mean(1), forces.lift.mean(1), forces.drag.std(1), spread.mean((1, 2, 3)).sqrt())
        return u, v, p, drag, lift, *diagnostics

    def _mirrored(self, seen: Encoded) -> tuple[Tensor, ...]:
        """Half of the samples are shown upside down, and what is said of them is turned back."""
        chosen = torch.rand(len(seen.reynolds), device=seen.sdf.device) < 0.5
        u, v, p, drag, lift = self._of_members(mirrored(seen, chosen))
        turned = upside_down(u, chosen), upside_down(v, chosen, -1.0), upside_down(p, chosen)
        return *turned, drag, torch.where(chosen[:, None], -lift, lift)

    def _of_members(self, seen: Encoded) -> list[Tensor]:
        """u, v, p ``[sample, member, y, x]``, ln of the drag and lift ``[sample, member]``."""
        found = [self._member(member, seen) for member in self.members]
        return [torch.stack(part, dim=1) for part in zip(*found, strict=True)]

    def _member(self, member: nn.Module, seen: Encoded) -> tuple[Tensor, ...]:
        """The forces are those of the field on boxes around the body, corrected by what the U-Net has learned."""
        correction, pressure, forces = member(seen.image, seen.reynolds)
        height = seen.sdf.shape[1] * self.spacing
        u, v = velocity(stream_function(correction, seen.wall, seen.body, height), self.spacing)
        p = pressure * (seen.sdf > 0)
        boxes = control_volume_forces((u, v, p), seen.sdf, reynolds=seen.reynolds, spacing=self.spacing)
        drag = boxes.drag.mean(1).clamp(min=LEAST_DRAG)
        return u, v, p, drag.log() + forces[:, 0], boxes.lift.mean(1) + forces[:, 1] * drag
