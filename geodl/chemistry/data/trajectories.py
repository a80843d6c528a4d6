"""States that gas passes through: in a reactor that ignites, in one that goes out, and in a free flame."""

import dataclasses

import numpy as np
from jaxtyping import Float

from geodl.chemistry.data.plan import Plan
from geodl.chemistry.reference import CanteraChemistry, import_cantera
from geodl.chemistry.surrogate.box_cox import FLOOR, POWER

FLAME_WIDTH = 0.03  # m of the first grid of a flame, at one atmosphere
ATMOSPHERE = 101325.0  # Pa
BEHIND = 1.2  # times the way to the steepest rise


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """States in a row.

    Attributes:
        kind: "ignition", "extinction" or "flame".
        initial_temperature: of the reactor at its start, of the unburnt gas of a flame, K.
        phi: equivalence ratio.
        position: time in s in a reactor, way in m in a flame [state].
        temperature, pressure: [state] in K and Pa.
        mass_fraction: [state, species].
    """

    kind: str
    initial_temperature: float
    phi: float
    position: Float[np.ndarray, "state"]
    temperature: Float[np.ndarray, "state"]
    pressure: Float[np.ndarray, "state"]
    mass_fraction: Float[np.ndarray, "state species"]

    def arc_length(self, resolution: float) -> Float[np.ndarray, "state"]:
        """Way along the trajectory from 0 to 1, with equal parts of position, its logarithm, temperature, composition.

        Position counts until a little behind the steepest rise, where most steps of a roll-out are spent, its logarithm
        from ``resolution`` on: the slow approach to equilibrium, the heat release, and the radicals that grow over many
        powers of ten all get their share of states.
        """
        composition = np.maximum(self.mass_fraction, FLOOR) ** POWER
        steepest = self.position[np.abs(np.diff(self.temperature)).argmax() + 1]
        induction = np.minimum(self.position, BEHIND * steepest)
        measures = induction, np.log(self.position + resolution), self.temperature, composition.T
        ways = [np.abs(np.diff(measure)).reshape(-1, len(self.position) - 1).sum(0) for measure in measures]
        shares = sum(way / way.sum() for way in ways if way.sum() > 0)
        return np.concatenate([[0.0], np.cumsum(shares) / np.sum(shares)])

    def at(self, way: Float[np.ndarray, "sample"], resolution: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Temperature, pressure and mass fractions at an arc length, linear between states."""
        index = np.interp(way, self.arc_length(resolution), np.arange(len(self.position)))
        below = np.minimum(index.astype(int), len(self.position) - 2)
        share = index - below

        def between(values: np.ndarray) -> np.ndarray:
            weight = share.reshape(-1, *[1] * (values.ndim - 1))
            return np.asarray(values[below] + weight * (values[below + 1] - values[below]))  # exact where constant

        return between(self.temperature), between(self.pressure), between(self.mass_fraction)


def trajectory(plan: Plan, number: int, chemistry: CanteraChemistry) -> Trajectory:
    """A trajectory of a plan.

    Raises:
        cantera.CanteraError: it could not be computed.
    """
    rng = plan.rng(number)
    if number < plan.flames:
        return _flame(plan, rng, "unity-Lewis-number" if number % 2 else "mixture-averaged")
    return _extinction(plan, rng, chemistry) if rng.uniform() < plan.extinction else _ignition(plan, rng, chemistry)


def _ignition(plan: Plan, rng: np.random.Generator, chemistry: CanteraChemistry) -> Trajectory:
    temperature, pressure, phi = (float(plan.draw(rng, name)) for name in ("temperature", "pressure", "phi"))
    chemistry.gas.set_equivalence_ratio(phi, plan.fuel, plan.oxidizer)
    return _react(chemistry, (temperature, pressure, chemistry.gas.Y), plan.end_time, "ignition", phi)


def _extinction(plan: Plan, rng: np.random.Generator, chemistry: CanteraChemistry) -> Trajectory:
    """From a state of an ignition, mixed with fresh gas or suddenly cooled."""
    burning = _ignition(plan, rng, chemistry)
    (temperature,), (pressure,), (fractions,) = burning.at(rng.uniform(size=1), plan.span("dt")[0])
    fresh, share = float(plan.draw(rng, "flame_temperature")), rng.uniform()
    gas = chemistry.gas
    if rng.uniform() < 0.5:
        temperature = fresh + share * (temperature - fresh)
    else:
        gas.TPY = temperature, pressure, fractions
        enthalpy = gas.enthalpy_mass
        gas.TPY = fresh, pressure, burning.mass_fraction[0]
        fractions = share * fractions + (1 - share) * gas.Y
        gas.HPY = share * enthalpy + (1 - share) * gas.enthalpy_mass, pressure, fractions
        temperature = gas.T
    return _react(chemistry, (temperature, pressure, fractions), plan.end_time, "extinction", burning.phi)


def _react(
    chemistry: CanteraChemistry, start: tuple[float, float, np.ndarray], end: float, kind: str, phi: float
) -> Trajectory:
    """The solver's own steps, which are short where the chemistry is fast."""
    network, gas = chemistry.start(*start), chemistry.gas
    times, states = [0.0], [(gas.T, gas.P, gas.Y)]
    while network.time < end:
        network.step()
        times.append(network.time)
        states.append((gas.T, gas.P, gas.Y))
    temperature, pressure, fractions = (np.array(values) for values in zip(*states, strict=True))
    return Trajectory(kind, float(start[0]), phi, np.array(times), temperature, pressure, _clipped(fractions))


def _flame(plan: Plan, rng: np.random.Generator, transport: str) -> Trajectory:
    """A freely propagating premixed flame on a coarse grid."""
    cantera = import_cantera()
    gas = cantera.Solution(plan.mechanism)
    gas.transport_model = transport
    temperature, pressure, phi = (float(plan.draw(rng, name)) for name in ("flame_temperature", "pressure", "phi"))
    gas.set_equivalence_ratio(phi, plan.fuel, plan.oxidizer)
    gas.TP = temperature, pressure
    flame = cantera.FreeFlame(gas, width=FLAME_WIDTH * (ATMOSPHERE / pressure) ** 0.8)
    flame.set_refine_criteria(ratio=4, slope=0.15, curve=0.25)
    flame.solve(loglevel=0, auto=True)
    pressures = np.full(len(flame.grid), pressure)
    way = flame.grid - flame.grid[0]
    return Trajectory("flame", temperature, phi, way, np.array(flame.T), pressures, _clipped(flame.Y.T))


def _clipped(fractions: np.ndarray) -> np.ndarray:
    positive = np.maximum(fractions, 0)
    return np.asarray(positive / positive.sum(1, keepdims=True))
