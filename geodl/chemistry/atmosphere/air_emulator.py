"""A surrogate in the place of a solver of atmospheric kinetics: boxes in, boxes out, and how far to trust them."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from geodl.chemistry.atmosphere.air_given import require_same_air
from geodl.chemistry.atmosphere.air_network import TRACE, AirNetwork
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.chemistry.atmosphere.reference import AirState
from geodl.chemistry.state import OK, OUT_OF_DOMAIN, Array
from geodl.core.surrogate import Surrogate
from geodl.errors import BundleError, OptionError, ShapeError

UNDERSHOOT = 0.01 / TRACE  # traces that a concentration may be below zero: what transport schemes leave behind


class EmulatedAir:
    """Advances cells of air by a surrogate; `geodl.chemistry.atmosphere.box.roll_out` takes it as any `AirChemistry`.

    Args:
        surrogate: of the family chemistry, for a lumped mechanism.
        mechanism: the one that the simulation uses; another one than the surrogate's is refused.
        allow_mechanism_mismatch: take the surrogate for another mechanism all the same.
    Raises:
        BundleError: a surrogate of something else.
        MechanismError: another mechanism.
    """

    def __init__(
        self,
        surrogate: Surrogate,
        *,
        mechanism: LumpedMechanism | None = None,
        allow_mechanism_mismatch: bool = False,
    ):
        network = surrogate.core.network
        if not isinstance(network, AirNetwork):
            raise BundleError(
                f"a surrogate of the family {surrogate.family.name!r} was given, expected one of atmospheric "
                f"chemistry: geodl.load('chemistry-cb5')"
            )
        self.surrogate, self.network = surrogate, network
        self.mechanism = LumpedMechanism.from_record(dict(surrogate.family.options["mechanism"]))
        if mechanism is not None and not allow_mechanism_mismatch:
            require_same_air(self.mechanism, mechanism.fingerprint)

    @torch.no_grad()
    def advance(
        self,
        temperature: Any,
        pressure: Any,
        concentration: Array,
        dt: float,
        *,
        photolysis: Any = 0.0,
        emission: Array | None = None,
    ) -> AirState:
        """Every cell after a time step, computed in float64 but for the dense network.

        Args:
            temperature, pressure: numbers or [cell], in K and Pa.
            concentration: [cell, species] in mol m-3 in the order of the mechanism; what is negative by less than a
                hundredth of the mean in the training data counts as zero. M, N2, O2 and H2O act, and come back as they
                were.
            dt: seconds, the same for all cells.
            photolysis: number or [cell]: share of the shipped rates.
            emission: [cell, species] in mol m-3 s-1; none where not given.
        Returns:
            Tensors if ``concentration`` is one, else arrays. Cells that are OUT_OF_DOMAIN or CLIPPED have an answer
            that is not to be relied upon; those with NaN or negative concentrations stay as they were.
        Raises:
            ShapeError: not one row of all species for each cell, or not one number for each row.
            OptionError: a time step that is negative.
        """
        given = torch.as_tensor(np.asarray(concentration) if not isinstance(concentration, Tensor) else concentration)
        if given.ndim != 2 or given.shape[1] != len(self.mechanism.species):
            raise ShapeError(
                f"concentration has shape {list(given.shape)}, expected [cell, {len(self.mechanism.species)}]"
            )
        if not 0 <= dt < float("inf"):
            raise OptionError(f"dt is {dt!r}: expected seconds from 0 on")
        numbers = {"temperature": temperature, "pressure": pressure, "photolysis": photolysis, "dt": dt}
        cells = {name: _per_cell(name, value, len(given)) for name, value in numbers.items()}
        after, status = self._answer(given.double(), _sources(emission, given), **cells)
        if isinstance(concentration, Tensor):
            return AirState(after.to(given), status)
        return AirState(after.to(given).numpy(), status.numpy())

    def _answer(
        self,
        given: Tensor,
        emission: Tensor,
        *,
        temperature: Tensor,
        pressure: Tensor,
        photolysis: Tensor,
        dt: Tensor,
    ) -> tuple[Tensor, Tensor]:
        before = given.clamp(min=0)
        inputs = (temperature, pressure, before, photolysis, emission, dt)
        after, status, *_ = self.network.step(before, emission, dt, self.network.look(*inputs))
        doubted = ~self.surrogate.guard(self.surrogate.family.features(inputs)) & (status == OK)
        status = torch.where(doubted, OUT_OF_DOMAIN, status)
        undershot = (given.index_select(1, self.network._active) < -UNDERSHOOT * self.network.trace).any(1)
        sound = torch.isfinite(after.sum(1)) & ~undershot
        status = torch.where(sound, status, OUT_OF_DOMAIN).to(torch.int8)
        return torch.where(sound[:, None], after, given), status


def _sources(emission: Array | None, given: Tensor) -> Tensor:
    if emission is None:
        return torch.zeros_like(given, dtype=torch.float64)
    sources = torch.as_tensor(emission).to(given.device, torch.float64)
    if sources.shape != given.shape:
        raise ShapeError(f"emission has shape {list(sources.shape)}, expected {list(given.shape)} like concentration")
    return sources


def _per_cell(name: str, given: Any, number: int) -> Tensor:
    values = torch.as_tensor(given, dtype=torch.float64)
    if values.shape not in ((), (1,), (number,)):
        raise ShapeError(f"{name} has shape {list(values.shape)}, expected a number or [{number}], one for each cell")
    return values.expand(number)
