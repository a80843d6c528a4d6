"""The network that steps air: loss and steady state of every species, exact families, air itself as given."""

import dataclasses

import torch
from torch import Tensor, nn

from geodl.chemistry.atmosphere.air_features import NUMBERS, TIME, numbers
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.chemistry.atmosphere.pools import Pools
from geodl.chemistry.state import CLIPPED, OK, OUT_OF_DOMAIN
from geodl.chemistry.surrogate.dense import TAKEN, Dense, limit, random_parts
from geodl.chemistry.surrogate.features import FeatureScale
from geodl.chemistry.surrogate.projection import Projected, Projection
from geodl.core.contract import Tensors

FORGETFUL = ("O1D", "O", "OH", "CL", "HCO3", "TO2", "ROR")  # gone within a second: they follow from all others
UNLEARNED = 1e-20  # mol m-3, traces of a network that has learned none, such as the eyes of the guard
TRACE = 1e-5  # of the mean concentration of a species, on whose scale what is there and what is absent are told apart
_FOLDS = 3.0  # of a loss frequency by e, for one unit of the network
_SLOWEST, _FASTEST = -25.0, 8.0  # logarithm of a loss frequency times TIME
_AT_ONCE = 10.0  # 1/s, of what forgets
_ABOVE = 25.0  # logarithm of a steady state over the mean, at most


@dataclasses.dataclass(frozen=True)
class AirShape:
    """Of a network of air.

    Attributes:
        hidden: widths of the hidden layers.
        members: dense networks whose mean answers, and whose spread says how sure it is.
        rollout: most equal parts in which training takes a time step, see `random_parts`.
        rolled: share of the batches in which it takes more than one.
    """

    hidden: tuple[int, ...] = (64, 64)
    members: int = 1
    rollout: int = 1
    rolled: float = 1 / 3


class AirNetwork(nn.Module):
    """Steps concentrations by loss frequencies k and steady states s that dense networks tell:

        c(t + dt) = c e^(-k dt) + s (1 - e^(-k dt)),        c = c(t) + emission dt

    which is positive whatever k and s are, and changes nothing in no time. The networks see logarithms of species, and
    of learned pools of them. A projection restores the conserved families exactly. Air (M, N2, O2, H2O) and what is
    absent pass as they are. All but the dense part is computed in float64; results have the precision of the inputs.
    """

    def __init__(self, mechanism: LumpedMechanism, shape: AirShape):
        super().__init__()
        self.shape, species = shape, mechanism.species
        passive = {*mechanism.given, *mechanism.absent}
        active = [name for name in species if name not in passive]
        self.seen = sum(name not in FORGETFUL for name in active)  # the first of the active
        self.active = [mechanism.index(name) for name in sorted(active, key=lambda name: name in FORGETFUL)]
        self.absent = [mechanism.index(name) for name in mechanism.absent]
        self.vapour = [i for i, name in enumerate(species) if name == "H2O"]
        self.shipped = sum(mechanism.emission.values()) or 1.0
        self.register_buffer("_active", torch.tensor(self.active), persistent=False)
        count, seen = len(self.active), self.seen
        self.pools = Pools(seen)
        sizes = (NUMBERS + seen + self.pools.count, *shape.hidden, seen + count)
        self.dense = nn.ModuleList(Dense(sizes) for _ in range(shape.members))
        self.scale = FeatureScale(NUMBERS + count)
        self.register_buffer("trace", torch.full((count,), UNLEARNED, dtype=torch.float64))
        self.register_buffer("usual", torch.zeros(seen))
        self.register_buffer("largest_correction", torch.tensor(torch.inf))
        self.register_buffer("largest_spread", torch.tensor(torch.inf))
        self.families = len(mechanism.families)
        if self.families:
            self.projection = Projection(mechanism.family_matrix[:, self.active].astype(float))

    _active: Tensor
    trace: Tensor
    usual: Tensor
    largest_correction: Tensor
    largest_spread: Tensor

    def forward(
        self,
        temperature: Tensor,
        pressure: Tensor,
        concentration: Tensor,
        photolysis: Tensor,
        emission: Tensor,
        dt: Tensor,
    ) -> Tensors:
        """Concentrations [cell, species] after ``dt``; in evaluation diagnostics [cell] too.

        These are status, largest relative correction by the projection, and spread of the members.
        """
        given = (temperature, pressure, concentration, photolysis, emission, dt)
        t, p, c, light, source, steps = (x.double() for x in given)
        if self.training:
            parts = random_parts(self.shape.rollout, self.shape.rolled)
            for _ in range(parts):
                c, *_ = self.step(c, source, steps / parts, self.look(t, p, c, light, source, steps / parts))
            return (c.to(concentration),)
        c, *said = self.step(c, source, steps, self.look(t, p, c, light, source, steps))
        return c.to(concentration), *(word.to(temperature) for word in said)

    def look(
        self,
        temperature: Tensor,
        pressure: Tensor,
        concentration: Tensor,
        photolysis: Tensor,
        emission: Tensor,
        dt: Tensor,
    ) -> Tensor:
        """What is seen of cells [cell, feature]: numbers, then logarithms of what there is with all emitted."""
        vapour = concentration[:, self.vapour].sum(-1)
        strength = emission.sum(-1) / self.shipped
        first = numbers(temperature, pressure, vapour, photolysis=photolysis, emission=strength, dt=dt)
        return torch.cat([first, (self._fed(concentration, emission, dt) + self.trace).log()], -1)

    def _fed(self, concentration: Tensor, emission: Tensor, dt: Tensor) -> Tensor:
        active = (given.index_select(1, self._active) for given in (concentration, emission))
        return next(active) + next(active) * dt[:, None]

    def step(self, concentration: Tensor, emission: Tensor, dt: Tensor, seen: Tensor) -> Tensors:
        """One step in float64 of cells that were looked at: concentrations, status, correction, spread."""
        before = self._fed(concentration, emission, dt)
        moved, spread = self.moved(seen, before, dt)
        restored = self._restored(moved, before)
        after = concentration.index_copy(1, self._active, restored.composition.T)
        return after, self._status(concentration, restored, spread), restored.correction, spread

    def _restored(self, moved: Tensor, before: Tensor) -> Projected:
        """With the families of before; of a mechanism without families, as it is."""
        if self.families:
            return self.projection(moved.T, before.T)
        none = torch.zeros_like(moved[:, 0])
        return Projected(moved.T, none, none.bool())

    def moved(self, seen: Tensor, before: Tensor, dt: Tensor) -> tuple[Tensor, Tensor]:
        """Concentrations of the active species after ``dt`` [cell, species], and how far the members differ [cell]."""
        lasting = seen[:, NUMBERS : NUMBERS + self.seen]
        scaled, found = torch.cat([self.scale(seen)[:, : NUMBERS + self.seen], self.pools(lasting)], -1), []
        for member in self.dense:
            speed, steady = member(scaled).to(before).split([self.seen, len(self.active)], -1)
            share = self._share(speed, dt)
            mean, std = self.scale.mean[NUMBERS:].double(), self.scale.std[NUMBERS:].double()
            state = (mean + (2 * std * steady).clamp(max=_ABOVE)).exp()
            found.append(before + share * (state - before))
        if len(found) == 1:
            return found[0], torch.zeros_like(dt)
        each = torch.stack(found)
        return each.mean(0), (each + self.trace).log().std(0).amax(-1)

    def _share(self, speed: Tensor, dt: Tensor) -> Tensor:
        """1 - e^(-k dt) of every active species."""
        frequency = (self.usual + _FOLDS * speed).clamp(_SLOWEST, _FASTEST).exp()
        forgotten = (_AT_ONCE * TIME * torch.ones_like(dt))[:, None].expand(-1, len(self.active) - self.seen)
        return -torch.expm1(-torch.cat([frequency, forgotten], -1) * (dt / TIME)[:, None])

    def _status(self, concentration: Tensor, projected: Projected, spread: Tensor) -> Tensor:
        unsure = (projected.correction > self.largest_correction) | (spread > self.largest_spread)
        unsure = unsure | (concentration[:, self.absent] != 0).any(-1)
        status = torch.where(unsure, OUT_OF_DOMAIN, OK)
        return torch.where(projected.limited, CLIPPED, status)


def take_scale(network: nn.Module, inputs: Tensors, outputs: Tensors) -> None:
    """Learn what traces are and how fast species change, and standardise what the dense networks see."""
    assert isinstance(network, AirNetwork)
    network.trace.copy_((TRACE * outputs[0][:, network.active].double().mean(0)).clamp(min=1e-40))
    temperature, pressure, concentration, photolysis, emission, dt = (x.double() for x in inputs)
    seen = network.look(temperature, pressure, concentration, photolysis, emission, dt)
    network.scale.fit(seen)
    network.pools.fit(seen[:, NUMBERS : NUMBERS + network.seen])
    after = (outputs[0][:, network.active].double() + network.trace).log()
    change = (after - seen[:, NUMBERS:]).abs().mean(0) / network.scale.std[NUMBERS:]
    network.usual.copy_(change.clamp(1e-9, 1.0).log()[: network.seen])


def take_limits(network: nn.Module, inputs: Tensors, outputs: Tensors) -> None:
    """How large corrections and spread are on training data, beyond which an answer is not to be trusted."""
    del outputs
    assert isinstance(network, AirNetwork)
    temperature, pressure, concentration, photolysis, emission, dt = (x[:TAKEN].double() for x in inputs)
    seen = network.look(temperature, pressure, concentration, photolysis, emission, dt)
    *_, correction, spread = network.step(concentration, emission, dt, seen)
    network.largest_correction.copy_(limit(correction))
    network.largest_spread.copy_(limit(spread))
