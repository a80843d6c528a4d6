"""Mechanisms from files as Cantera has them."""

from pathlib import Path
from typing import Any

from geodl.chemistry.mechanism.fingerprint import fingerprint
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.mechanism.nasa import read_nasa
from geodl.chemistry.mechanism.phase import Entry, Phase, read_phase
from geodl.chemistry.mechanism.yaml_text import parse
from geodl.errors import MechanismError, MissingPackageError, did_you_mean


def read_mechanism(path_or_name: str | Path, phase: str | None = None) -> Mechanism:
    """The mechanism of a YAML file.

    Args:
        path_or_name: a file, or the name of one that comes with Cantera, such as "h2o2.yaml".
        phase: its name in the file; the first one without.
    Raises:
        MechanismError: there is no such file or phase, or it is not an ideal gas of NASA-7 species.
        MissingPackageError: the file is not there, and Cantera is not, whose files could be meant.
    """
    path = find_mechanism(path_or_name)
    document = _document(path)
    try:
        found = read_phase(document, phase, lambda name: _document(find_mechanism(name, beside=path)))
        return _mechanism(found, f"{path.name}/{found.name}")
    except MechanismError as error:
        raise MechanismError(f"{path}: {error}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # a part is missing, or of another kind
        raise MechanismError(f"{path} is not written as Cantera writes mechanisms: {error!r}") from error


def find_mechanism(path_or_name: str | Path, *, beside: Path | None = None) -> Path:
    """A file: as the path says, beside another one, or among those of Cantera.

    Raises:
        MechanismError: there is no such file.
        MissingPackageError: nor is Cantera there, whose files could be meant.
    """
    given = Path(path_or_name)
    for path in [given] if beside is None else [beside.parent / given, given]:
        if path.is_file():
            return path
    folders = _cantera_folders(given)
    for folder in folders:
        if (folder / given).is_file():
            return folder / given
    known = [path.name for folder in folders for path in folder.glob("*.yaml")]
    raise MechanismError(f"there is no file {given}, nor has Cantera one. {did_you_mean(given.name, known)}")


def _cantera_folders(given: Path) -> list[Path]:
    try:
        import cantera
    except ImportError as error:
        raise MissingPackageError(
            f"there is no file {given}; to look among the mechanisms of Cantera needs the extra: "
            f"pip install 'geodl[chemistry]'"
        ) from error
    return [Path(folder) for folder in cantera.get_data_directories()]


def require_same(mechanism: Mechanism, other_fingerprint: str) -> None:
    """Pass only the mechanism that another one was made for.

    Raises:
        MechanismError: the fingerprints differ.
    """
    if mechanism.fingerprint != other_fingerprint:
        raise MechanismError(
            f"{mechanism.name} has the fingerprint {mechanism.fingerprint[:12]}…, expected {other_fingerprint[:12]}…: "
            f"a species, a polynomial or a rate differs. Use the mechanism that the surrogate was trained with."
        )


def _document(path: Path) -> dict[str, Any]:
    try:
        document = parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # of which wrong characters and wrong YAML are two
        raise MechanismError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise MechanismError(f"{path} is not a mechanism, expected a map with 'phases' and 'species'")
    return document


def _mechanism(phase: Phase, name: str) -> Mechanism:
    changed = {species for reaction in phase.reactions for species in reaction.equation.changed}
    species = tuple(entry["name"] for entry in phase.species)
    return Mechanism(
        name=name,
        fingerprint=fingerprint(phase),
        elements=phase.elements,
        atomic_weights=phase.atomic_weights,
        species=species,
        composition=tuple(tuple(_atoms(entry, element) for entry in phase.species) for element in phase.elements),
        nasa=tuple(map(read_nasa, phase.species)),
        inert=tuple(name for name in species if name not in changed),
    )


def _atoms(entry: Entry, element: str) -> int:
    number = entry["composition"].get(element, 0)
    if number != int(number):
        raise MechanismError(f"species {entry['name']!r} has {number} atoms of {element}, expected a whole number")
    return int(number)
