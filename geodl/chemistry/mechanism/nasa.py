"""Polynomials of the thermodynamics of one species."""

from typing import Any, NamedTuple

from geodl.errors import MechanismError


class Nasa(NamedTuple):
    """The polynomials of one species, in the form of NASA 1993 (Report TM-4513).

    Attributes:
        t_low, t_mid, t_high: K; ``low`` holds from t_low to t_mid, ``high`` from there to t_high.
        low, high: a1 … a7 of cp/R = a1 + a2 T + … + a5 T⁴, with a6 for the enthalpy and a7 for the entropy.
    """

    t_low: float
    t_mid: float
    t_high: float
    low: tuple[float, ...]
    high: tuple[float, ...]


def read_nasa(entry: dict[str, Any]) -> Nasa:
    """The polynomials of a species of a file; those of a single range hold on both sides of its end.

    Raises:
        MechanismError: they have another form.
    """
    thermo = entry["thermo"]
    if thermo["model"] != "NASA7":
        raise MechanismError(f"species {entry['name']!r} has a polynomial {thermo['model']!r}, expected NASA7")
    ranges = tuple(map(float, thermo["temperature-ranges"]))
    data = [tuple(map(float, row)) for row in thermo["data"]]
    if len(ranges) not in (2, 3) or [len(row) for row in data] != [7] * (len(ranges) - 1):
        raise MechanismError(
            f"species {entry['name']!r} has {len(ranges)} temperatures and rows of {[len(row) for row in data]} "
            f"coefficients, expected one or two ranges of seven"
        )
    return Nasa(ranges[0], ranges[1], ranges[-1], data[0], data[-1])
