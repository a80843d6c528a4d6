"""A surrogate of air as C in the place of a solver: the answers of `EmulatedAir`, many times faster."""

from typing import Any

import numpy as np

from geodl.chemistry.atmosphere.air_emulator import EmulatedAir
from geodl.chemistry.atmosphere.reference import AirState
from geodl.chemistry.state import Array
from geodl.core.surrogate import Surrogate
from geodl.exports.compiled import compiled


class CompiledAir:
    """Advances cells of air by a surrogate that is exported to C, compiled and loaded.

    Args:
        surrogate: of the family chemistry, for a lumped mechanism.
    Raises:
        BundleError: a surrogate of something else.
        ExportError: its mechanism has no conserved family.
        CompilerError: there is no C compiler.
    """

    def __init__(self, surrogate: Surrogate):
        self.mechanism = EmulatedAir(surrogate).mechanism
        self.handle = compiled(surrogate)

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
        """Every cell after a time step, as `EmulatedAir.advance`; arrays.

        Raises:
            ShapeError: not one row of all species for each cell, or not one number for each row.
        """
        given = np.asarray(concentration, float)
        sources = np.zeros_like(given) if emission is None else np.asarray(emission, float)
        return AirState(*self.handle(temperature, pressure, given, photolysis, sources, dt))
