"""What all couplings share: a surrogate as a folder of code, a solver compiled against it, arrays as raw files."""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import geodl

FLAGS = ("-O3", "-march=native")


def sized(about: str, cells: int, steps: int) -> dict[str, int]:
    """How many cells and steps the command line asks for."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--cells", type=int, default=cells)
    parser.add_argument("--steps", type=int, default=steps)
    return vars(parser.parse_args())


def exported(bundle: str, folder: Path) -> geodl.Surrogate:
    """The surrogate that is written into a folder, in the place of an older one."""
    surrogate = geodl.load(bundle)
    shutil.rmtree(folder, ignore_errors=True)
    geodl.export(surrogate, folder)
    return surrogate


def compiler(*names: str) -> str:
    """The first of some compilers that is there."""
    for name in names:
        if found := shutil.which(name):
            return found
    sys.exit(f"none of the compilers {', '.join(names)} was found: install one of them")


def run(*command: str | Path, cwd: Path) -> None:
    """A command whose words go to the terminal; that it fails ends the program."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed ({done.returncode})")


def write(path: Path, arrays: Sequence[np.ndarray]) -> None:
    """Doubles one after another."""
    path.write_bytes(b"".join(np.ascontiguousarray(array, float).tobytes() for array in arrays))


def read(path: Path, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """The arrays of a file that a solver wrote."""
    flat = np.fromfile(path)
    parts = np.split(flat, np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def require(what: str, found: float, most: float) -> None:
    """Print a difference, and end the program where it is too large."""
    print(f"{what}: {found:.3g} (at most {most:g})", flush=True)
    if not found <= most:
        sys.exit("this is too much")
