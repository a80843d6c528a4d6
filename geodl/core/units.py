"""Unit strings in the way of CF ("m s-1", "degC", "1"), compared and converted through pint, never guessed."""

import functools
import math
import re
from typing import TYPE_CHECKING

from geodl.errors import UnitsError

if TYPE_CHECKING:
    import pint

# CF and UDUNITS write powers without an operator: the place between a letter and an exponent.
_EXPONENT = re.compile(r"(?<=[A-Za-z])(?=[+-]?\d)")
_PLAIN = re.compile(r"[\w\s.*/^+()%°-]*")  # pint drops other signs without a word
# A power of a number is no unit, and 9**9**9 in a file would keep the parser busy for ever.
_TOWER = re.compile(r"[\d)]\s*(\*\*|\^)|(\*\*|\^)\s*[+-]?\d{3}")
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
        if not _PLAIN.fullmatch(text):
            raise ValueError("a sign that no unit has")
        if _TOWER.search(text):
            raise ValueError("a power of a number: write the number itself")
        return registry().Unit("dimensionless" if text.strip() in ("", "1") else text)
    except Exception as error:  # pint raises many classes, from its parser and from Python's tokenizer
        raise UnitsError(
            f"{text!r} is not a unit that geodl knows ({error}). Write it as CF does, for example 'm s-1', 'K' or '1'."
        ) from error


@functools.lru_cache(maxsize=1024)
def affine(given: str, wanted: str) -> tuple[float, float]:
    """Scale and offset such that ``value [wanted] = scale * value [given] + offset``.

    Raises:
        UnitsError: one of the strings is not a unit, they measure different things, or one is logarithmic.
    """
    if given == wanted:
        return 1.0, 0.0
    source, target = parse(given), parse(wanted)
    if source.dimensionality != target.dimensionality:
        raise UnitsError(f"units {given!r} cannot be converted to {wanted!r}: they measure different things")
    if source == target:
        return 1.0, 0.0
    one, two, four = (_converted(value, source, target) for value in (1.0, 2.0, 4.0))
    if not math.isclose(four - two, 2 * (two - one), rel_tol=1e-9):
        raise UnitsError(
            f"units {given!r} cannot be converted to {wanted!r} by a scale and an offset: convert it first"
        )
    offset = _converted(0.0, source, target)
    return one - offset, offset


def _converted(value: float, source: "pint.Unit", target: "pint.Unit") -> float:
    return float(registry().Quantity(value, source).to(target).magnitude)
