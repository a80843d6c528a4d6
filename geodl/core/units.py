"""Unit strings in the way of CF ("m s-1", "degC", "1"), compared and converted through pint, never guessed."""

import functools
import re
from typing import TYPE_CHECKING

from geodl.errors import UnitsError

if TYPE_CHECKING:
    import pint

# CF and UDUNITS write powers without an operator: the place between a letter and an exponent.
_EXPONENT = re.compile(r"(?<=[A-Za-z])(?=[+-]?\d)")
_CF_NAMES = ("degrees_north = degree = degrees_N = degreeN", "degrees_east = degree = degrees_E = degreeE")


@functools.cache
def registry() -> "pint.UnitRegistry[float]":
    """The one pint registry of the library."""
    import pint

    units: pint.UnitRegistry[float] = pint.UnitRegistry(
        preprocessors=[lambda text: _EXPONENT.sub("**", text), lambda text: text.replace("%", "percent")],
        autoconvert_offset_to_baseunit=True,
    )
    for definition in _CF_NAMES:
        units.define(definition)
    return units


def parse(text: str) -> "pint.Unit":
    """The pint unit of a unit string.

    Raises:
        UnitsError: the string is not a unit.
    """
    try:
        return registry().Unit("dimensionless" if text.strip() in ("", "1") else text)
    except Exception as error:  # pint raises many classes, from its parser and from Python's tokenizer
        raise UnitsError(
            f"{text!r} is not a unit that geodl knows ({error}). Write it as CF does, for example 'm s-1', 'K' or '1'."
        ) from error


@functools.lru_cache(maxsize=1024)
def affine(given: str, wanted: str) -> tuple[float, float]:
    """Scale and offset such that ``value [wanted] = scale * value [given] + offset``.

    Raises:
        UnitsError: one of the strings is not a unit, or they measure different things.
    """
    if given == wanted:
        return 1.0, 0.0
    source, target = parse(given), parse(wanted)
    if source.dimensionality != target.dimensionality:
        raise UnitsError(f"units {given!r} cannot be converted to {wanted!r}: they measure different things")
    if source == target:
        return 1.0, 0.0
    quantity = registry().Quantity
    offset = float(quantity(0.0, source).to(target).magnitude)
    return float(quantity(1.0, source).to(target).magnitude) - offset, offset
