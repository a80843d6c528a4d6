"""A surrogate in the place of a stiff solver: cells in, cells out, and of each how far it may be trusted."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.mechanism.read import require_same
from geodl.chemistry.state import FROZEN, OUT_OF_DOMAIN, Array, State, cells
from geodl.chemistry.surrogate.kinetics_network import KineticsNetwork
from geodl.core.surrogate import Surrogate
from geodl.errors import BundleError, OptionError

MOST_PARTS = 8  # beyond, a step is unknown, and not a task for hours


class EmulatedChemistry:
    """Advances cells by a surrogate, for operator splitting.

    Args:
        surrogate: of the family chemistry, for combustion.
        mechanism: the one that the simulation uses; another one than the surrogate's is refused.
        species: names in the order of the simulation's columns, where it is not that of its mechanism.
        longest: s; longer time steps are taken in up to eight equal parts, as a solver would: what happens within a
            long step is harder to learn. The cost grows with the parts.
        allow_mechanism_mismatch: take the surrogate for another mechanism all the same.
    Raises:
        BundleError: a surrogate of something else.
        MechanismError: another mechanism, or species that are missing, unknown or given twice.
        OptionError: a longest time step that is not positive.
    """

    def __init__(
        self,
        surrogate: Surrogate,
        *,
        mechanism: Mechanism | None = None,
        species: Sequence[str] | None = None,
        longest: float = math.inf,
        allow_mechanism_mismatch: bool = False,
    ):
        if not longest > 0:
            raise OptionError(f"longest is {longest!r}, expected seconds above 0")
        network = surrogate.core.network
        if not isinstance(network, KineticsNetwork):
            raise BundleError(
                f"a surrogate of the family {surrogate.family.name!r} was given, expected one of combustion chemistry: "
                f"geodl.load('chemistry-h2')"
            )
        self.surrogate, self.network = surrogate, network
        self.mechanism = Mechanism.from_record(dict(surrogate.family.options["mechanism"]))
        if mechanism is not None and not allow_mechanism_mismatch:
            require_same(self.mechanism, mechanism.fingerprint)
        self.constant, self.longest = network.shape.constant, longest
        # A fingerprint is the same whatever the order of the species.
        self.species = tuple(species or (mechanism or self.mechanism).species)
        order = self.mechanism.order(self.species)
        self._order = None if self.species == self.mechanism.species else order
        self._back = np.argsort(order)

    def advance(self, temperature: Any, pressure: Any, mass_fraction: Any, dt: Any) -> State:
        """Every cell after its time step, computed in float64 but for the dense network.

        Args:
            temperature, pressure, dt: numbers or [cell], in K, Pa and s.
            mass_fraction: [cell, species]; what is slightly negative counts as zero.
        Returns:
            Tensors if ``mass_fraction`` is one, else arrays. Cells that are OUT_OF_DOMAIN or CLIPPED have an answer
            that is not to be relied upon; those with NaN stay as they were.
        Raises:
            ShapeError, DomainError, OptionError: see `geodl.chemistry.state.cells`.
        """
        given = cells(temperature, pressure, mass_fraction, dt, species=len(self.mechanism.species))
        like, device = given[2], self.network.scale.mean.device
        t, p, y, steps = (x.detach().to(device, torch.float64) for x in given)
        tensors = isinstance(mass_fraction, Tensor)
        with torch.inference_mode(not tensors), torch.no_grad():  # faster, but its tensors take no gradient
            after, fractions, status = self._in_parts(t, p, y, steps, like.dtype)
        if tensors:
            return State(after.to(like), fractions.to(like), status.to(like.device))
        dtype = np.asarray(mass_fraction).dtype
        return State(_array(after, dtype), _array(fractions, dtype), status.cpu().numpy())

    def _in_parts(self, t: Tensor, p: Tensor, y: Tensor, dt: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """Cells after their time steps; of many parts the worst status counts."""
        parts = (dt / self.longest).ceil().clamp(1, MOST_PARTS)
        part = dt / parts
        answer = self._answer(t, p, y, part, dtype)
        for done in range(1, int(parts.nan_to_num().amax()) if len(parts) else 0):
            rows = (parts > done).nonzero().squeeze(1)
            t, y, status = (x[rows] for x in answer)
            after, fractions, again = self._answer(t, p[rows], y, part[rows], dtype)
            new = after, fractions, torch.maximum(status, again)
            answer = tuple(old.index_copy(0, rows, x) for old, x in zip(answer, new, strict=True))
        return answer

    def _answer(self, t: Tensor, p: Tensor, fractions: Tensor, dt: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
        given = (fractions if self._order is None else fractions[:, self._order]).clamp(min=0)
        y = given if dtype == torch.float64 else self.network.settled(given, dtype)
        seen = self.network.look(t, p, y, dt)
        heated, after, status, *_ = self.network.step(t, y, dt, seen)
        if y is not given:  # what does not move is not to be settled either
            after = torch.where(((status == FROZEN) | (dt == 0))[:, None], given, after)
        guard = self.surrogate.guard
        at_home = guard(seen.to(guard.mean.device)).to(seen.device) | (dt == 0)  # no step is exact anywhere
        sound = torch.isfinite(heated) & torch.isfinite(after.sum(1)) & (t > 0) & (p > 0) & torch.isfinite(p)
        status = torch.where(sound & (at_home | (status >= FROZEN)), status, OUT_OF_DOMAIN).to(torch.int8)
        after = after if self._order is None else after[:, self._back]
        return torch.where(sound, heated, t), torch.where(sound[:, None], after, fractions), status


def _array(tensor: Tensor, dtype: np.dtype[Any]) -> Array:
    return tensor.cpu().numpy().astype(dtype, copy=False)
