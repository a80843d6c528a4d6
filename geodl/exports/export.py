"""A surrogate as a folder of code."""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from geodl.core.surrogate import Surrogate
from geodl.errors import ExportError, OutputError, UnknownNameError, did_you_mean
from geodl.exports.folder import check_program, cmake, makefile
from geodl.exports.manual import as_json, description, readme
from geodl.exports.source import header, source
from geodl.exports.wrappers import cpp, fortran

Files = dict[str, str]


def export(surrogate: Surrogate, path: str | Path, *, format: Literal["c"] = "c", name: str | None = None) -> Path:
    """Write a surrogate as a folder that a solver can take.

    Args:
        path: a folder that does not exist yet, or is empty.
        format: "c", C99 with wrappers for Fortran and C++.
        name: of files and functions; that of the folder by default.
    Returns:
        The folder.
    Raises:
        UnknownNameError: there is no such format.
        ExportError: the surrogate cannot be written in it, or the name is none that C could use.
        OutputError: the folder is not empty, or cannot be written.
    """
    if format not in FORMATS:
        raise UnknownNameError(f"there is no format {format!r}. {did_you_mean(str(format), FORMATS)}")
    folder = Path(path)
    called = name or re.sub(r"\W", "_", folder.name).lower()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", called):
        raise ExportError(f"the name {called!r} cannot begin those of functions: give name= of small letters")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} exists and is not empty: remove it, or give the path of another folder")
    files = FORMATS[format](surrogate, called)
    _write(folder, files | {"SHA256SUMS": _sums(files)})
    return folder


def in_c(surrogate: Surrogate, name: str) -> Files:
    """Files of the format "c" by name.

    Raises:
        ExportError: the family has no C.
    """
    if surrogate.family.code is None:
        raise ExportError(f"family {surrogate.family.name!r} with these options cannot be written in C")
    code = surrogate.family.code(surrogate)
    about = f"{name}: {surrogate.family.about}. Bundle {surrogate.sha256}."
    return {
        f"{name}.c": source(name, code, about),
        f"{name}.h": header(name, code, about),
        f"{name}.hpp": cpp(name, code, about),
        f"{name}.f90": fortran(name, code, about),
        "check.c": check_program(name, code),
        "Makefile": makefile(name),
        "CMakeLists.txt": cmake(name),
        "schema.json": as_json(description(name, code, surrogate)),
        "README.md": readme(name, code, surrogate),
    }


FORMATS: dict[str, Callable[[Surrogate, str], Files]] = {"c": in_c}


def _sums(files: Files) -> str:
    return "".join(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in files.items())


def _write(folder: Path, files: Files) -> None:
    """In a folder beside it first: it is there whole or not at all."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
            part = Path(beside, "part")
            part.mkdir()
            for name, text in files.items():
                (part / name).write_text(text, "utf-8")
            os.replace(part, folder)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from error
