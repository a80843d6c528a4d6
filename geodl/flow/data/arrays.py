"""Arrays of numbers from files that others wrote: .npy, .npz and pickles, none of which may run code."""

import io
import pickle
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from geodl.errors import DataFileError

MOST_BYTES = 8 << 30


def read_array(path: Path) -> np.ndarray:
    """The one array of a .npy, .npz or pickle file.

    Raises:
        DataFileError: missing, too large, broken, without or with several arrays, or with anything but plain numbers.
    """
    read = {".npy": _npy, ".npz": _npz, ".pkl": _pickled, ".pickle": _pickled, "": _pickled}.get(path.suffix)
    if read is None:
        raise DataFileError(f"{path} is none of .npy, .npz and .pkl: write it anew with numpy.save")
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise DataFileError(f"{path} has {size >> 20} MiB, at most {MOST_BYTES >> 20} are read: split it")
        array = read(path)
    except OSError as error:
        if isinstance(error, DataFileError):
            raise
        raise DataFileError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise DataFileError(f"{path} holds no plain array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise DataFileError(f"{path} holds values of type {array.dtype}, expected numbers")
    return array


def _npy(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _npz(path: Path) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise DataFileError(f"{path} holds the arrays {names}, expected one")
        return np.lib.format.read_array(io.BytesIO(archive.read(names[0])), allow_pickle=False)


def _pickled(path: Path) -> np.ndarray:
    """A pickled array, without NumPy or any other code that a pickle names being called."""
    try:
        with path.open("rb") as file:
            found = _ArrayUnpickler(file).load()
    except DataFileError as error:
        raise DataFileError(f"{path} {error}") from error
    except OSError:
        raise
    except Exception as error:  # broken opcodes raise whatever they stumble over
        raise DataFileError(f"{path} is no whole pickle of an array: {error}") from error
    if not isinstance(found, _Array):
        raise DataFileError(f"{path} holds a {type(found).__name__}, expected one array. Convert it with numpy.save.")
    return found.values(path)


class _Dtype:
    """Stands for numpy.dtype: remembers what it is told."""

    def __init__(self, code: str = "", *_: Any):
        self.code, self.order = code, "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]


class _Array:
    """Stands for numpy.ndarray: remembers shape, numbers and their order."""

    def __init__(self, *_: Any):
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def values(self, path: Path) -> np.ndarray:
        """The array, once every part of it is known to be what it must be."""
        match self.state:
            case [int(), tuple(shape), _Dtype(code=str(code), order="<" | ">" | "=" | "|" as order), fortran, data]:
                plain = all(type(size) is int and size >= 0 for size in shape) and re.fullmatch("[biuf][1248]", code)
                if plain and isinstance(data, bytes | bytearray):
                    numbers = np.frombuffer(data, np.dtype(code).newbyteorder(order))
                    return numbers.reshape(shape, order="F" if fortran else "C")
        raise DataFileError(f"{path} holds no plain array of numbers. Convert it with numpy.save.")


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any, *_: Any) -> _Array:
    """Stands for numpy's _frombuffer of protocol 5."""
    array = _Array()
    array.state = (1, shape, dtype, order == "F", data)
    return array


def _latin(text: str, encoding: str) -> bytes:
    """Stands for _codecs.encode, by which protocol 2 writes bytes."""
    if encoding != "latin1":
        raise ValueError(f"bytes as {encoding}")
    return text.encode("latin1")


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Array,
    ("_codecs", "encode"): _latin,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Array for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


class _ArrayUnpickler(pickle.Unpickler):
    """Finds nothing but the stand-ins above, which only remember."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise DataFileError(
                f"asks for {module}.{name}, which plain arrays do not need: a pickle can run any code, so it is not "
                f"loaded. Convert it with numpy.save where you trust it."
            ) from None
