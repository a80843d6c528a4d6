"""Predicted fields written into a time folder, so that OpenFOAM reads them."""

import dataclasses
from pathlib import Path

import numpy as np
import xarray as xr

from geodl.core.files import refuse_existing, write_bytes
from geodl.core.schema import Axis, Variable, check
from geodl.errors import SchemaError, did_you_mean
from geodl.turbulence.openfoam.boundary import CONSTRAINTS
from geodl.turbulence.openfoam.mesh import Mesh, Patch, read_mesh
from geodl.turbulence.openfoam.quantity import AXES
from geodl.turbulence.openfoam.time_folder import time_folder

_UPPER = ((0, 0, 0, 1, 1, 2), (0, 1, 2, 1, 2, 2))  # xx xy xz yy yz zz
_SYMMETRY = 1e-5  # of the largest entry: what float32 leaves


@dataclasses.dataclass(frozen=True)
class Output:
    """A variable that is written; ``zero_at_walls`` where no slip makes it vanish."""

    variable: Variable
    file: str
    dimensions: str
    zero_at_walls: bool

    @property
    def kind(self) -> str:
        return "symmTensor" if self.variable.dims else "scalar"


OUTPUTS = (
    Output(Variable("anisotropy", "1", "b_ij", ("i", "j")), "anisotropy", "[0 0 0 0 0 0 0]", False),
    Output(Variable("k_corrected", "m2 s-2", "corrected k"), "kCorrected", "[0 2 -2 0 0 0 0]", True),
    Output(Variable("eddy_viscosity_implicit", "m2 s-1", "implicit nu_t"), "nutImplicit", "[0 2 -1 0 0 0 0]", True),
    Output(Variable("stress_remainder", "m2 s-2", "R_ij", ("i", "j")), "stressRemainder", "[0 2 -2 0 0 0 0]", True),
    Output(Variable("in_domain", "1", "1 where the model knows its way"), "inDomain", "[0 0 0 0 0 0 0]", False),
)


def write_openfoam(
    case: str | Path,
    ds: xr.Dataset,
    time: str | float = "latest",
    *,
    overwrite: bool = False,
    binary: bool = False,
) -> list[Path]:
    """Write what ``ds`` has of the variables below into a time folder; each file appears whole or not at all.

    ``anisotropy [cell, i, j]`` (1) becomes ``anisotropy``, ``k_corrected`` (m2 s-2) ``kCorrected``,
    ``eddy_viscosity_implicit`` (m2 s-1) ``nutImplicit``, ``stress_remainder [cell, i, j]`` (m2 s-2)
    ``stressRemainder``, ``in_domain`` (1 or 0) ``inDomain``: volScalarFields and volSymmTensorFields. Patches that the
    mesh constrains (symmetry, cyclic, empty, wedge) keep their type; all others are ``calculated`` with the values of
    their cells, or zero at walls for what has the units of a stress or a viscosity.

    Returns:
        the files written.
    Raises:
        SchemaError: none of the variables, another number of cells than the mesh, or a tensor that is not symmetric.
        UnitsError, NonFiniteError: as ``geodl.core.schema.check``.
        DataFileError: no such time, or no mesh that can be read.
        OutputError: a file exists without ``overwrite``, or cannot be written.
    """
    case = Path(case).absolute()
    folder = time_folder(case, time)
    mesh = read_mesh(folder / "polyMesh", case / "constant" / "polyMesh")
    outputs = [output for output in OUTPUTS if output.variable.name in ds]
    if not outputs:
        known = [output.variable.name for output in OUTPUTS]
        raise SchemaError(f"the Dataset has none of {known}. {did_you_mean(known[0], map(str, ds.data_vars))}")
    values = {output: _values(ds, output, len(mesh.volume)) for output in outputs}
    for output in outputs:  # all before the first is written
        refuse_existing(folder / output.file, overwrite=overwrite)
    for output, array in values.items():
        write_bytes(folder / output.file, _content(output, array, mesh, (folder.name, binary)), overwrite=overwrite)
    return [folder / output.file for output in outputs]


def _values(ds: xr.Dataset, output: Output, count: int) -> np.ndarray:
    """``[cell]`` or the six entries ``[cell, 6]`` in float64."""
    name = output.variable.name
    if ds[name].dtype == bool:
        ds = ds.assign({name: ds[name].astype(np.float64).assign_attrs(units="1")})
    array = check(ds[[name]], [output.variable], axes=[Axis(axis, tuple(AXES)) for axis in "ij"])[name]
    if array.dims[0] != "cell" or array.shape != (count, *[3] * len(output.variable.dims)):
        raise SchemaError(f"'{name}' has sizes {dict(array.sizes)}, the mesh has {count} cells")
    values = array.values.astype(np.float64)
    if output.kind == "scalar":
        return values
    skew = np.abs(values - values.swapaxes(1, 2)).max()
    if skew > _SYMMETRY * np.abs(values).max():
        raise SchemaError(f"'{name}' is not symmetric: its entries ij and ji differ by up to {skew:g}")
    return values[:, *_UPPER]


def _content(output: Output, values: np.ndarray, mesh: Mesh, where: tuple[str, bool]) -> bytes:
    location, binary = where
    kind = output.kind
    form = 'binary;\n    arch        "LSB;label=32;scalar=64"' if binary else "ascii"
    head = (
        f"FoamFile\n{{\n    version     2.0;\n    format      {form};\n"
        f"    class       vol{kind[0].upper()}{kind[1:]}Field;\n"
        f'    location    "{location}";\n    object      {output.file};\n}}\n\n'
        f"dimensions      {output.dimensions};\n\ninternalField   "
    )
    patches = b"".join(_patch(output, patch, values[mesh.owner[patch.faces]], binary) for patch in mesh.patches)
    body = _list(kind, values, binary) + b";\n\nboundaryField\n{\n" + patches + b"}\n"
    return head.encode() + body


def _patch(output: Output, patch: Patch, values: np.ndarray, binary: bool) -> bytes:
    if patch.type in CONSTRAINTS:
        inside = f"type            {patch.type};".encode()
    elif output.zero_at_walls and patch.type == "wall":
        zero = "0" if output.kind == "scalar" else "(0 0 0 0 0 0)"
        inside = f"type            calculated;\n        value           uniform {zero};".encode()
    else:
        value = _list(output.kind, values, binary)
        inside = b"type            calculated;\n        value           " + value + b";"
    return f"    {patch.name}\n    {{\n        ".encode() + inside + b"\n    }\n"


def _list(kind: str, values: np.ndarray, binary: bool) -> bytes:
    """``nonuniform List<…>``, as bytes or with digits enough to read the same numbers again."""
    head = f"nonuniform List<{kind}> {len(values)}".encode()
    if not len(values):
        return head + b"()"
    if binary:
        return head + b"\n(" + values.astype("<f8").tobytes() + b")"
    row = "%r\n" if values.ndim == 1 else f"({' '.join(['%r'] * values.shape[1])})\n"
    return head + b"\n(\n" + (row * len(values) % tuple(values.ravel().tolist())).encode() + b")"
