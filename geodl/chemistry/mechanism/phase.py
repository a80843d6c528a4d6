"""One phase of a mechanism file: the species and reactions that belong to it, also those taken from other files."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from geodl.chemistry.mechanism.atomic_weights import ATOMIC_WEIGHTS
from geodl.chemistry.mechanism.equation import Equation, read_equation
from geodl.errors import MechanismError, did_you_mean

Entry = dict[str, Any]
Document = dict[str, Any]
Find = Callable[[str], Document]  # opens another file by its name
IDEAL_GAS = "ideal-gas"


@dataclass(frozen=True)
class Reaction:
    """A reaction as its file has it.

    Attributes:
        equation: what reacts to what.
        entry: all that the file says of it.
        units: of numbers that come without, by kind ("length", "quantity", …).
    """

    equation: Equation
    entry: Entry
    units: dict[str, str]


@dataclass(frozen=True)
class Phase:
    """An ideal gas with what belongs to it, in the order of the file.

    Attributes:
        elements: symbols; atomic_weights: of these, in kg/kmol.
        species: as the file has them.
    """

    name: str
    elements: tuple[str, ...]
    atomic_weights: tuple[float, ...]
    species: tuple[Entry, ...]
    reactions: tuple[Reaction, ...]


def read_phase(document: Document, name: str | None, find: Find) -> Phase:
    """The phase of this name, or the first of the file.

    Raises:
        MechanismError: there is no such phase, it is no ideal gas, or it names what is not there.
    """
    head = _head(document, name)
    species = list(_species(document, head, find))
    elements = tuple(head.get("elements") or dict.fromkeys(e for entry in species for e in entry["composition"]))
    if head.get("skip-undeclared-elements"):
        species = [entry for entry in species if set(entry["composition"]) <= set(elements)]
    _refuse_twice(species, "the phase")
    _refuse_undeclared(elements, species)
    reactions = tuple(_reactions(document, head, {entry["name"] for entry in species}, find))
    return Phase(head["name"], elements, _weights(document, elements), tuple(species), reactions)


def _head(document: Document, name: str | None) -> Entry:
    phases = {phase["name"]: phase for phase in document.get("phases", [])}
    if not phases:
        raise MechanismError("the file has no phases, expected a list 'phases:' as Cantera writes it")
    name = next(iter(phases)) if name is None else name
    if name not in phases:
        raise MechanismError(f"the file has no phase {name!r}. {did_you_mean(name, phases)}")
    if phases[name].get("thermo") != IDEAL_GAS:
        others = [other for other, phase in phases.items() if phase.get("thermo") == IDEAL_GAS]
        instead = f"Say phase={others[0]!r}." if others else "The file has none of these."
        raise MechanismError(
            f"phase {name!r} is of kind {phases[name].get('thermo')!r}, expected {IDEAL_GAS!r}. {instead}"
        )
    return phases[name]


def _species(document: Document, head: Entry, find: Find) -> Iterator[Entry]:
    for reference, wanted in _references(head.get("species", "all"), "species"):
        entries = [entry for entry, _ in _section(document, reference, find)]
        _refuse_twice(entries, f"section {reference!r}")
        section = {entry["name"]: entry for entry in entries}
        for name in section if wanted == "all" else wanted:
            if name not in section:
                raise MechanismError(f"{reference} has no species {name!r}. {did_you_mean(name, section)}")
            yield section[name]


def _reactions(document: Document, head: Entry, species: set[str], find: Find) -> Iterator[Reaction]:
    default = "all" if "kinetics" in head and "reactions" in document else "none"
    for reference, wanted in _references(head.get("reactions", default), "reactions"):
        for entry, units in _section(document, reference, find) if wanted != "none" else ():
            equation = read_equation(entry["equation"])
            unknown = sorted(equation.names - species)
            if unknown and wanted == "all":
                raise MechanismError(f"reaction {entry['equation']!r} has species that the phase lacks: {unknown}")
            if not unknown:
                yield Reaction(equation, _declared(entry, head, species), units)


def _declared(entry: Entry, head: Entry, species: set[str]) -> Entry:
    """The reaction without efficiencies of species that the phase lacks, where it says that these are skipped."""
    efficiencies = entry.get("efficiencies", {})
    unknown = sorted(set(efficiencies) - species)
    if unknown and not head.get("skip-undeclared-third-bodies"):
        raise MechanismError(f"reaction {entry['equation']!r} has third bodies that the phase lacks: {unknown}")
    return {**entry, "efficiencies": {k: v for k, v in efficiencies.items() if k in species}} if unknown else entry


def _references(given: Any, section: str) -> Iterator[tuple[str, Any]]:
    """Sections beside what is wanted of them: "all", names, or one of both for each of several sections."""
    if isinstance(given, str) or (section == "species" and all(isinstance(item, str) for item in given)):
        yield section, given
    else:
        for item in given:
            yield from item.items() if isinstance(item, dict) else [(item, "all")]


def _section(document: Document, reference: str, find: Find) -> Iterator[tuple[Entry, dict[str, str]]]:
    """Entries of ``section`` or ``file/section`` with their units; a first entry may hold the units of the others."""
    file, _, section = reference.rpartition("/")
    document = find(file) if file else document
    if section not in document:
        raise MechanismError(f"{file or 'the file'} has no section {section!r}. {did_you_mean(section, document)}")
    units = document.get("units", {})
    for entry in document[section]:
        if set(entry) == {"units"}:
            units = {**units, **entry["units"]}
        else:
            yield entry, {**units, **entry.get("units", {})}


def _refuse_twice(species: list[Entry], where: str) -> None:
    counts = Counter(entry["name"] for entry in species)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise MechanismError(f"{where} has species twice: {twice}")


def _refuse_undeclared(elements: tuple[str, ...], species: list[Entry]) -> None:
    for entry in species:
        unknown = sorted(set(entry["composition"]) - set(elements))
        if unknown:
            raise MechanismError(f"species {entry['name']!r} has elements that the phase lacks: {unknown}")


def _weights(document: Document, elements: tuple[str, ...]) -> tuple[float, ...]:
    own = {entry["symbol"]: float(entry["atomic-weight"]) for entry in document.get("elements", [])}
    known = ATOMIC_WEIGHTS | own
    for element in elements:
        if element not in known:
            raise MechanismError(f"there is no element {element!r}. {did_you_mean(element, known)}")
    return tuple(known[element] for element in elements)
