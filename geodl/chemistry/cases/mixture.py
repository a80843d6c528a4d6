"""A fuel and an oxidizer mixed at an equivalence ratio."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.errors import OptionError

AIR = "O2:1, N2:3.76"
# Molecules of O2 that one atom takes to burn to CO2, H2O and SO2; other elements do not burn.
OXYGEN_DEMAND = {"C": 1.0, "H": 0.25, "S": 1.0, "O": -0.5}


def premixed(
    mechanism: Mechanism, fuel: str, oxidizer: str, equivalence_ratio: ArrayLike
) -> Float[np.ndarray, "*cell species"]:
    """Mass fractions of a mixture that has ``equivalence_ratio`` times the fuel that its oxidizer can burn.

    Args:
        fuel, oxidizer: moles, such as ``"H2"`` and ``"O2:1, N2:3.76"``.
        equivalence_ratio: one number or an array of them, zero or more.
    Raises:
        OptionError: a text that is no composition, a fuel that does not burn, an oxidizer that brings no oxygen.
        MechanismError: a species that the mechanism does not have.
    Source: Turns 2012, An Introduction to Combustion, section 2.2.
    """
    ratio = np.asarray(equivalence_ratio, float)
    if not (ratio >= 0).all():
        raise OptionError(f"the equivalence ratio is {equivalence_ratio!r}, expected zero or more")
    burns, feeds = (mole_fractions(mechanism, text) for text in (fuel, oxidizer))
    demand = _oxygen_demand(mechanism)
    if demand @ burns <= 0 or demand @ feeds >= 0:
        raise OptionError(f"the fuel {fuel!r} needs no oxygen, or the oxidizer {oxidizer!r} has none left to give")
    mass = mechanism.weights * (burns * ratio[..., None] / (demand @ burns) - feeds / (demand @ feeds))
    return mass / mass.sum(-1, keepdims=True)


def mole_fractions(mechanism: Mechanism, composition: str) -> Float[np.ndarray, " species"]:
    """Mole fractions of a text such as ``"O2:1, N2:3.76"``, scaled to a sum of one.

    Raises:
        OptionError: the text is not a list of ``name:amount`` with amounts above zero.
        MechanismError: a species that the mechanism does not have.
    """
    moles = np.zeros(len(mechanism.species))
    for part in composition.split(","):
        name, colon, amount = part.rpartition(":")
        moles[mechanism.index((name if colon else part).strip())] = _amount(amount if colon else "1", composition)
    return moles / moles.sum()


def _amount(text: str, composition: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 < amount < np.inf:
        raise OptionError(f"{text.strip()!r} in {composition!r} is no amount above zero, as in 'O2:1, N2:3.76'")
    return amount


def _oxygen_demand(mechanism: Mechanism) -> np.ndarray:
    """Molecules of O2 that a molecule of each species takes to burn."""
    return np.array([OXYGEN_DEMAND.get(element, 0.0) for element in mechanism.elements]) @ np.array(
        mechanism.composition, float
    )
