"""Lists of numbers as OpenFOAM writes them: ``3(1 2 3)``, ``2((0 0 1) (1 0 0))``, ``3{0.5}``, or their bytes."""

import re
import warnings

import numpy as np

from geodl.errors import DataFileError
from geodl.turbulence.openfoam.cursor import Cursor

COMPONENTS = {"label": 1, "scalar": 1, "sphericalTensor": 1, "vector": 3, "symmTensor": 6, "tensor": 9}
_CLASS = re.compile(r"(?:vol|surface|point)?([A-Za-z]+?)(?:Field|List)(?:::Internal)?")
_TUPLES_END = re.compile(rb"\)\s*\)")
_BLANK_BRACES = bytes.maketrans(b"()", b"  ")
_LARGEST = 2**40  # more entries than any file holds


def kind_of(foam_class: str) -> str:
    """What the entries of a class are: volVectorField to vector; empty where the class is no list."""
    found = _CLASS.fullmatch(foam_class)
    kind = found[1][0].lower() + found[1][1:] if found else ""
    return kind if kind in COMPONENTS else ""


def is_count(token: str) -> bool:
    """Whether a token is a number of entries."""
    return token.isdecimal() and len(token) < 20


def read_list(cursor: Cursor, kind: str, count: int | None) -> np.ndarray:
    """Entries ``[n]`` or ``[n, component]`` of the list that opens at the cursor; labels as int64, others as float64.

    Args:
        kind: a key of ``COMPONENTS``; empty if the file does not say, which text permits.
        count: entries that the file announces, if it does.

    Raises:
        DataFileError: truncated, not numbers, or bytes that fit neither the count nor the ``arch`` of the header.
    """
    if count is not None and count > _LARGEST:
        raise cursor.refused(f"a list of {count} entries is announced, more than a file holds")
    opening = cursor.peek()
    if opening == "{":
        return _repeated(cursor, kind, count or 0)
    if count == 0:
        return _empty(cursor, kind)
    if cursor.encoding.binary and count is not None:
        return _from_bytes(cursor, kind, count)
    values = _from_text(cursor, read_text(cursor, count), kind)
    _check_size(cursor, values, kind, count)
    return values


def read_text(cursor: Cursor, count: int | None) -> bytes:
    """The text between the brackets of the list that opens at the cursor, which moves behind it."""
    cursor.expect("(")
    begin, raw = cursor.at, cursor.raw
    inner, end = raw.find(b"(", begin), raw.find(b")", begin)
    if 0 <= inner < end:
        found = _TUPLES_END.search(raw, begin)
        end = found.end() - 1 if found else -1
    if end < 0:
        came = raw.count(b")", begin) if inner >= 0 else len(raw[begin:].split())
        raise cursor.refused(f"the list is truncated: {came} of {count or 'some'} entries, then the file ends")
    cursor.at = end + 1
    return raw[begin:end]


def numbers(cursor: Cursor, text: bytes, dtype: type) -> np.ndarray:
    """All numbers of a text in one go, brackets between them ignored."""
    text = text.translate(_BLANK_BRACES).strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # what NumPy before 2.3 says instead of raising
            return np.fromstring(text, dtype=dtype, sep=" ")
    except (ValueError, DeprecationWarning) as error:
        raise _not_a_number(cursor, text, dtype) from error


def _not_a_number(cursor: Cursor, text: bytes, dtype: type) -> DataFileError:
    for word in text.split():
        try:
            float(word) if dtype is np.float64 else int(word)
        except ValueError:
            cursor.at = max(cursor.raw.rfind(word, 0, cursor.at), 0)
            return cursor.refused(
                f"{word[:30].decode('utf-8', 'replace')!r} stands in a list where a number is expected"
            )
    return cursor.refused("a list holds something that is not a number")


def _from_text(cursor: Cursor, text: bytes, kind: str) -> np.ndarray:
    values = numbers(cursor, text, np.int64 if kind == "label" else np.float64)
    tuples = text.count(b"(")
    if tuples and values.size % tuples:
        raise cursor.refused(f"{tuples} tuples hold {values.size} numbers: one of them is not whole")
    return values.reshape(tuples, -1) if tuples else values


def _check_size(cursor: Cursor, values: np.ndarray, kind: str, count: int | None) -> None:
    if count is not None and len(values) != count:
        raise cursor.refused(f"the list is truncated or too long: {len(values)} entries came, {count} are announced")
    width = values.shape[1] if values.ndim == 2 else 1
    if kind and count and width != COMPONENTS[kind]:
        raise cursor.refused(f"an entry of the list has {width} numbers, a {kind} has {COMPONENTS[kind]}")


def _repeated(cursor: Cursor, kind: str, count: int) -> np.ndarray:
    """``N{value}``, without the memory of N values."""
    cursor.expect("{")
    end = cursor.raw.find(b"}", cursor.at)
    if end < 0:
        raise cursor.refused("'}' is missing behind the value of a list N{value}")
    text, cursor.at = cursor.raw[cursor.at : end], end + 1
    value = numbers(cursor, text, np.int64 if kind == "label" else np.float64)
    if value.size != COMPONENTS.get(kind, value.size) or not value.size:
        raise cursor.refused(
            f"N{{value}} holds {value.size} numbers, a {kind or 'value'} has {COMPONENTS.get(kind, 1)}"
        )
    return np.broadcast_to(value if value.size > 1 else value[0], (count, *value.shape[: value.size > 1]))


def _empty(cursor: Cursor, kind: str) -> np.ndarray:
    if cursor.peek() == "(":
        cursor.next()
        cursor.expect(")")
    width = COMPONENTS.get(kind, 1)
    return np.zeros((0, width) if width > 1 else 0, np.int64 if kind == "label" else np.float64)


def _from_bytes(cursor: Cursor, kind: str, count: int) -> np.ndarray:
    if not kind:
        raise cursor.refused("a binary list must say what it holds, such as List<scalar>")
    cursor.expect("(")
    begin, width = cursor.at, COMPONENTS[kind]
    size = cursor.encoding.label if kind == "label" else cursor.encoding.scalar
    cursor.at = begin + count * width * size
    if cursor.raw[cursor.at : cursor.at + 1] != b")":
        raise _misfit(cursor, begin, count * width, kind)
    cursor.at += 1
    code = f"{cursor.encoding.order}{'i' if kind == 'label' else 'f'}{size}"
    values = np.frombuffer(cursor.raw, code, count * width, begin)
    _check_order(cursor, values)
    return values.astype(np.int64 if kind == "label" else np.float64).reshape((count, width) if width > 1 else count)


def _misfit(cursor: Cursor, begin: int, size: int, kind: str) -> DataFileError:
    """Says which other size of numbers would fit, or that bytes are missing."""
    word = "label" if kind == "label" else "scalar"
    cursor.at = begin
    for bits in (32, 64):
        end = begin + size * bits // 8
        if cursor.raw[end : end + 1] == b")":
            return cursor.refused(f"the binary list does not fit the arch in the header: with {word}={bits} it would")
    came = max(len(cursor.raw) - begin, 0)
    return cursor.refused(f"the binary list is truncated: {came} bytes follow, {size} numbers are announced")


def _check_order(cursor: Cursor, values: np.ndarray) -> None:
    if not _plausible(values) and _plausible(values.byteswap()):
        there, other = ("LSB", "MSB") if cursor.encoding.order == "<" else ("MSB", "LSB")
        raise cursor.refused(
            f"the header says {there}, but only as {other} do the bytes make sense: the file was written on a machine "
            f"of the other byte order, or its header was changed. Write {other} in its 'arch'."
        )


def _plausible(values: np.ndarray) -> bool:
    """Whether most numbers that are not zero have a size that a flow or a mesh has."""
    with np.errstate(all="ignore"):
        size = np.abs(values[values != 0].astype(np.float64))
        reach = 2.0**24 if values.dtype.kind == "i" else 1e60 if values.dtype.itemsize == 8 else 1e15
        return bool(np.mean((size < reach) & (size > 1 / reach)) > 0.5) if size.size else True
