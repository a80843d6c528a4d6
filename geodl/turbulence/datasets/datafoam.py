"""A periodic hill and its copy computed on a mesh that is turned by 90 degrees about z."""

from pathlib import Path

import numpy as np
import xarray as xr

from geodl.turbulence.datasets.archive import read_archive
from geodl.turbulence.datasets.layout import flow_dataset, masks, stored, symmetric
from geodl.turbulence.datasets.structured_gradient import structured_gradient

NU, GRID = 5e-6, (149, 99)  # Re_H = 5600 with 0.028 m/s and 1 m; the files store neither
_ARRAYS = {
    "position": "C",
    "volume": "V",
    "velocity": "U",
    "velocity_gradient": "gradU",
    "k": "k",
    "omega": "omega",
    "eddy_viscosity": "nut",
    "pressure": "p",
    "pressure_gradient": "gradp",
    "k_gradient": "gradk",
}
_ATTRS = {
    "title": "Periodic hill of slope 1 at Re_H 5600: k-omega SST beside the Reynolds stress of a DNS",
    "source": "Nikhilakalia/kanTBNN, folder dataFoam",
    "licence": "MIT, (c) 2022 rmcconke",
    "citation": "Truth: Xiao, Wu, Laizet & Duan 2020, Comput. Fluids 200, 104431, arXiv:1910.01264",
}
UNITS = "1 m is the height H of the hill; 0.028 m/s is the bulk velocity at its crest"


def rotated_hill(folder: Path) -> dict[str, xr.Dataset]:
    """The same flow on two meshes; gradient, k and ω in float64.

    Returns:
        original, with the reference; rotated, with ``change_of_axes`` Q such that x' = Q x, and with the wall distance
        of the same cells of the original. The reference of the rotated flow is Q τ Qᵀ.
    Raises:
        DataFileError: a file is missing, truncated, corrupted or of other content.
    """
    truth = {"tau_DNS": (6,), "U_DNS": (3,), "walldist": ()}
    first = read_archive(folder / "case_1p0.npz", {**stored(_ARRAYS), **truth})
    second = read_archive(folder / "case_1p0_rotatedz90.npz", {**stored(_ARRAYS), "Q": (3,)})
    stress = symmetric(first["tau_DNS"])
    reference = {
        "reynolds_stress": stress,
        "velocity_truth": first["U_DNS"],
        "velocity_gradient_truth": structured_gradient(first["U_DNS"], first["C"], GRID),
        **masks(stress),
    }
    rotated = _flow("case_1p0_rotatedz90", second, first["walldist"], {})
    about = {"units": "1", "long_name": "Q of the change of axes x' = Q x from the original"}
    return {
        "original": _flow("case_1p0", first, first["walldist"], reference),
        "rotated": rotated.assign(change_of_axes=(("i", "j"), second["Q"], about)),
    }


def _flow(
    flow: str, read: dict[str, np.ndarray], wall_distance: np.ndarray, reference: dict[str, np.ndarray]
) -> xr.Dataset:
    variables = {name: read[array] for name, array in _ARRAYS.items()}
    return flow_dataset(
        flow,
        {**variables, "wall_distance": wall_distance, "nu": NU, **reference},
        unit_system=UNITS,
        family="hill",
        shape=GRID,
        attrs=_ATTRS,
    )
