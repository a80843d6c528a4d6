"""One number for all that decides the chemistry of a mechanism."""

import hashlib
import json
from typing import Any

from geodl.chemistry.mechanism.nasa import read_nasa
from geodl.chemistry.mechanism.phase import IDEAL_GAS, Entry, Phase, Reaction
from geodl.chemistry.mechanism.rate_parameters import rate_parameters

_DIGITS = 12  # of numbers: conversions from other units differ in the last ones


def fingerprint(phase: Phase) -> str:
    """SHA-256 of the species and reactions of a phase.

    Another order, other comments, names of files and phases, or units leave it as it is; another number does not.

    Raises:
        MechanismError: a rate or a polynomial cannot be read.
    """
    used = {element for entry in phase.species for element in entry["composition"]}
    weights = zip(phase.elements, phase.atomic_weights, strict=True)
    content = {
        "thermo": IDEAL_GAS,
        "atomic weights": {element: weight for element, weight in weights if element in used},
        "species": sorted(_text(_species(entry)) for entry in phase.species),
        "reactions": sorted(_text(_reaction(reaction)) for reaction in phase.reactions),
    }
    return hashlib.sha256(_text(content).encode()).hexdigest()


def _text(value: Any) -> str:
    return json.dumps(_rounded(value), sort_keys=True, separators=(",", ":"))


def _rounded(value: Any) -> Any:
    """All numbers as floats, whether they were written as 1, 1.0 or 1.00000000000001."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(f"{value:.{_DIGITS}g}") + 0.0 if number else value  # + 0.0: there is no -0.0


def _species(entry: Entry) -> Entry:
    pressure = entry["thermo"].get("reference-pressure")
    return {"name": entry["name"], "composition": entry["composition"], "nasa": read_nasa(entry), "p": pressure}


def _reaction(reaction: Reaction) -> Entry:
    equation = reaction.equation
    return {
        "reactants": equation.reactants,
        "products": equation.products,
        "reversible": equation.reversible,
        "falloff": equation.falloff,
        **rate_parameters(reaction),
    }
