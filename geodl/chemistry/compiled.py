"""A surrogate as C in the place of a stiff solver: the answers of `EmulatedChemistry`, many times faster."""

import math
from typing import Any

from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.state import State
from geodl.core.surrogate import Surrogate
from geodl.exports.compiled import compiled


class CompiledChemistry:
    """Advances cells by a surrogate that is exported to C, compiled and loaded, for operator splitting.

    Args:
        surrogate: of the family chemistry, for combustion.
        longest: s; longer time steps are taken in up to eight equal parts.
    Raises:
        BundleError: a surrogate of something else.
        OptionError: a longest time step that is not positive.
        CompilerError: there is no C compiler.
    """

    def __init__(self, surrogate: Surrogate, *, longest: float = math.inf):
        self.mechanism, self.longest = EmulatedChemistry(surrogate, longest=longest).mechanism, longest
        self.handle = compiled(surrogate)

    def advance(self, temperature: Any, pressure: Any, mass_fraction: Any, dt: Any) -> State:
        """Every cell after its time step.

        Args:
            temperature, pressure, dt: numbers or [cell], in K, Pa and s.
            mass_fraction: [cell, species] in the order of the mechanism.
        Returns:
            Arrays; what is no cell (NaN, fractions that do not add up to one) is OUT_OF_DOMAIN and stays as it was.
        Raises:
            ShapeError: not one row of all species for each cell, or not one number for each row.
        """
        return State(*self.handle(temperature, pressure, mass_fraction, dt, longest=self.longest))
