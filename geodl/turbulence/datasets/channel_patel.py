"""Profiles of a channel DNS at Re_τ = 395, for solvers in one dimension."""

from pathlib import Path

import numpy as np
import xarray as xr

from geodl.errors import DataFileError
from geodl.turbulence.datasets.archive import read_bytes

FILE, RE_TAU = "PatelEtAl_constProperty.txt", 395.0

# name: column in the file, factor to wall units, what it is
_PROFILES: dict[str, tuple[str, float, str]] = {
    "y": ("y", 1.0, "distance to the wall over the half height"),
    "mean_velocity": ("<u+>", 1.0, "mean streamwise velocity over the friction velocity"),
    "uu": ('<rho>{u"u"}', 1.0, "streamwise normal stress over the friction velocity squared"),
    "vv": ('<rho>{v"v"}', 1.0, "wall-normal normal stress over the friction velocity squared"),
    "ww": ('<rho>{w"w"}', 1.0, "spanwise normal stress over the friction velocity squared"),
    "uv": ('<rho>{u"v"}', 1.0, "shear stress <u'v'> over the friction velocity squared, negative"),
    "epsilon": ("eps", -1 / RE_TAU, "dissipation rate times nu over the friction velocity to the fourth power"),
}
_ATTRS = {
    "Conventions": "CF-1.11",
    "title": "Channel flow at Re_tau 395: profiles of a DNS with constant properties",
    "source": "Fluid-Dynamics-Of-Energy-Systems-Team/RANS_Channel, DNS_data",
    "licence": "none stated, citation asked for: read from a path, never ship",
    "citation": "Patel, Boersma & Pecnik 2016, J. Fluid Mech. 809, 793; Pecnik & Patel 2017, J. Fluid Mech. 823; "
    "Patel, Boersma & Pecnik 2017, Phys. Rev. Fluids 2, 084604; Patel, Peeters, Boersma & Pecnik 2015, Phys. Fluids "
    "27, 095101",
    "unit_system": "wall units: the friction velocity and the viscosity are 1",
    "re_tau": RE_TAU,
}


def channel_dns(folder: Path) -> xr.Dataset:
    """Profiles along ``y_plus`` from the wall to the centre, all dimensionless, in wall units.

    Returns:
        y, mean_velocity, uu, vv, ww, uv (negative where the velocity increases) and epsilon (positive).
    Raises:
        DataFileError: the file is missing, truncated, or of other content.
    """
    columns = _columns(folder / FILE)
    profiles = {
        name: ("y_plus", factor * columns[column], {"units": "1", "long_name": about})
        for name, (column, factor, about) in _PROFILES.items()
    }
    y_plus = ("y_plus", columns["y+"], {"units": "1", "long_name": "distance to the wall in viscous lengths"})
    return xr.Dataset(profiles, {"y_plus": y_plus}, _ATTRS)


def _columns(path: Path) -> dict[str, np.ndarray]:
    text = read_bytes(path).decode("utf-8", errors="replace")
    names, *rows = [line.split(",") for line in text.splitlines() if line.strip() and not line.startswith("#")] or [[]]
    try:
        values = np.array(rows, dtype=np.float64).T
        columns = dict(zip((name.strip() for name in names), values, strict=True))
    except ValueError as error:
        raise DataFileError(f"{path} is not a line of names and a table of numbers: {error}") from error
    missing = [column for column, _, _ in _PROFILES.values() if column not in columns]
    if missing or "y+" not in columns:
        raise DataFileError(f"{path} lacks the column {(missing or ['y+'])[0]!r}")
    return columns
