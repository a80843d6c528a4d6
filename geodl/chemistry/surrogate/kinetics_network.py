"""The network that steps a reacting gas: relaxation of every species, exact elements, temperature from enthalpy."""

import dataclasses
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.state import CLIPPED, FROZEN, OK, OUT_OF_DOMAIN
from geodl.chemistry.surrogate.box_cox import moved, root
from geodl.chemistry.surrogate.dense import TAKEN, Dense, limit, random_parts
from geodl.chemistry.surrogate.domain import DomainNetwork, learn_domain
from geodl.chemistry.surrogate.features import NUMBERS, PRESSURE_COLUMN, TIME, FeatureScale, features
from geodl.chemistry.surrogate.projection import Projection
from geodl.chemistry.thermo import Thermo
from geodl.core.contract import Tensors

_FOLDS = 4.0  # of a rate by e, for one unit of the network
_SLOWEST, _FASTEST = -30.0, 12.0  # logarithm of a rate times TIME
_ENERGY = 2.0**20  # J/kg, about one MJ/kg; a power of two, so that an energy comes back bit for bit


@dataclasses.dataclass(frozen=True)
class Shape:
    """Of a kinetics network.

    Attributes:
        hidden: widths of the hidden layers.
        members: dense networks whose mean answers, and whose spread says how sure it is.
        constant: what the reactor keeps, "pressure" and enthalpy or "volume" and internal energy.
        frozen_below: K, where nothing reacts.
        rollout: most equal parts in which training takes a time step, see `random_parts`.
        rolled: share of the batches in which it takes more than one.
    """

    hidden: tuple[int, ...] = (96, 96, 96)
    members: int = 1
    constant: Literal["pressure", "volume"] = "pressure"
    frozen_below: float = 400.0
    rollout: int = 1
    rolled: float = 1 / 3


class KineticsNetwork(nn.Module):
    """Steps cells by roots u = Y^0.1 that relax at rates and towards targets that dense networks tell:

        u(t + dt) = u + (1 - exp(-rate dt)) (target - u)

    Slow growth is a small rate, a radical in a quasi-steady state a large one, and a step of no length changes nothing.
    The networks see the state, and what it keeps while it reacts, elements and energy, of which its equilibrium is a
    function. A projection restores the elements exactly, and temperature follows from enthalpy (constant pressure) or
    internal energy (constant volume). Inert species and frozen cells pass as they are. All but the dense part is
    computed in float64; results have the precision of the inputs.
    """

    def __init__(self, mechanism: Mechanism, shape: Shape):
        super().__init__()
        self.shape = shape
        self.active = [i for i, name in enumerate(mechanism.species) if name not in mechanism.inert]
        self.register_buffer("columns", torch.tensor(self.active), persistent=False)
        count = len(self.active)
        self.projection = Projection(mechanism.element_matrix[:, self.active])
        self.thermo = Thermo(mechanism)
        self.state = NUMBERS + count  # features of the state, before those of what it keeps
        seen = self.state + self.projection.rows + 1
        self.dense = nn.ModuleList(Dense((seen, *shape.hidden, 2 * count)) for _ in range(shape.members))
        self.scale = FeatureScale(seen)
        self.register_buffer("largest_correction", torch.tensor(torch.inf))
        self.register_buffer("largest_spread", torch.tensor(torch.inf))
        self.domain = DomainNetwork(self.state, heat=2)
        self.budget = DomainNetwork(seen - self.state + 1, heat=1)
        # What a cell keeps: of a burnt one it says as much about where it comes from as of a fresh one.
        self._kept = [seen - 1, PRESSURE_COLUMN, *range(self.state, seen - 1)]

    columns: Tensor  # of the species that react
    largest_correction: Tensor
    largest_spread: Tensor

    def forward(self, temperature: Tensor, pressure: Tensor, mass_fraction: Tensor, dt: Tensor) -> Tensors:
        """Temperature [cell] and mass fractions [cell, species] after ``dt``; in evaluation diagnostics too.

        These are status, largest relative correction by the projection, spread of the members, and log odds that the
        state is like those of training, above their limit [cell].
        """
        t, y, p, steps = (x.double() for x in (temperature, mass_fraction, pressure, dt))
        if self.training:
            parts = random_parts(self.shape.rollout, self.shape.rolled)
            for part in range(1, parts + 1):
                seen = self.look(t, p, y, steps / parts)
                t, y, *_ = self.step(t, y, steps / parts, seen, unlimited=part == parts)
            return t.to(temperature), y.to(mass_fraction)
        t, y, *said = self.step(t, y, steps, self.look(t, p, y, steps))
        return t.to(temperature), y.to(mass_fraction), *(word.to(temperature) for word in said)

    def look(self, temperature: Tensor, pressure: Tensor, mass_fraction: Tensor, dt: Tensor) -> Tensor:
        """What dense networks and guard see of cells [cell, feature]: their state, elements in kmol/kg, and energy."""
        active = mass_fraction.index_select(1, self.columns)
        energy = self._energy()(temperature, mass_fraction)[:, None] / _ENERGY
        state = features(temperature, pressure, root(active), dt)
        return torch.cat([state, self.projection.amounts(active.T).T, energy], -1)

    def _energy(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Of temperature and composition: what a cell keeps."""
        return self.thermo.internal_energy if self.shape.constant == "volume" else self.thermo.enthalpy

    def step(
        self, temperature: Tensor, mass_fraction: Tensor, dt: Tensor, seen: Tensor, *, unlimited: bool = False
    ) -> Tensors:
        """One step in float64 of cells that were looked at: what ``forward`` gives in evaluation.

        Args:
            unlimited: cells whose projection was limited get what was to be projected, for training: as they hardly
                move, whatever the dense networks say, these would never learn better.
        """
        before = mass_fraction.index_select(1, self.columns)
        roots, scaled = seen[:, NUMBERS : self.state], self.scale(seen)
        change, spread = self.change(scaled, roots, dt)
        raw = moved(before, roots, change)
        projected = self.projection(raw.T, before.T)
        after = mass_fraction.index_copy(1, self.columns, projected.composition.T)
        heated = self._heated(temperature, seen[:, -1] * _ENERGY, after)
        familiarity = spread if self.training else self.familiarity(scaled)
        known = (familiarity >= 0) | (dt == 0)  # no step is exact anywhere
        known &= (projected.correction <= self.largest_correction) & (spread <= self.largest_spread)
        status = self._status(temperature, projected.limited | torch.isnan(heated), known)
        # What has no temperature stays as it was; NaN goes on, so that training and callers see it.
        stays = (status == FROZEN) | (torch.isnan(heated) & torch.isfinite(after.sum(1)))
        after = torch.where(stays[:, None], mass_fraction, after)
        if unlimited:
            after = torch.where(projected.limited[:, None], mass_fraction.index_copy(1, self.columns, raw), after)
        return torch.where(stays, temperature, heated), after, status, projected.correction, spread, familiarity

    def familiarity(self, scaled: Tensor) -> Tensor:
        """How alike to those of training are the state and what it keeps [cell]; the less familiar of both counts."""
        kept = scaled[:, self._kept]
        return torch.minimum(self.domain.familiarity(scaled[:, : self.state]), self.budget.familiarity(kept))

    def settled(self, mass_fraction: Tensor, dtype: torch.dtype) -> Tensor:
        """Mass fractions [cell, species] that came in a ``dtype``, with elements that do not drift in it."""
        given = mass_fraction.index_select(1, self.columns).T
        return mass_fraction.index_copy(1, self.columns, self.projection.settled(given, dtype).T)

    def change(self, scaled: Tensor, roots: Tensor, dt: Tensor) -> tuple[Tensor, Tensor]:
        """Of the roots within ``dt`` [cell, species], mean of the members, and their standard deviation [cell]."""
        found, species = [], slice(NUMBERS, self.state)
        for member in self.dense:
            speed, target = member(scaled).to(roots).chunk(2, -1)
            rate = (_FOLDS * speed).clamp(_SLOWEST, _FASTEST).exp()
            goal = self.scale.mean[species] + 2 * self.scale.std[species] * target
            found.append(-torch.expm1(-rate * (dt / TIME)[:, None]) * (goal - roots))
        if len(found) == 1:
            return found[0], torch.zeros_like(dt)
        each = torch.stack(found)
        return each.mean(0), each.std(0).amax(-1)

    def _heated(self, temperature: Tensor, energy: Tensor, after: Tensor) -> Tensor:
        """Temperature of the new composition; NaN where none has the energy."""
        volume, thermo = self.shape.constant == "volume", self.thermo
        found = thermo.temperature_from_energy if volume else thermo.temperature_from_enthalpy
        return found(energy, after, temperature)

    def _status(self, temperature: Tensor, limited: Tensor, known: Tensor) -> Tensor:
        status = torch.where(limited, CLIPPED, torch.where(known, OK, OUT_OF_DOMAIN))
        return torch.where(temperature < self.shape.frozen_below, FROZEN, status)


def take_scale(network: nn.Module, inputs: Tensors, outputs: Tensors) -> None:
    """Standardise what the dense networks see."""
    del outputs
    assert isinstance(network, KineticsNetwork)
    temperature, pressure, mass_fraction, dt = (x.double() for x in inputs)
    network.scale.fit(network.look(temperature, pressure, mass_fraction, dt))


def take_limits(network: nn.Module, inputs: Tensors, outputs: Tensors) -> None:
    """Learn what is known from training data: the domain, and how large corrections and spread are in it."""
    del outputs
    assert isinstance(network, KineticsNetwork)
    temperature, pressure, mass_fraction, dt = (x.double() for x in inputs)
    seen = network.look(temperature, pressure, mass_fraction, dt)
    first = slice(TAKEN)
    *_, correction, spread, _ = network.step(temperature[first], mass_fraction[first], dt[first], seen[first])
    network.largest_correction.copy_(limit(correction))
    network.largest_spread.copy_(limit(spread))
    scaled = network.scale(seen)
    learn_domain(network.domain, scaled[:, : network.state])
    learn_domain(network.budget, scaled[:, network._kept])
