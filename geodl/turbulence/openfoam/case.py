"""A case as a Dataset: fields of one time, and what its mesh and its dictionaries say."""

from pathlib import Path

import numpy as np
import xarray as xr

from geodl.core.progress import progress
from geodl.errors import DataFileError, SchemaError, did_you_mean
from geodl.turbulence.openfoam.dictionary import Entries, read_dictionary
from geodl.turbulence.openfoam.field import SYMMETRIC, Field, check_dimensions, parse_dimensions, read_field
from geodl.turbulence.openfoam.gradient import gauss_gradient, stored_gradient
from geodl.turbulence.openfoam.mesh import Mesh, read_mesh
from geodl.turbulence.openfoam.quantity import QUANTITIES, Quantity, dataset
from geodl.turbulence.openfoam.time_folder import time_folder
from geodl.turbulence.openfoam.wall_distance import wall_distance

_PROPERTIES = ("transportProperties", "physicalProperties", "momentumTransport")
_LARGE = 20_000_000  # bytes of fields, from which on reading takes seconds
_GRADIENTS = {"velocity_gradient": "velocity", "k_gradient": "k", "pressure_gradient": "pressure"}


def read_openfoam(case: str | Path, time: str | float = "latest") -> xr.Dataset:
    """One time of an incompressible case, in the layout of the family; no OpenFOAM is needed.

    Files that are there among U, k, omega, epsilon, nut, p, gradU, gradk, gradp, wallDistance (or y), tauLES and ULES
    are read, in text or bytes, compressed or not. Position and volume come from constant/polyMesh; gradients that no
    file gives from Gauss's theorem, the wall distance from the faces of the walls, nu from constant/. A ``gradU`` file
    holds d_i U_j, as ``grad(U)`` writes it: it is transposed to A_ij = dU_i/dx_j. What had to be left out or guessed
    stands in ``attrs["warnings"]``, one per line.

    Args:
        case: the folder that holds ``constant``.
        time: the name or number of a time folder; the largest by default.
    Returns:
        ``velocity [cell, i]`` (m s-1), ``velocity_gradient [cell, i, j]`` (s-1), ``k`` (m2 s-2), ``omega`` (s-1) or
        ``epsilon`` (m2 s-3), ``eddy_viscosity`` (m2 s-1), ``pressure`` (m2 s-2) and its gradient, ``nu`` (m2 s-1),
        ``wall_distance`` (m), ``position`` (m), ``volume`` (m3): those that are known. The coordinate ``flow`` is the
        name of the case.

    Raises:
        DataFileError: a file is missing, truncated, of another class, or does not fit the mesh.
        SchemaError: no U; neither a mesh nor gradU; or a gradU that holds dU_i/dx_j already.
        UnitsError: dimensions of another quantity, such as p in Pa.
        NonFiniteError: NaN or infinite values.
    """
    case = Path(case).absolute()
    folder = time_folder(case, time)
    fields, mesh = _read(case, folder)
    count = len(mesh.volume) if mesh else _count(fields, folder)
    values = {name: _matrices(field, count) for name, field in fields.items()}
    warnings = _complete(values, fields, mesh, case)
    attrs = {"source": f"OpenFOAM case {case.name}, time {folder.name}"}
    return dataset(values, case.name, {**attrs, "warnings": "\n".join(warnings)} if warnings else attrs)


def _read(case: Path, folder: Path) -> tuple[dict[str, Field], Mesh | None]:
    paths, polymesh = _paths(folder), case / "constant" / "polyMesh"
    if "velocity" not in paths:
        raise SchemaError(_no_velocity(case, folder))
    fields, large = {}, sum(path.stat().st_size for path in paths.values()) > _LARGE
    with progress(f"reading {case.name}", len(paths) + 1, show=large) as advance:
        for done, (name, path) in enumerate(paths.items(), 1):
            fields[name] = _field(path, QUANTITIES[name])
            advance(done, path.name)
        return fields, read_mesh(folder / "polyMesh", polymesh) if polymesh.is_dir() else None


def _paths(folder: Path) -> dict[str, Path]:
    """The first file that is there of each quantity."""
    candidates = {
        name: [folder / (file + end) for file in quantity.files for end in ("", ".gz")]
        for name, quantity in QUANTITIES.items()
    }
    found = {name: next((path for path in paths if path.is_file()), None) for name, paths in candidates.items()}
    return {name: path for name, path in found.items() if path}


def _field(path: Path, quantity: Quantity) -> Field:
    field = read_field(path, *quantity.kinds)
    check_dimensions(field.dimensions, quantity.dimensions, path, quantity.about)
    return field


def _no_velocity(case: Path, folder: Path) -> str:
    others = sorted(path.parent.name for path in case.glob("*/U*") if path.name in ("U", "U.gz"))
    if others:
        return f"{folder} has no U. Choose a time that has: {', '.join(others)}."
    return f"{folder} has no U. {did_you_mean('U', (path.name for path in folder.iterdir()))}"


def _count(fields: dict[str, Field], folder: Path) -> int:
    count = next((len(field.cells) for field in fields.values() if not field.uniform), None)
    if count is None:
        raise DataFileError(f"all fields in {folder} are uniform and there is no constant/polyMesh: how many cells?")
    return count


def _matrices(field: Field, count: int) -> np.ndarray:
    """Values per cell with tensors as matrices, in the order of the file."""
    values = np.array(field.on(count))
    if field.kind == "symmTensor":
        return values[:, SYMMETRIC]
    return values.reshape(count, 3, 3) if field.kind == "tensor" else values


def _complete(values: dict[str, np.ndarray], fields: dict[str, Field], mesh: Mesh | None, case: Path) -> list[str]:
    """Add what follows from the mesh and the properties; gives the warnings."""
    _check_sign(values, fields)
    warnings = _gradients(values, fields, mesh, case)
    if mesh:
        values |= {"position": mesh.centre, "volume": mesh.volume}
        if "wall_distance" not in values and (distance := wall_distance(mesh)) is not None:
            values["wall_distance"] = distance
    viscosity = _viscosity(case)
    if "nu" not in values and viscosity is not None:
        values["nu"] = np.full(len(values["velocity"]), viscosity)
    wanted = ["nu", "wall_distance", "position", "volume"]
    wanted += [name for name, source in _GRADIENTS.items() if source in values]
    missing = [name for name in wanted if name not in values]
    return [*warnings, *[f"{name} is left out: no file gives it, and nothing to compute it from" for name in missing]]


def _check_sign(values: dict[str, np.ndarray], fields: dict[str, Field]) -> None:
    if "reynolds_stress" in values and np.trace(values["reynolds_stress"].mean(0)) < 0:
        raise SchemaError(
            f"{fields['reynolds_stress'].path} has a negative trace, expected <u_i'u_j'>, whose trace is 2k. "
            f"Change its sign."
        )


def _gradients(values: dict[str, np.ndarray], fields: dict[str, Field], mesh: Mesh | None, case: Path) -> list[str]:
    warnings = []
    for name, source in _GRADIENTS.items():
        own = None
        if mesh and source in fields:
            own, guessed = gauss_gradient(fields[source], mesh)
            if guessed:
                warnings.append(
                    f"{fields[source].path.name}: {len(guessed)} patches without a known condition and without a value "
                    f"count as zeroGradient: {', '.join(guessed)}"
                )
        if name == "velocity_gradient" and name in values:
            values[name], warning = stored_gradient(values[name], own, str(fields[name].path))
            warnings += warning
        elif name not in values and own is not None:
            values[name] = own
    if "velocity_gradient" not in values:
        raise SchemaError(
            f"{case} has neither constant/polyMesh, from which the velocity gradient is computed, nor a gradU. "
            f"Copy constant/polyMesh here, or run postProcess -func 'grad(U)'."
        )
    return warnings


def _viscosity(case: Path) -> float | None:
    """Nu in m2 s-1 from the properties of the fluid; None where none of the files gives it."""
    for name in _PROPERTIES:
        path = next((p for p in (case / "constant" / name, case / "constant" / f"{name}.gz") if p.is_file()), None)
        items = _nu_entry(read_dictionary(path).entries) if path else None
        if path and items:
            return _nu(path, items)
    return None


def _nu_entry(entries: Entries) -> list[object] | None:
    inner = [value for value in entries.values() if isinstance(value, dict)]
    return next((level["nu"] for level in (entries, *inner) if isinstance(level.get("nu"), list)), None)


def _nu(path: Path, items: list[object]) -> float:
    for item in items:
        if isinstance(item, str) and item.startswith("["):
            check_dimensions(parse_dimensions(item, path), QUANTITIES["nu"].dimensions, path, QUANTITIES["nu"].about)
    try:
        value = float(str(items[-1]))
    except ValueError:
        value = np.nan
    if not (0 < value < np.inf):
        raise DataFileError(f"{path}: nu is {items[-1]!r}, expected a positive number in m2 s-1, such as nu 1e-5;")
    return value
