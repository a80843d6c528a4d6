"""A surrogate as a folder of code."""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from geodl.core.surrogate import Surrogate
from geodl.errors import ExportError, OutputError, UnknownNameError, did_you_mean
from geodl.exports.folder import check_program, cmake, makefile
from geodl.exports.manual import as_json, description, readme
from geodl.exports.onnx import onnx_graph
from geodl.exports.pt2 import package
from geodl.exports.runtime import beside
from geodl.exports.source import header, source
from geodl.exports.wrappers import cpp, fortran

Files = dict[str, str | bytes]
Format = Literal["c", "onnx", "pt2"]


def export(
    surrogate: Surrogate, path: str | Path, *, format: Format | Sequence[Format] = "c", name: str | None = None
) -> Path:
    """Write a surrogate as a folder that a solver can take.

    Args:
        path: a folder that does not exist yet, or is empty.
        format: "c", C99 with wrappers for Fortran and C++; "onnx", a graph for onnxruntime and others; "pt2", a package
            that torch has compiled for the device of the surrogate. Of several, those after the first lie in folders
            below that are called like them.
        name: of files and functions; that of the folder by default.
    Returns:
        The folder.
    Raises:
        UnknownNameError: there is no such format.
        ExportError: the surrogate cannot be written in it, or the name is none that C could use.
        MissingPackageError: a format needs an extra.
        OutputError: the folder is not empty, or cannot be written.
    """
    formats = [format] if isinstance(format, str) else list(format)
    if unknown := [each for each in formats if each not in FORMATS]:
        raise UnknownNameError(f"there is no format {unknown[0]!r}. {did_you_mean(str(unknown[0]), FORMATS)}")
    folder = Path(path)
    called = name or re.sub(r"\W", "_", folder.name).lower()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", called):
        raise ExportError(f"the name {called!r} cannot begin those of functions: give name= of small letters")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} exists and is not empty: remove it, or give the path of another folder")
    _write(folder, {each * bool(i): FORMATS[each](surrogate, called) for i, each in enumerate(formats)})
    return folder


def in_c(surrogate: Surrogate, name: str) -> Files:
    """Files of the format "c" by name.

    Raises:
        ExportError: the family has no C.
    """
    if surrogate.family.code is None:
        raise ExportError(
            f"family {surrogate.family.name!r} with these options cannot be written in C. Try format='onnx' or 'pt2'."
        )
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


def in_onnx(surrogate: Surrogate, name: str) -> Files:
    """Files of the format "onnx" by name.

    Raises:
        MissingPackageError: the extra is not installed.
        ExportError: there is no such graph, or onnxruntime gives another answer than torch.
    """
    model, made = onnx_graph(surrogate)
    return {f"{name}.onnx": model, **beside(name, "onnx", made, surrogate)}


def in_pt2(surrogate: Surrogate, name: str) -> Files:
    """Files of the format "pt2" by name.

    Raises:
        ExportError: there is no such graph, or no compiler.
    """
    compiled, made = package(surrogate)
    return {f"{name}.pt2": compiled, **beside(name, "pt2", made, surrogate)}


FORMATS: dict[str, Callable[[Surrogate, str], Files]] = {"c": in_c, "onnx": in_onnx, "pt2": in_pt2}


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def _sums(files: Files) -> str:
    return "".join(f"{hashlib.sha256(_bytes(content)).hexdigest()}  {name}\n" for name, content in files.items())


def _write(folder: Path, parts: Mapping[str, Files]) -> None:
    """Files by their folder below, in a folder beside it first: it is there whole or not at all."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
            part = Path(beside, "part")
            for below, files in parts.items():
                (part / below).mkdir()
                for name, content in (files | {"SHA256SUMS": _sums(files)}).items():
                    (part / below / name).write_bytes(_bytes(content))
            os.replace(part, folder)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from error
