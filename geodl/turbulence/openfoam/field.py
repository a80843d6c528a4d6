"""One field file of a time folder: numbers per cell, dimensions, and the entries of its patches."""

import dataclasses
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

from geodl.errors import DataFileError, NonFiniteError, UnitsError
from geodl.turbulence.openfoam.dictionary import LIST, Entries, FoamFile, read_dictionary, values_of
from geodl.turbulence.openfoam.number_list import kind_of

SHAPES: dict[str, tuple[int, ...]] = {"scalar": (), "vector": (3,), "symmTensor": (6,), "tensor": (9,)}
SYMMETRIC = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])  # where xx xy xz yy yz zz stand in the matrix
_UNITS = ("kg", "m", "s", "K", "mol", "A", "cd")
_NAMED = re.compile(r"([A-Za-z]+)(?:\^?([-+]?\d+))?")


@dataclasses.dataclass(frozen=True)
class Field:
    """A field in its file's order of components; ``cells`` has one row where the file says ``uniform``.

    ``dimensions`` are exponents of kg, m, s, K, mol, A, cd; None where the file has none.
    """

    path: Path
    kind: str
    dimensions: tuple[float, ...] | None
    cells: np.ndarray
    uniform: bool
    boundary: Entries

    def on(self, count: int) -> Float[np.ndarray, "cell *component"]:
        """Values of ``count`` cells.

        Raises:
            DataFileError: the file has another number of cells.
        """
        if self.uniform:
            return np.broadcast_to(self.cells, (count, *self.cells.shape[1:]))
        if len(self.cells) != count:
            raise DataFileError(
                f"{self.path} holds {len(self.cells)} cells, the mesh or the other fields have {count}. "
                f"Take both from one run, or run reconstructPar."
            )
        return self.cells


def read_field(path: Path, *kinds: str) -> Field:
    """A field of one of these kinds: scalar, vector, symmTensor or tensor.

    Raises:
        DataFileError: missing, truncated, another class, or no boundaryField where the class has one.
        NonFiniteError: NaN or infinite values.
        UnitsError: dimensions that cannot be read.
    """
    file = read_dictionary(path)
    kind = _kind(file, kinds)
    entry = next((file.entries[key] for key in ("internalField", "value", LIST) if key in file.entries), None)
    if entry is None:  # a list that stands alone, or the word before it
        entry = next((file.entries[key] for key in ("nonuniform", "uniform") if key in file.entries), None)
    if entry is None:
        raise DataFileError(f"{path} has no internalField: it is no field, or it is truncated. Write it again.")
    boundary = file.entries.get("boundaryField", {})
    if file.foam_class.startswith("vol") and not file.foam_class.endswith("Internal") and not boundary:
        raise DataFileError(f"{path} has no boundaryField: it is truncated. Write it again.")
    values = as_kind(values_of(entry), kind, f"internalField of {path}")
    uniform = values.ndim == len(SHAPES[kind])
    return Field(path, kind, _dimensions(file), values[None] if uniform else values, uniform, boundary)


def as_kind(values: np.ndarray | None, kind: str, what: str) -> np.ndarray:
    """One value ``[component]`` or a list of them ``[n, component]``, refused if neither.

    Raises:
        DataFileError: not numbers, or another number of components.
        NonFiniteError: NaN or infinite values.
    """
    shape = SHAPES[kind]
    if values is not None and values.size == 0:
        values = values.reshape(0, *shape)
    if values is None or values.shape[values.ndim - len(shape) :] != shape or values.ndim > len(shape) + 1:
        came = "no numbers" if values is None else f"shape {values.shape}"
        raise DataFileError(f"{what} has {came}, expected one {kind} or a list of them: {shape or 'one number'} each")
    bad = ~np.isfinite(values)
    if bad.any():
        first = int(np.argwhere(bad)[0][0]) if values.ndim > len(shape) else 0
        raise NonFiniteError(
            f"{what} has {int(bad.sum())} of {bad.size} values that are NaN or infinite, the first in entry {first}: "
            f"the run diverged. Take an earlier time."
        )
    return values


def _kind(file: FoamFile, kinds: tuple[str, ...]) -> str:
    found = kind_of(file.foam_class)
    if file.foam_class and (found not in kinds or file.foam_class.startswith(("surface", "point"))):
        raise DataFileError(
            f"{file.path} has class {file.foam_class}, expected {' or '.join(f'vol{_upper(k)}Field' for k in kinds)}"
        )
    return found or kinds[0]


def _upper(kind: str) -> str:
    return kind[0].upper() + kind[1:]


def _dimensions(file: FoamFile) -> tuple[float, ...] | None:
    items = file.entries.get("dimensions")
    return parse_dimensions(items[0], file.path) if isinstance(items, list) and items else None


def parse_dimensions(text: object, path: Path) -> tuple[float, ...]:
    """Exponents of ``[0 1 -1 0 0 0 0]``, of its five-entry form, or of ``[m s^-1]``.

    Raises:
        UnitsError: anything else.
    """
    words = str(text).strip("[]").replace("*", " ").split()
    try:
        exponents = [float(word) for word in words]
        if len(exponents) in (5, 7):
            return tuple(exponents + [0.0] * (7 - len(exponents)))
    except ValueError:
        named = [_NAMED.fullmatch(word) for word in words]
        if all(found and found[1] in _UNITS for found in named):
            sums = dict.fromkeys(_UNITS, 0.0)
            for found in filter(None, named):
                sums[found[1]] += float(found[2] or 1)
            return tuple(sums.values())
    raise UnitsError(f"{path}: dimensions {text!r} cannot be read, expected such as [0 1 -1 0 0 0 0]")


def check_dimensions(found: tuple[float, ...] | None, expected: tuple[float, ...], path: Path, about: str) -> None:
    """Pass what has these dimensions, or none written.

    Raises:
        UnitsError: other dimensions; says what to do with those of a compressible run.
    """
    if found is None or found == expected:
        return
    advice = "Is it the field that its name says?"
    if found[0] == expected[0] + 1 and found[1] == expected[1] - 3:
        advice = "It is that of a compressible run: divide it by the density first."
    raise UnitsError(f"{path} has dimensions {_shown(found)}, expected {_shown(expected)} ({about}). {advice}")


def _shown(dimensions: tuple[float, ...]) -> str:
    return f"[{' '.join(f'{exponent:g}' for exponent in dimensions)}]"
