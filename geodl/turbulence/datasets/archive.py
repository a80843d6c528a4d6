"""Arrays of an .npz file, read without trusting it: whole, checked, and never unpickled."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from geodl.errors import DataFileError

_AGAIN = "Get the file again."


def read_archive(
    path: Path, shapes: Mapping[str, tuple[int, ...] | None], *, sha256: str | None = None
) -> dict[str, np.ndarray]:
    """Arrays of an .npz file.

    Args:
        shapes: names of the arrays, with the shape that each has after its first dimension; None for any shape.
        sha256: what the file must have.
    Raises:
        DataFileError: missing, truncated, corrupted, not as its checksum says, without one of the arrays, with an
            array of another shape, or with pickled Python objects, which are never loaded.
    """
    content = read_bytes(path)
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise DataFileError(f"{path} differs from its checksum {sha256[:12]}… in the manifest. {_AGAIN}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: _array(archive, name, path, shape) for name, shape in shapes.items()}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataFileError(f"{path} is not a whole .npz file: {error}. {_AGAIN}") from error


def read_bytes(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        DataFileError: it is not there, or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataFileError(f"cannot read {path}: {error.strerror}") from error


def _array(archive: zipfile.ZipFile, name: str, path: Path, shape: tuple[int, ...] | None) -> np.ndarray:
    if f"{name}.npy" not in archive.namelist():
        held = sorted(member.removesuffix(".npy") for member in archive.namelist())
        raise DataFileError(f"{path} lacks the array '{name}', it has {held}")
    try:
        array = np.lib.format.read_array(io.BytesIO(archive.read(f"{name}.npy")))  # refuses pickled objects by default
    except (ValueError, MemoryError) as error:
        raise DataFileError(f"'{name}' in {path} is not a plain array: {error}") from error
    if shape is not None and (array.ndim == 0 or array.shape[1:] != shape or array.dtype.kind not in "biuf"):
        wanted = ", ".join(map(str, ("cell", *shape)))
        raise DataFileError(f"'{name}' in {path} is {array.dtype} of shape {array.shape}, expected numbers [{wanted}]")
    return array
