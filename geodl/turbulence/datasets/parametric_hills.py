"""Five periodic hills of different slope: a DNS, and a k-ε RANS of one of them."""

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from geodl.turbulence.datasets.archive import read_archive
from geodl.turbulence.datasets.layout import flow_dataset, join, masks, stored, symmetric

CASES = ("case_0p5", "case_0p8", "case_1p0", "case_1p2", "case_1p5")
WITH_RANS = "case_1p2"
_GEOMETRY = {"position": "C", "volume": "V", "wall_distance": "walldist"}
_DNS = {"velocity_truth": "U_DNS", "velocity_gradient_truth": "gradU_DNS"}
_RANS = {
    "velocity": "U_LSKE",
    "velocity_gradient": "gradU_LSKE",
    "k": "k_LSKE",
    "epsilon": "epsilon_LSKE",
    "eddy_viscosity": "nut_LSKE",
    "pressure": "p_LSKE",
}
_ATTRS = {
    "title": "Parametric periodic hills at Re_H 5600: DNS, and Launder-Sharma k-epsilon of slope 1.2",
    "source": "xiaoh/para-database-for-PIML, pehill-5-cases-OpenFOAM",
    "licence": "none stated: read from a path, never ship",
    "citation": "Xiao, Wu, Laizet & Duan 2020, Comput. Fluids 200, 104431, arXiv:1910.01264",
}
_UNITS = "1 m is the height H of the hill; 0.028 m/s is the bulk velocity at its crest"


def parametric_hills(folder: Path) -> dict[str, xr.Dataset]:
    """What the DNS gave on five hills, and a RANS on one of them.

    Returns:
        dns, five flows with ``velocity_truth`` and ``velocity_gradient_truth``, which a solver does not have: for
        studies of what a basis can represent; launder-sharma, slope 1.2 in the usual layout with ``epsilon``.
    Raises:
        DataFileError: a file is missing, truncated, corrupted or of other content.
    """
    return {
        "dns": join([_flow(folder, case, _DNS) for case in CASES]),
        "launder-sharma": _flow(folder, WITH_RANS, {**_RANS, "velocity_truth": "U_DNS"}),
    }


def _flow(folder: Path, case: str, fields: Mapping[str, str]) -> xr.Dataset:
    arrays = {**_GEOMETRY, **fields}
    extra = {"tau_DNS": (6,), "shape": None, "nu": None}
    read = read_archive(folder / f"{case}.npz", {**stored(arrays), **extra})
    stress = symmetric(read["tau_DNS"])
    variables = {name: read[array] for name, array in arrays.items()}
    return flow_dataset(
        case,
        {**variables, "nu": float(read["nu"]), "reynolds_stress": stress, **masks(stress)},
        unit_system=_UNITS,
        family="hill",
        shape=read["shape"].tolist(),
        attrs=_ATTRS,
    )
