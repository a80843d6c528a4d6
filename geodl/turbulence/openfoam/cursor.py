"""A place in an OpenFOAM file: its bytes, its header, the next token, and errors that name file and line."""

import dataclasses
import gzip
import re
import zlib
from pathlib import Path

from geodl.errors import DataFileError

_COMMENT = re.compile(rb'"(?:[^"\\]|\\.)*+"|//[^\n]*+|/\*.*?\*/', re.DOTALL)
_INK = re.compile(rb"[^\n]")
_TOKEN = re.compile(
    rb"(?:\s++|//[^\n]*+|/\*.*?\*/)*+"
    rb'("(?:[^"\\]|\\.)*+"|\#\{.*?\#\}|[{}()\[\];]'
    rb'|[A-Za-z_](?:[^\s{}()\[\];"/]|/(?![/*]))*+(?:\([^\s(){};]*+\))*+'  # a name such as grad(U)
    rb'|(?:[^\s{}()\[\];"/]|/(?![/*]))++)?',
    re.DOTALL,
)
_FORMATS = ("ascii", "binary")
_BITS = {"32": 4, "64": 8}


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How numbers are written: as text, or as bytes of these sizes in this order."""

    binary: bool = False
    order: str = "<"
    label: int = 4
    scalar: int = 8


@dataclasses.dataclass
class Cursor:
    """``at`` moves through ``raw``; ``foam_class`` is empty where the file has no header."""

    path: Path
    raw: bytes
    at: int = 0
    encoding: Encoding = dataclasses.field(default_factory=Encoding)
    foam_class: str = ""

    def next(self) -> str:
        """The next token, moved over; empty at the end of the file."""
        found = _TOKEN.match(self.raw, self.at)
        assert found is not None  # every part of the pattern is optional
        self.at = found.end()
        if not found[1] and self.at < len(self.raw):
            raise self.refused(f"{self.raw[self.at : self.at + 20]!r} is neither an entry nor a comment that ends")
        return (found[1] or b"").decode("utf-8", "replace")

    def peek(self) -> str:
        """The next token, not moved over."""
        at = self.at
        token = self.next()
        self.at = at
        return token

    def expect(self, token: str) -> None:
        """Move over this token."""
        found = self.next()
        if found != token:
            raise self.refused(f"{token!r} is expected, {found or 'the end of the file'!r} came")

    def refused(self, what: str) -> DataFileError:
        """The error to raise, with file and line."""
        line = self.raw.count(b"\n", 0, self.at) + 1
        return DataFileError(f"{self.path}, line {line}: {what}")


def open_foam(path: Path) -> Cursor:
    """A cursor behind the header of a file, compressed or not; in a text file comments are blank already.

    Raises:
        DataFileError: missing, not a file, a broken .gz, or a header with a format or arch that does not exist.
    """
    cursor = Cursor(path, _bytes(path))
    if cursor.peek() == "FoamFile":
        _read_header(cursor)
    if not cursor.encoding.binary:  # blanks keep every place and line where it is
        cursor.raw = _COMMENT.sub(lambda found: _kept_or_blank(found[0]), cursor.raw)
    return cursor


def _bytes(path: Path) -> bytes:
    if not path.is_file():  # a device would be read for ever
        raise DataFileError(f"there is no file {path}")
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise DataFileError(f"{path} cannot be read: {error}. Copy it or write it again.") from error


def _kept_or_blank(text: bytes) -> bytes:
    return text if text.startswith(b'"') else _INK.sub(b" ", text)


def _read_header(cursor: Cursor) -> None:
    cursor.next()
    cursor.expect("{")
    entries: dict[str, str] = {}
    while (key := cursor.next()) != "}":
        words = []
        while (word := cursor.next()) != ";":
            if word in ("", "{", "}"):
                raise cursor.refused(f"';' is missing behind '{key}' in the header FoamFile")
            words.append(word)
        entries[key] = " ".join(words).strip('"')
    cursor.foam_class = entries.get("class", "")
    cursor.encoding = _encoding(cursor, entries.get("format", "ascii"), entries.get("arch", ""))


def _encoding(cursor: Cursor, form: str, arch: str) -> Encoding:
    if form not in _FORMATS:
        raise cursor.refused(f"the header has format {form!r}, expected one of {_FORMATS}")
    if form == "ascii":
        return Encoding()
    parts = {key: bits for key, _, bits in (part.partition("=") for part in arch.replace(" ", "").split(";"))}
    label, scalar = parts.get("label", "32"), parts.get("scalar", "64")
    if label not in _BITS or scalar not in _BITS or (arch and not {"LSB", "MSB"} & parts.keys()):
        raise cursor.refused(f'the header has arch "{arch}", expected such as "LSB;label=32;scalar=64"')
    return Encoding(True, ">" if "MSB" in parts else "<", _BITS[label], _BITS[scalar])
