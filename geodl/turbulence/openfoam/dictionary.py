"""Entries of an OpenFOAM file: sub-dictionaries, words and lists, with $macros and #include followed."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np

from geodl.errors import DataFileError, did_you_mean
from geodl.turbulence.openfoam.cursor import Cursor, open_foam
from geodl.turbulence.openfoam.number_list import COMPONENTS, is_count, kind_of, read_list

Entries = dict[str, Any]  # a sub-dictionary, or the list of items before the semicolon
LIST = ""  # the key of a list that stands in a file without a name
_DEEPEST = 30  # includes, lists and sub-dictionaries inside each other
_NUMERIC = re.compile(rb"[\s(]*(?:[-+.\d)]|nan|inf)", re.IGNORECASE)
_LIST_TYPE = re.compile(r"List<(\w+)>")
_PASSED_OVER = ("#includeEtc", "#includeFunc", "#includeIfPresent", "#inputMode")


@dataclasses.dataclass(frozen=True)
class FoamFile:
    """What a file holds; ``foam_class`` is empty where it has no header."""

    path: Path
    foam_class: str
    entries: Entries


def read_dictionary(path: Path) -> FoamFile:
    """The entries of a file, macros and includes followed; ``#includeEtc`` is passed over, code is not run.

    Raises:
        DataFileError: missing, truncated, or not in OpenFOAM's format; names file and line.
    """
    cursor = open_foam(path)
    entries: Entries = {}
    _Parser(cursor, [entries]).fill()
    return FoamFile(path, cursor.foam_class, entries)


class _Parser:
    """Fills the innermost of ``scopes`` from a cursor."""

    def __init__(self, cursor: Cursor, scopes: list[Entries], depth: int = 0):
        if depth > _DEEPEST:
            raise cursor.refused(f"dictionaries, lists or includes lie more than {_DEEPEST} deep, one in the other")
        self.cursor, self.scopes, self.depth = cursor, scopes, depth

    def fill(self, end: str = "") -> None:
        """Read entries until the token ``end``, the end of the file by default."""
        cursor = self.cursor
        while (key := cursor.peek()) != end:
            if len(self.scopes) == 1 and (key[0].isdigit() or key == "("):
                self.scopes[-1][LIST] = self.items("")
                continue
            cursor.next()
            if key in ("", "{", "}", ")", "[", "]"):
                raise cursor.refused(f"{end or 'an entry'!r} is expected, {key or 'the end of the file'!r} came")
            self.entry(key)
        cursor.next()

    def entry(self, key: str) -> None:
        cursor, scope = self.cursor, self.scopes[-1]
        if key == ";":
            return
        if key.startswith("#"):
            self.directive(key)
        elif key.startswith("$"):
            self.merge(self.macro(key))
        elif cursor.peek() == "{":
            cursor.next()
            inner: Entries = {}
            _Parser(cursor, [*self.scopes, inner], self.depth + 1).fill("}")
            scope[key] = inner
        else:
            items = self.items(";")
            scope[key] = items[0] if len(items) == 1 and isinstance(items[0], dict) else items

    def directive(self, key: str) -> None:
        if key == "#include":
            self.included().fill()
        elif key in _PASSED_OVER:
            self.cursor.next()
        else:
            raise self.cursor.refused(f"{key} is not followed: write in its place what it gives")

    def included(self) -> "_Parser":
        """A parser on the file that is named next, for the same scopes."""
        name = self.cursor.next().strip('"')
        folder = self.cursor.path.parent
        for mark, base in (("$FOAM_CASE", folder.parent), ("<case>", folder.parent)):
            name = name.replace(mark, str(base))
        try:
            cursor = open_foam(folder / name)
        except DataFileError as error:
            raise self.cursor.refused(f"what is included cannot be read: {error}") from error
        if cursor.raw == self.cursor.raw:
            raise self.cursor.refused("the file includes itself")
        return _Parser(cursor, self.scopes, self.depth + 1)

    def macro(self, token: str) -> str:
        """``$name`` or ``${name}`` whole, of which the first token is given."""
        return token + "".join(self.cursor.next() for _ in range(3)) if self.cursor.peek() == "{" else token

    def merge(self, key: str) -> None:
        """``$name;`` alone: the entries of that dictionary."""
        target = self.resolved(key)
        if not isinstance(target, dict):
            raise self.cursor.refused(f"{key} stands where a dictionary is expected, but is {str(target)[:50]}")
        self.scopes[-1].update(target)

    def resolved(self, key: str) -> Any:
        """What a macro stands for, searched from the inside out."""
        parts = key.lstrip("$").strip("{}").strip(":.").replace(":", ".").split(".")
        for scope in reversed(self.scopes):
            found: Any = scope
            for part in parts:
                found = found.get(part) if isinstance(found, dict) else None
            if found is not None:
                return found
        known = {name for scope in self.scopes for name in scope}
        raise self.cursor.refused(f"nothing is called {key}. {did_you_mean('.'.join(parts), known)}")

    def items(self, end: str, kind: str = "") -> list[Any]:
        """What stands before ``end``: words, number arrays, dictionaries, and lists of such."""
        cursor, found = self.cursor, []
        kind = kind or (kind_of(cursor.foam_class) if len(self.scopes) == 1 else "")
        while (token := cursor.next()) != end:
            listed = _LIST_TYPE.fullmatch(token)
            if token == ";" and end == "":
                break  # a list that stands alone may end so
            if listed:
                kind = listed[1] if listed[1] in COMPONENTS else ""
            elif token in ("", "}", ")", ";", "]"):
                raise cursor.refused(f"{end!r} is expected, {token or 'the end of the file'!r} came")
            else:
                found += self.item(token, kind)
        return found

    def item(self, token: str, kind: str) -> list[Any]:
        cursor = self.cursor
        if token == "(":
            cursor.at -= 1
            return [self.bracket(kind, None)]
        if token == "{":
            inner: Entries = {}
            _Parser(cursor, [*self.scopes, inner], self.depth + 1).fill("}")
            return [inner]
        if token == "[":
            return [self.dimensions()]
        if token == "#include":
            return self.included().items("", kind)
        if token.startswith("$"):
            target = self.resolved(self.macro(token))
            return target if isinstance(target, list) else [target]
        if is_count(token) and (cursor.peek() in ("(", "{") or (token == "0" and kind and cursor.peek() == ";")):
            return [self.bracket(kind, int(token))]
        return [token.strip('"')]

    def bracket(self, kind: str, count: int | None) -> Any:
        """The list that opens here: an array if it holds numbers, items if it holds words."""
        cursor = self.cursor
        opening = cursor.raw.find(b"(", cursor.at)
        if cursor.peek() != "(" or (cursor.encoding.binary and kind and count) or _NUMERIC.match(cursor.raw, opening):
            return read_list(cursor, kind, count)
        cursor.next()
        return _Parser(cursor, self.scopes, self.depth + 1).items(")")

    def dimensions(self) -> str:
        """``[0 2 -1 0 0 0 0]`` as it stands."""
        words = []
        while (word := self.cursor.next()) != "]":
            if word in ("", ";", "{", "}"):
                raise self.cursor.refused("']' is missing behind the dimensions")
            words.append(word)
        return f"[{' '.join(words)}]"


def values_of(items: list[Any]) -> np.ndarray | None:
    """Numbers of ``uniform …`` as ``[]`` or ``[component]``, of a list as ``[n]`` or ``[n, component]``; else None."""
    found = [item for item in items if not (isinstance(item, str) and item in ("uniform", "nonuniform", "constant"))]
    if len(found) != 1 or isinstance(found[0], (dict, list)):
        return None
    try:
        return np.asarray(found[0], dtype=np.float64)
    except ValueError:
        return None
