"""VTK files, such as foamToVTK writes them, through the optional package PyVista."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from geodl.errors import DataFileError, MissingPackageError, NonFiniteError, SchemaError, did_you_mean
from geodl.turbulence.openfoam.field import SYMMETRIC
from geodl.turbulence.openfoam.gradient import stored_gradient
from geodl.turbulence.openfoam.quantity import QUANTITIES, dataset

_INSIDE = ("internal", "internalMesh")
_SHAPES = {1: (), 3: (3,), 6: (6,), 9: (3, 3)}
_VTK_SYMMETRIC = (0, 3, 5, 1, 4, 2)  # VTK has xx yy zz xy yz xz


def read_vtk(path: str | Path) -> xr.Dataset:
    """Cells of a VTK file (.vtk, .vtu, .vtm) with arrays of OpenFOAM's names, in the layout of ``read_openfoam``.

    A VTK file has no units: SI and a kinematic pressure are assumed. ``gradU`` is taken for OpenFOAM's d_i U_j and
    transposed; without it VTK differentiates U, which is less accurate beside walls. What is left out or guessed
    stands in ``attrs["warnings"]``; nu must be added: ``ds["nu"] = ds.k * 0 + 1e-5`` with its units.

    Raises:
        MissingPackageError: PyVista is not installed.
        DataFileError: missing, or not a VTK file with cells.
        SchemaError: no U, arrays of other shapes, or a gradU that holds dU_i/dx_j already.
        NonFiniteError: NaN or infinite values.
    """
    path = Path(path)
    mesh = _open(path)
    values = {name: array for name in QUANTITIES if (array := _array(mesh, name, path)) is not None}
    if "velocity" not in values:
        raise SchemaError(f"{path} has no U in its cells. {did_you_mean('U', map(str, mesh.cell_data.keys()))}")
    own, warnings = _derived(mesh), list[str]()
    if "velocity_gradient" in values:
        values["velocity_gradient"], warnings = stored_gradient(values["velocity_gradient"], own, f"gradU in {path}")
    else:
        values["velocity_gradient"] = own
        warnings = ["velocity_gradient is VTK's derivative of U, less accurate beside walls"]
    values["position"] = np.asarray(mesh.cell_centers().points, np.float64)
    values["volume"] = np.abs(np.asarray(mesh.compute_cell_sizes().cell_data["Volume"], np.float64))
    missing = [name for name in ("nu", "wall_distance", "k_gradient", "pressure_gradient") if name not in values]
    warnings += [f"{name} is left out: the file does not have it" for name in missing]
    return dataset(values, path.stem, {"source": f"VTK file {path.name}", "warnings": "\n".join(warnings)})


def _open(path: Path) -> Any:
    try:
        import pyvista  # type: ignore[import-not-found]
    except ImportError as error:
        raise MissingPackageError("reading VTK files needs the extra: pip install 'geodl[vtk]'") from error
    if not path.is_file():
        raise DataFileError(f"there is no file {path}")
    try:
        mesh = pyvista.read(path)
        if isinstance(mesh, pyvista.MultiBlock):
            mesh = _inside(mesh, path)
    except DataFileError:
        raise
    except Exception as error:  # PyVista and VTK raise many classes
        raise DataFileError(f"{path} is not a VTK file that can be read: {error}") from error
    if not mesh.n_cells:
        raise DataFileError(f"{path} holds no cells: it is truncated, or no VTK file. Write it again with foamToVTK.")
    return mesh


def _inside(blocks: Any, path: Path) -> Any:
    """The cells among the blocks of a file that holds the patches too."""
    names = list(map(str, blocks.keys()))
    found = next((name for name in _INSIDE if name in names), None)
    if found is None:
        raise DataFileError(f"{path} has blocks {names}, expected one of {_INSIDE}: give the file of the cells alone")
    return blocks[found]


def _array(mesh: Any, name: str, path: Path) -> np.ndarray | None:
    quantity = QUANTITIES[name]
    file = next((file for file in quantity.files if file in mesh.cell_data), None)
    if file is None:
        return None
    array = np.asarray(mesh.cell_data[file], np.float64)
    width = array.shape[1] if array.ndim == 2 else 1
    widths = {"scalar": 1, "vector": 3, "symmTensor": 6, "tensor": 9}
    if width not in [widths[kind] for kind in quantity.kinds]:
        raise SchemaError(f"{path}: '{file}' has {width} components, expected {' or '.join(quantity.kinds)}")
    if not np.isfinite(array).all():
        raise NonFiniteError(
            f"{path}: '{file}' holds {int((~np.isfinite(array)).sum())} values that are NaN or infinite"
        )
    array = array.reshape(len(array), *_SHAPES[width])
    return array[:, _VTK_SYMMETRIC][:, SYMMETRIC] if width == 6 else array


def _derived(mesh: Any) -> np.ndarray:
    """dU_i/dx_j by VTK, from values at the points, averaged to the cells."""
    points = mesh if "U" in mesh.point_data else mesh.cell_data_to_point_data()
    found = points.compute_derivative(scalars="U", gradient="dU", preference="point").point_data_to_cell_data()
    return np.asarray(found.cell_data["dU"], np.float64).reshape(-1, 3, 3)
