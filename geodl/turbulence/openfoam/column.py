"""A flow that depends on the wall distance alone, as an OpenFOAM case: one column of cells, to try things on."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from geodl.errors import OutputError

TIME = "100"
_BOX = ((0, 0), (1, 0), (1, 1), (0, 1))  # x and z of the four edges


def write_column(case: str | Path, flow: xr.Dataset) -> Path:
    """Write a channel as `geodl.turbulence.channel_flow` makes it, from the wall to the centre, with U, p, k and omega.

    Args:
        case: folder that does not exist yet.
        flow: with ``volume`` (of cells that are one metre long and wide), ``velocity``, ``k``, ``omega`` and ``nu``.
    Returns:
        The folder.
    Raises:
        OutputError: there is something of that name.
    """
    folder = Path(case)
    if folder.exists():
        raise OutputError(f"{folder} exists: give the path of a folder that does not")
    (folder / "constant" / "polyMesh").mkdir(parents=True)
    (folder / TIME).mkdir()
    _write_mesh(folder / "constant" / "polyMesh", np.append(0, np.cumsum(flow["volume"].values)))
    (folder / "constant" / "transportProperties").write_text(f"nu {float(np.ravel(flow['nu'])[0])};")
    u, k, omega = flow["velocity"].values[:, 0], flow["k"].values, flow["omega"].values
    _write_field(folder, "U", "0 1 -1", "vector", (f"({x} 0 0)" for x in u), "(0 0 0)")
    _write_field(folder, "p", "0 2 -2", "scalar", np.zeros_like(k), 0)
    _write_field(folder, "k", "0 2 -2", "scalar", k, 0)
    _write_field(folder, "omega", "0 0 -1", "scalar", omega, omega[0])
    return folder


def _write_mesh(folder: Path, levels: np.ndarray) -> None:
    n = len(levels) - 1
    inner = range(n - 1)
    patches = {  # corners of a face in the cell that it belongs to, and these cells
        "wall { type wall;": ((0, 1, 2, 3), range(1)),
        "centre { type symmetryPlane;": ((4, 7, 6, 5), range(n - 1, n)),
        "left { type cyclic; neighbourPatch right;": ((0, 3, 7, 4), range(n)),
        "right { type cyclic; neighbourPatch left;": ((1, 5, 6, 2), range(n)),
        "back { type empty;": ((0, 4, 5, 1), range(n)),
        "front { type empty;": ((3, 2, 6, 7), range(n)),
    }
    faces = [((4, 7, 6, 5), inner), *patches.values()]
    begins = np.cumsum([len(cells) for _, cells in faces])
    boundary = (
        f"{words} nFaces {len(cells)}; startFace {begin}; }}"
        for (words, (_, cells)), begin in zip(patches.items(), begins, strict=False)
    )
    corners = (" ".join(str(4 * cell + corner) for corner in at) for at, cells in faces for cell in cells)
    _write_list(folder / "points", (f"({x} {y} {z})" for y in levels for x, z in _BOX))
    _write_list(folder / "faces", (f"4({words})" for words in corners))
    _write_list(folder / "owner", (cell for _, cells in faces for cell in cells))
    _write_list(folder / "neighbour", range(1, n))
    _write_list(folder / "boundary", boundary)


def _write_field(case: Path, name: str, dimensions: str, kind: str, values: Iterable[Any], wall: Any) -> None:
    before = f"dimensions [{dimensions} 0 0 0 0]; internalField nonuniform List<{kind}> "
    after = f"; boundaryField {{ wall {{ type fixedValue; value uniform {wall}; }} }}"
    _write_list(case / TIME / name, values, before, after)


def _write_list(path: Path, lines: Iterable[Any], before: str = "", after: str = "") -> None:
    words = [str(line) for line in lines]
    path.write_text(f"{before}{len(words)}\n(\n" + "\n".join(words) + f"\n){after}\n")
