"""Five flows of Geneva and Zabaras: k-ε RANS with Reynolds stresses of LES."""

from pathlib import Path

import numpy as np
import xarray as xr

from geodl.turbulence.datasets.archive import read_archive
from geodl.turbulence.datasets.layout import flow_dataset, masks

# flow: kind, and the axes of the stored position
FLOWS: dict[str, tuple[str, tuple[int, ...]]] = {
    "converge-diverge": ("converging-diverging channel", ()),
    "periodic-hills": ("hill", (0, 1)),
    "square-cylinder": ("cylinder", (0, 1)),
    "square-duct": ("duct", (1, 2)),
    "tandem-cylinders": ("cylinder", ()),
}
_ATTRS = {
    "title": "k-epsilon RANS fields beside Reynolds stresses of LES",
    "source": "cics-nd/rans-uncertainty, training-data",
    "licence": "MIT, (c) 2018 Nick",
    "citation": "Geneva & Zabaras 2019, J. Comput. Phys. 383, 125, arXiv:1807.02901",
    "gradient": "velocity_gradient is k/epsilon dU_i/dx_j, and epsilon is k / (1 s), so that their product is right; "
    "its trace is as stored, not zero",
}
_UNITS = "1 s is the time k/epsilon of each cell; lengths and velocities of k and of the stress are the authors'"


def geneva(folder: Path) -> dict[str, xr.Dataset]:
    """One Dataset for each flow; ``position`` where it is stored.

    The files hold S k/ε and R k/ε with R = -W, the rotation of the transposed gradient. Here the gradient is S - R.

    Raises:
        DataFileError: a file is missing, truncated, corrupted or of other content.
    """
    return {flow: _flow(folder, flow) for flow in FLOWS}


def _flow(folder: Path, flow: str) -> xr.Dataset:
    family, axes = FLOWS[flow]
    shapes = {"S": (3, 3), "R": (3, 3), "k": (), "tau_LES": (9,), **({"C": (2,)} if axes else {})}
    read = read_archive(folder / f"{flow}.npz", shapes)
    stress = read["tau_LES"].reshape(-1, 3, 3)
    variables = {
        "velocity_gradient": read["S"] - read["R"],
        "k": read["k"],
        "epsilon": read["k"],
        "reynolds_stress": stress,
        **masks(stress),
    }
    if axes:
        variables["position"] = np.zeros((len(stress), 3), read["C"].dtype)
        variables["position"][:, axes] = read["C"]
    return flow_dataset(flow, variables, unit_system=_UNITS, family=family, attrs=_ATTRS)
