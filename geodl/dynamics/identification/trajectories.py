"""Trajectories of a field over windows of time, and their exact derivatives by starts and parameters."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, jvp, vmap

from geodl.dynamics.identification.observation import Observation
from geodl.dynamics.ode.solve import odeint


class Trajectories:
    """Trajectories of a field over windows, and their derivative by the starts and by the field's parameters.

    The derivative is that of the discrete steps: the tangents are integrated beside the states, by the same scheme.
    """

    def __init__(self, field: nn.Module, times: Tensor, *, method: str = "rk4", substeps: int = 2):
        self.field, self.method, self.substeps = field, method, substeps
        even = bool((times == times[:, :1]).all())
        self.times = times[:, 0] if even else times
        # Views of the field's own: what is learned goes there.
        self.parameters = {name: p.detach() for name, p in field.named_parameters() if p.requires_grad}

    @property
    def vector(self) -> Float[Tensor, "p"]:
        """The parameters one after the other."""
        return torch.cat([torch.zeros(0).to(self.times), *(p.flatten() for p in self.parameters.values())])

    @torch.no_grad()
    def take(self, vector: Float[Tensor, "p"]) -> None:
        """Give the field these parameters."""
        parts = vector.split([p.numel() for p in self.parameters.values()])
        for (name, old), part in zip(self.parameters.items(), parts, strict=True):
            self.field.get_parameter(name).copy_(part.reshape(old.shape))

    def states(self, starts: Float[Tensor, "window n"]) -> Float[Tensor, "time window n"]:
        """States at the times of the windows."""
        return odeint(self.field, starts, self.times, method=self.method, substeps=self.substeps)

    @torch.no_grad()
    def tangents(self, starts: Float[Tensor, "window n"], *, shared: bool) -> Float[Tensor, "time k window n"]:
        """States, their derivatives by the n components of the starts and, if asked, by each parameter, along k."""
        directions = self._directions(starts.shape[1]) if shared else {}
        count = sum(d[0].numel() for d in directions.values())
        own = torch.eye(starts.shape[1]).to(starts)[:, None].expand(-1, *starts.shape)
        start = torch.cat([starts[None], own, starts.new_zeros(count, *starts.shape)])

        chosen = self.parameters if shared else {}

        def rate(t: Tensor, state: Tensor) -> Tensor:
            at = t[0] if t.ndim else t  # the same in all directions
            u = state[0].clone()  # a view would let jvp copy the storage of all directions
            return _pushed(lambda p, v: functional_call(self.field, p, (at, v)), (chosen, u), (directions, state[1:]))

        times = self.times if self.times.ndim == 1 else self.times[:, None].expand(-1, len(start), -1)
        return odeint(rate, start, times, method=self.method, substeps=self.substeps)

    def _directions(self, n: int) -> dict[str, Tensor]:
        """Directions of each parameter ``[k, *shape]``: none for the n of the starts, then one after the other."""
        sizes = [p.numel() for p in self.parameters.values()]
        identity = torch.eye(sum(sizes)).split(sizes, dim=1)
        return {
            name: torch.cat([p.new_zeros(n, *p.shape), eye.to(p).reshape(-1, *p.shape)])
            for eye, (name, p) in zip(identity, self.parameters.items(), strict=True)
        }


def derivative(
    observation: Observation, path: Float[Tensor, "time k window n"], values: Float[Tensor, "time window d"]
) -> Float[Tensor, "window row k"]:
    """Residuals of trajectories, and their derivatives in the directions that ``path`` holds below the states."""

    states, along = path[:, 0].clone(), path[:, 1:].transpose(0, 1)
    rows = _pushed(lambda u: observation.residual(u, values), (states,), (along,))
    return rows.permute(2, 1, 3, 0).flatten(1, 2)


def _pushed(function: Callable[..., Tensor], at: tuple[Any, ...], directions: tuple[Any, ...]) -> Tensor:
    """The value of a function, and below it its derivatives in a batch of directions."""
    value, along = vmap(lambda *d: jvp(function, at, d), out_dims=(None, 0))(*directions)  # type: ignore[arg-type, misc]
    return torch.cat([value[None], along])
