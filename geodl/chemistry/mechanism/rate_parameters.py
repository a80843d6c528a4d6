"""Parameters of rates in m, s, kmol, J and Pa, whatever units a file has them in."""

import math
from typing import Any

from geodl.chemistry.mechanism.equation import THIRD_BODY
from geodl.chemistry.mechanism.mechanism import GAS_CONSTANT
from geodl.chemistry.mechanism.phase import Entry, Reaction
from geodl.core.units import affine
from geodl.errors import MechanismError, UnitsError

_NOT_RATES = {"equation", "type", "units", "id", "note"}
_KNOWN = {"elementary", "three-body", "falloff", "chemically-activated", "pressure-dependent-Arrhenius", "Chebyshev"}
_SI = {"length": "m", "time": "s", "quantity": "kmol", "energy": "J", "pressure": "Pa"}
_AVOGADRO = 6.02214076e26  # per kmol
_ELECTRONVOLT = 1.602176634e-19 * _AVOGADRO  # J/kmol


def rate_parameters(reaction: Reaction) -> Entry:
    """The kind of a reaction and its parameters; of kinds that are rare, these stay as written, beside their units.

    Raises:
        MechanismError: a unit is unknown, or a number is none.
    """
    written = {key: value for key, value in reaction.entry.items() if key not in _NOT_RATES}
    three_body = THIRD_BODY in reaction.equation.reactants
    kind = reaction.entry.get("type", "elementary")
    kind = "three-body" if kind == "elementary" and three_body else kind
    if kind not in _KNOWN:
        return {"type": kind, "units": reaction.units, **written}
    try:
        return {"type": kind, **{key: _in_si(reaction, kind, key, value) for key, value in written.items()}}
    except (UnitsError, ValueError, TypeError, AttributeError) as error:
        raise MechanismError(f"the rate of {reaction.entry['equation']!r} cannot be read: {error}") from error


def _in_si(reaction: Reaction, kind: str, key: str, value: Any) -> Any:
    units = {**_SI, **reaction.units}
    order = _order(reaction) + (key == "low-P-rate-constant") - (kind == "chemically-activated")
    if key in ("rate-constant", "low-P-rate-constant", "high-P-rate-constant"):
        return _arrhenius(value, order, units)
    if key == "rate-constants":
        return [_arrhenius(part, order, units) for part in value]
    if key == "pressure-range":
        return [_quantity(part, units["pressure"], "Pa") for part in value]
    if kind == "Chebyshev" and key == "data":  # of log10 k: another unit of k shifts the constant term
        (constant, *row), *rows = value
        return [[constant + math.log10(_scale(order, units)), *row], *rows]
    return value


def _order(reaction: Reaction) -> float:
    """Concentrations that the forward rate is a product of; M of a three-body reaction is one of them."""
    return sum((reaction.equation.reactants | reaction.entry.get("orders", {})).values())


def _arrhenius(value: Any, order: float, units: dict[str, str]) -> Entry:
    entry = value if isinstance(value, dict) else dict(zip(("A", "b", "Ea"), value, strict=True))
    energy = units.get("activation-energy", f"{units['energy']}/{units['quantity']}")
    convert = {
        "A": lambda number: _factor(number, order, units),
        "Ea": lambda number: _energy(number, energy),
        "P": lambda number: _quantity(number, units["pressure"], "Pa"),
    }
    return {key: convert[key](part) if key in convert else part for key, part in entry.items()}


def _factor(value: float | str, order: float, units: dict[str, str]) -> float:
    number, unit = _split(value)
    if unit:
        return _quantity(value, unit, f"m^{3 * (order - 1):g} kmol^{1 - order:g} s^-1")
    return number * _scale(order, units)


def _scale(order: float, units: dict[str, str]) -> float:
    """What a rate coefficient is multiplied with to be in (m³/kmol)^(order - 1)/s."""
    amount = 1 / _AVOGADRO if units["quantity"] == "molec" else affine(units["quantity"], "kmol")[0]
    volume = affine(units["length"], "m")[0] ** 3
    return (volume / amount) ** (order - 1) / affine(units["time"], "s")[0]


def _energy(value: float | str, unit: str) -> float:
    number, own = _split(value)
    per = {"K": GAS_CONSTANT, "eV": _ELECTRONVOLT}
    unit = own or unit
    return number * per[unit] if unit in per else number * affine(unit, "J/kmol")[0]


def _quantity(value: float | str, unit: str, wanted: str) -> float:
    number, own = _split(value)
    return number * affine(own or unit, wanted)[0]


def _split(value: float | str) -> tuple[float, str]:
    """A number, and its unit if it comes with one."""
    number, _, unit = value.partition(" ") if isinstance(value, str) else (value, "", "")
    return float(number), unit.strip()
