"""What an emulator needs to know of a mechanism: its species, what they are made of, and their thermodynamics."""

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from geodl.chemistry.mechanism.nasa import Nasa as Nasa
from geodl.errors import MechanismError, did_you_mean

GAS_CONSTANT = 8314.46261815324  # J/(kmol K), exact in the SI of 2019


@dataclass(frozen=True)
class Mechanism:
    """An ideal gas of NASA-7 species. Arrays have the order of ``elements`` and ``species``.

    Attributes:
        name: of the file and the phase, for people.
        fingerprint: SHA-256 of all that decides the chemistry, see ``fingerprint``.
        atomic_weights: of the elements, in kg/kmol.
        composition: atoms [element][species]; the element E counts electrons, so that ions balance their charge.
        inert: species that no reaction makes or uses up.
    """

    name: str
    fingerprint: str
    elements: tuple[str, ...]
    atomic_weights: tuple[float, ...]
    species: tuple[str, ...]
    composition: tuple[tuple[int, ...], ...]
    nasa: tuple[Nasa, ...]
    inert: tuple[str, ...] = ()

    @functools.cached_property
    def weights(self) -> Float[np.ndarray, " species"]:
        """Molecular weights, in kg/kmol."""
        return np.asarray(self.atomic_weights) @ self._atoms

    @functools.cached_property
    def element_matrix(self) -> Float[np.ndarray, "element species"]:
        """kmol of an element in one kg of a species: a reaction leaves ``element_matrix @ mass_fraction`` as it is."""
        return self._atoms / self.weights

    @property
    def _atoms(self) -> Float[np.ndarray, "element species"]:
        return np.array(self.composition, dtype=np.float64)

    def index(self, name: str) -> int:
        """The place of a species.

        Raises:
            MechanismError: there is no such species.
        """
        if name not in self.species:
            raise MechanismError(f"{self.name} has no species {name!r}. {did_you_mean(name, self.species)}")
        return self.species.index(name)

    def order(self, names: Sequence[str]) -> Int[np.ndarray, " species"]:
        """Where each species stands in ``names``: ``given[..., order(names)]`` has the order of the mechanism.

        Raises:
            MechanismError: a name is unknown, missing, or stands there twice.
        """
        twice = [name for name, count in Counter(names).items() if count > 1]
        unknown = [name for name in names if name not in self.species]
        missing = [name for name in self.species if name not in names]
        for fault, faulty in (("given twice", twice), ("not in the mechanism", unknown), ("missing", missing)):
            if faulty:
                raise MechanismError(
                    f"species {fault}: {', '.join(map(repr, faulty))}. {self.name} has {', '.join(self.species)}: "
                    f"give each of them once, in any order."
                )
        places = {name: place for place, name in enumerate(names)}
        return np.array([places[name] for name in self.species])

    def to_record(self) -> dict[str, Any]:
        """Plain lists, numbers and words, which JSON keeps to the last digit."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Mechanism":
        """The mechanism of a record.

        Raises:
            MechanismError: the record lacks a part, or holds one too many.
        """
        try:
            parts = {name: _tuples(part) for name, part in record.items()}
            return cls(**{**parts, "nasa": tuple(Nasa(*species) for species in parts["nasa"])})
        except (KeyError, TypeError) as error:
            raise MechanismError(
                f"this is not the record of a mechanism ({error}), expected what Mechanism.to_record() gives"
            ) from error


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
