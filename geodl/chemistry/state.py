"""Cells that react: what goes into an advance, checked once, and what comes out of it."""

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor

from geodl.errors import DomainError, OptionError, ShapeError

OK, FROZEN, OUT_OF_DOMAIN, CLIPPED, FAILED = range(5)
STATUS = ("ok", "frozen", "out of domain", "clipped", "failed")
SUM_TOLERANCE = 1e-4  # of mass fractions in a cell; those of mole fractions or of a cut list are further off
NEGATIVE_TOLERANCE = 1e-6  # what a transport scheme leaves below zero

Array = Tensor | np.ndarray


@dataclasses.dataclass(frozen=True)
class State:
    """Cells after a time step, tensors or arrays as they came in.

    Attributes:
        temperature: [cell] in K.
        mass_fraction: [cell, species].
        status: [cell] int8: OK, FROZEN (too cold to react, unchanged), OUT_OF_DOMAIN, CLIPPED (the projection onto the
            elements had to be limited) or FAILED (the solver gave up, unchanged).
    """

    temperature: Array
    mass_fraction: Array
    status: Array

    def source(self, before: Array, dt: Any) -> Array:
        """Mean rate of change (Y(t + dt) - Y(t)) / dt [cell, species] in 1/s; ``dt`` is a number or [cell]."""
        steps = dt if isinstance(dt, float | int) else dt[..., None]
        return (self.mass_fraction - before) / steps  # type: ignore[operator]


def cells(
    temperature: Any, pressure: Any, mass_fraction: Any, dt: Any, *, species: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One number or one per cell as tensors [cell], [cell], [cell, species], [cell] like ``mass_fraction``.

    A cell with NaN passes: its answer says so in its status.

    Raises:
        ShapeError: not one row of all species for each cell, or not one number for each row.
        DomainError: mass fractions that are negative or do not add up to one.
        OptionError: a time step that is negative or NaN.
    """
    fractions = mass_fraction if isinstance(mass_fraction, Tensor) else torch.tensor(np.asarray(mass_fraction))
    fractions = fractions if fractions.is_floating_point() else fractions.double()  # else dt would be made whole
    if fractions.ndim != 2 or fractions.shape[1] != species:
        raise ShapeError(
            f"mass_fraction has shape {list(fractions.shape)}, expected [cell, {species}], one column for each species "
            f"of the mechanism in its order: see mechanism.order"
        )
    _refuse_fractions(fractions)
    numbers = {"temperature": temperature, "pressure": pressure, "dt": dt}
    t, p, steps = (_per_cell(name, given, fractions) for name, given in numbers.items())
    if not bool((steps >= 0).all()):
        raise OptionError(f"dt has {float(steps.min())!r}: expected seconds from 0 on")
    return t, p, fractions, steps


def _per_cell(name: str, given: Any, like: Tensor) -> Tensor:
    values = (given if isinstance(given, Tensor) else torch.tensor(given, dtype=torch.float64)).to(like)
    if values.shape not in ((), (1,), like.shape[:1]):
        raise ShapeError(
            f"{name} has shape {list(values.shape)}, expected a number or [{len(like)}], one for each cell"
        )
    return values.expand(len(like))


def _refuse_fractions(fractions: Tensor) -> None:
    """NaN compares as false, and passes."""
    error = (fractions.sum(-1) - 1).abs()
    if bool((error > SUM_TOLERANCE).any()):
        cell = int(error.nan_to_num().argmax())
        raise DomainError(
            f"the mass fractions of cell {cell} add up to {float(fractions[cell].sum()):.8g}, expected 1 to "
            f"{SUM_TOLERANCE:g}: convert mole fractions or concentrations, and give all species"
        )
    if bool((fractions < -NEGATIVE_TOLERANCE).any()):
        cell, column = map(int, (fractions < -NEGATIVE_TOLERANCE).nonzero()[0])
        raise DomainError(
            f"species {column} of cell {cell} has the mass fraction {float(fractions[cell, column]):.3g}, expected 0 "
            f"or more: clip what a transport scheme undershoots"
        )
