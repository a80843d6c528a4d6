"""C source to a shared library, compiled at its first use on this machine and kept."""

import functools
import hashlib
import os
import platform
import shlex
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from geodl.errors import CompilerError

COMPILERS = ("gcc", "clang", "cc")
TIMEOUT = 300  # seconds
# Multiply-adds round once wherever they stand: a sum does not depend on how its loop is cut.
FLAGS = ("-std=c99", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-shared")


def find_compiler() -> list[str] | None:
    """The command that compiles C: what $CC says, or the first of `COMPILERS`; None where there is none."""
    chosen = shlex.split(os.environ.get("CC", ""))
    if chosen:
        return chosen if shutil.which(chosen[0]) else None
    return next(([name] for name in COMPILERS if shutil.which(name)), None)


def build(source: Path | str, flags: Sequence[str] = ()) -> Path:
    """The shared library of a C file, or of C text; compiled unless the same was compiled here before.

    Args:
        source: one file, or text, that includes nothing but system headers.
        flags: given to the compiler after `FLAGS`.
    Raises:
        CompilerError: there is no C compiler, the source does not compile, or the cache cannot be written or is open to
            others.
    """
    compiler = find_compiler()
    if compiler is None:
        named = f"$CC is {os.environ['CC']!r}, which is not there" if os.environ.get("CC") else f"tried {COMPILERS}"
        raise CompilerError(f"no C compiler was found ({named}): install gcc or clang, or set CC to its path")
    text = source.read_text("utf-8") if isinstance(source, Path) else source
    library = cache_folder() / f"{_key(text, compiler, [*FLAGS, *flags])}.so"
    if not library.exists():
        _compile(text, [*compiler, *FLAGS, *flags], library)
    return library


def cache_folder() -> Path:
    """Where libraries are kept: geodl in $XDG_CACHE_HOME or ~/.cache. What is loaded from it runs as the user, so it
    must be the user's alone.

    Raises:
        CompilerError: it cannot be made, or others can write in it.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "geodl"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise CompilerError(f"cannot make the cache {folder}: {error.strerror}. Set XDG_CACHE_HOME.") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise CompilerError(
            f"the cache {folder} has owner {status.st_uid} and mode {stat.filemode(status.st_mode)}, expected a folder "
            f"of user {os.getuid()} alone: chmod 700 it, or set XDG_CACHE_HOME"
        )
    return folder


def _key(text: str, compiler: Sequence[str], flags: Sequence[str]) -> str:
    parts = [text, *compiler, *flags, _version(tuple(compiler)), _cpu()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@functools.cache
def _version(compiler: tuple[str, ...]) -> str:
    return _run([*compiler, "--version"]).stdout


@functools.cache
def _cpu() -> str:
    """What -march=native looks at: a cache may be shared by machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return "\n".join(line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part")))


def _compile(text: str, command: Sequence[str], library: Path) -> None:
    """In a folder of its own first: a library is there whole or not at all, and two processes do not meet."""
    try:
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            file, part = Path(folder, "source.c"), Path(folder, "library.so")
            file.write_text(text, "utf-8")
            done = _run([*command, str(file), "-o", str(part), "-lm"])
            if done.returncode:
                last = "\n".join(done.stderr.strip().splitlines()[-10:])
                raise CompilerError(f"{command[0]} could not compile ({done.returncode}). Its last lines:\n{last}")
            os.replace(part, library)
    except OSError as error:
        reason = f"cannot write in the cache {library.parent}: {error.strerror}"
        raise CompilerError(f"{reason}. Set XDG_CACHE_HOME to a folder of yours.") from error


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT)
    except OSError as error:
        raise CompilerError(f"cannot run {command[0]}: {error.strerror}. Set CC to a C compiler.") from error
    except subprocess.TimeoutExpired as error:
        raise CompilerError(f"{command[0]} did not end within {TIMEOUT} s") from error
