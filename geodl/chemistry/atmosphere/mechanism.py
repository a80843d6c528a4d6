"""A lumped atmospheric mechanism as a surrogate knows it: species, conserved families, air, fingerprint."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from geodl.chemistry.atmosphere.musica import conditions, configuration, parsed
from geodl.chemistry.atmosphere.null_space import conserved_families, family_matrix
from geodl.errors import MechanismError, did_you_mean

GIVEN = ("M", "N2", "O2", "H2O")  # air: taken as it is at every step, though a mechanism may use it up
_NO_REACTIONS = ("EMISSION", "FIRST_ORDER_LOSS")


@dataclasses.dataclass(frozen=True)
class LumpedMechanism:
    """Species that stand for many molecules, so that families are conserved and not elements.

    Attributes:
        name: of the configuration.
        fingerprint: SHA-256 of species and reactions, whatever their order.
        species: names in the order of all arrays.
        families: conserved sums: coefficients by species, by the name of the family.
        given: species that are inputs of every step, and come back as they were.
        concentration: shipped, in mol m-3 by species.
        emission: shipped, in mol m-3 s-1 by species, for all that have a source in the mechanism.
        photolysis: shipped rates in 1/s by reaction, which one number between 0 and 1 scales together; rates that are
            shipped under a name that no reaction has (those of Chapman) are left out.
        absent: species that nothing ships, emits or makes of what is there.
    """

    name: str
    fingerprint: str
    species: tuple[str, ...]
    families: dict[str, dict[str, int]]
    given: tuple[str, ...]
    concentration: dict[str, float]
    emission: dict[str, float]
    photolysis: dict[str, float]
    absent: tuple[str, ...] = ()

    @functools.cached_property
    def family_matrix(self) -> Int[np.ndarray, "family species"]:
        """L of L c(t + dt) = L (c(t) + emission dt)."""
        return family_matrix(self.species, self.families)

    def index(self, name: str) -> int:
        """Position of a species.

        Raises:
            MechanismError: it does not exist.
        """
        if name not in self.species:
            raise MechanismError(f"{self.name} has no species {name!r}. {did_you_mean(name, self.species)}")
        return self.species.index(name)

    def order(self, names: Iterable[str]) -> Int[np.ndarray, " species"]:
        """Positions in ``names`` of the species of the mechanism: ``values[..., mechanism.order(names)]``.

        Raises:
            MechanismError: a species is missing, unknown or there twice.
        """
        names = list(names)
        for name in names:
            self.index(name)
        wrong = [name for name in self.species if names.count(name) != 1]
        if wrong:
            raise MechanismError(
                f"species {wrong[0]!r} comes {names.count(wrong[0])} times among the {len(names)} names, expected once "
                f"each of the {len(self.species)} of {self.name}"
            )
        return np.array([names.index(name) for name in self.species])

    def row(self, values: Mapping[str, float]) -> np.ndarray:
        """Numbers [species], zero where no value is named.

        Raises:
            MechanismError: a species does not exist.
        """
        row = np.zeros(len(self.species))
        for name, value in values.items():
            row[self.index(name)] = value
        return row

    def to_record(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "LumpedMechanism":
        """What `to_record` gave, also after JSON.

        Raises:
            MechanismError: a part is missing or unknown.
        """
        sequences = ("species", "given", "absent")
        values: dict[str, Any] = {key: tuple(part) if key in sequences else part for key, part in record.items()}
        try:
            return cls(**values)
        except TypeError as error:
            raise MechanismError(f"this is no record of a lumped mechanism: {error}") from error


def read_lumped(name: str | Path, *, given: Iterable[str] = GIVEN) -> LumpedMechanism:
    """The mechanism of a MUSICA configuration: a path, or a shipped one such as "carbon_bond_5".

    Raises:
        MechanismError: it does not exist or cannot be read.
        MissingPackageError: MUSICA is not installed.
    """
    path = configuration(name)
    document, shipped = parsed(path).serialize(), conditions(path)
    species = tuple(item["name"] for item in document["species"] if not item.get("is third body"))
    inputs = tuple(part for part in given if part in species)
    present = _reached({*inputs, *_emitted(document), *(k for k, v in shipped.concentration.items() if v)}, document)
    return LumpedMechanism(
        name=path.stem if Path(name).is_file() else str(name),
        fingerprint=_fingerprint(document),
        species=species,
        families=conserved_families([part for part in species if part not in inputs], _changes(document)),
        given=inputs,
        concentration={part: shipped.concentration[part] for part in species if part in shipped.concentration},
        emission={part: shipped.emission.get(part, 0.0) for part in _emitted(document)},
        photolysis={part: rate for part, rate in shipped.photolysis.items() if part in _lights(document)},
        absent=tuple(part for part in species if part not in present),
    )


def _fingerprint(document: Mapping[str, Any]) -> str:
    """Names and words of reactions count for nothing, numbers and species for all."""
    reactions = sorted(json.dumps(_bare(reaction), sort_keys=True) for reaction in document["reactions"])
    text = json.dumps([sorted(item["name"] for item in document["species"]), reactions])
    return hashlib.sha256(text.encode()).hexdigest()


def _bare(reaction: Mapping[str, Any]) -> dict[str, Any]:
    sides = {key: sorted(map(repr, value)) for key, value in reaction.items() if isinstance(value, list)}
    return {key: value for key, value in reaction.items() if not key.startswith("__")} | sides


def _emitted(document: Mapping[str, Any]) -> tuple[str, ...]:
    sources = [item for item in document["reactions"] if item["type"] == "EMISSION"]
    return tuple(part["name"] for source in sources for part in source["products"])


def _lights(document: Mapping[str, Any]) -> set[str]:
    return {item["name"] for item in document["reactions"] if item["type"] == "PHOTOLYSIS"}


def _reached(start: set[str], document: Mapping[str, Any]) -> set[str]:
    """What is there, with all that can come of it."""
    present, before = start, set[str]()
    while present != before:
        before = present
        for reaction in document["reactions"]:
            if reaction["type"] not in _NO_REACTIONS and _used(reaction) <= present:
                present = present | {part["name"] for side in _products(reaction) for part in side}
    return present


def _changes(document: Mapping[str, Any]) -> list[dict[str, float]]:
    """Moles made of each species by every reaction that is one; two branches are two reactions."""
    changes = []
    for reaction in document["reactions"]:
        if reaction["type"] not in _NO_REACTIONS:
            changes += [_change(reaction, products) for products in _products(reaction)]
    return changes


def _products(reaction: Mapping[str, Any]) -> list[Any]:
    """Of every branch."""
    kinds = ("products", "gas-phase products", "nitrate products", "alkoxy products")
    return [reaction[kind] for kind in kinds if kind in reaction]


def _reactants(reaction: Mapping[str, Any]) -> list[Any]:
    return reaction.get("reactants") or [{"name": reaction["gas-phase species"], "coefficient": 1.0}]


def _used(reaction: Mapping[str, Any]) -> set[str]:
    return {part["name"] for part in _reactants(reaction)}


def _change(reaction: Mapping[str, Any], products: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    change: dict[str, float] = {}
    for sign, parts in ((-1.0, _reactants(reaction)), (1.0, products)):
        for part in parts:
            change[part["name"]] = change.get(part["name"], 0.0) + sign * part["coefficient"]
    return change
