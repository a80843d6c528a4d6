"""Equations of reactions, such as ``2 OH (+M) <=> H2O2 (+M)``."""

import re
from dataclasses import dataclass

from geodl.errors import MechanismError

_ARROWS = {"<=>": True, "=": True, "=>": False}
_FALLOFF = re.compile(r"\(\s*\+\s*(\S.*?)\s*\)(?=\s|$)")
_NUMBER = re.compile(r"\d+\.?\d*|\.\d+")
THIRD_BODY = "M"


@dataclass(frozen=True)
class Equation:
    """Both sides of a reaction.

    Attributes:
        reactants, products: coefficients by name; a third body M of a three-body reaction is one of them.
        falloff: the third body in brackets of a reaction that saturates with pressure, or nothing.
    """

    reactants: dict[str, float]
    products: dict[str, float]
    reversible: bool
    falloff: str = ""

    @property
    def names(self) -> set[str]:
        """Species that the equation names."""
        return ({*self.reactants, *self.products, self.falloff}) - {"", THIRD_BODY}

    @property
    def changed(self) -> set[str]:
        """Species of which there is more or less after the reaction."""
        return {name for name in self.names if self.reactants.get(name, 0) != self.products.get(name, 0)}


def read_equation(text: str) -> Equation:
    """Both sides of an equation.

    Raises:
        MechanismError: there is not one arrow, or a side is not a sum of species.
    """
    falloff = _FALLOFF.findall(text)
    words = _FALLOFF.sub(" ", text).split()
    arrows = [word for word in words if word in _ARROWS]
    if len(arrows) != 1 or len(set(falloff)) > 1 or len(falloff) not in (0, 2):
        raise MechanismError(f"the equation {text!r} cannot be read, expected one such as '2 OH (+M) <=> H2O2 (+M)'")
    middle = words.index(arrows[0])
    reactants, products = (_side(side, text) for side in (words[:middle], words[middle + 1 :]))
    return Equation(reactants, products, _ARROWS[arrows[0]], *falloff[:1])


def _side(words: list[str], text: str) -> dict[str, float]:
    counts: dict[str, float] = {}
    for term in " ".join(words).split(" + "):
        number, _, name = term.rpartition(" ")
        if not name or name == "+" or not _NUMBER.fullmatch(number or "1"):
            raise MechanismError(f"the equation {text!r} cannot be read: {term!r} is no species; put blanks around +")
        counts[name] = counts.get(name, 0.0) + float(number or 1)
    return counts
