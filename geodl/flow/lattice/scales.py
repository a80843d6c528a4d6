"""Metres, seconds and pascals against cells, steps and lattice pressure."""

from dataclasses import dataclass

from geodl.errors import OptionError, did_you_mean


@dataclass(frozen=True)
class Scales:
    """Conversion between physical and lattice units, where cell, step and reference density are 1.

    Attributes:
        spacing: m, size of a cell.
        velocity: m s-1, physical inflow speed.
        lattice_speed: inflow speed in cells per step.
        density: kg m-3.

    ``to_lattice`` and ``to_physical`` undo each other.
    """

    spacing: float
    velocity: float = 1.0
    lattice_speed: float = 0.08
    density: float = 1.0

    @property
    def time_step(self) -> float:
        """Seconds that one step takes."""
        return self.spacing * self.lattice_speed / self.velocity

    def unit(self, quantity: str) -> float:
        """What one lattice unit of a quantity is in SI units; forces are per unit depth.

        Raises:
            OptionError: the quantity is not known.
        """
        speed = self.spacing / self.time_step
        units = {
            "length": self.spacing,
            "time": self.time_step,
            "velocity": speed,
            "viscosity": self.spacing * speed,
            "density": self.density,
            "pressure": self.density * speed**2,
            "force": self.density * speed**2 * self.spacing,
            "acceleration": speed / self.time_step,
        }
        if quantity not in units:
            raise OptionError(f"there is no quantity {quantity!r}. {did_you_mean(quantity, units)}")
        return units[quantity]

    def to_physical(self, value: float, quantity: str) -> float:
        """From lattice units to SI units: "length" m, "viscosity" m2 s-1, "pressure" Pa, "force" N m-1, ..."""
        return value * self.unit(quantity)

    def to_lattice(self, value: float, quantity: str) -> float:
        """From SI units to lattice units."""
        return value / self.unit(quantity)
