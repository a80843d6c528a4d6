"""From a folder with data sets as they were downloaded to Datasets in one layout."""

from collections.abc import Callable, Mapping
from pathlib import Path

import xarray as xr

from geodl.errors import DataFileError
from geodl.turbulence.datasets.channel_patel import FILE as CHANNEL_FILE
from geodl.turbulence.datasets.channel_patel import channel_dns
from geodl.turbulence.datasets.closure_challenge import closure_challenge
from geodl.turbulence.datasets.datafoam import rotated_hill
from geodl.turbulence.datasets.geneva import geneva
from geodl.turbulence.datasets.parametric_hills import parametric_hills
from geodl.turbulence.datasets.sandia import sandia_channel

# folder of the set: a file that only this set has, the name of the results, the reader
SETS: dict[str, tuple[str, str, Callable[[Path], xr.Dataset | Mapping[str, xr.Dataset]]]] = {
    "closure_challenge": ("manifest.json", "closure-challenge", closure_challenge),
    "geneva_rans_uncertainty": ("tandem-cylinders.npz", "geneva", geneva),
    "sandia_tbnn": ("channel.txt", "channel590", sandia_channel),
    "datafoam_case1p0": ("case_1p0_rotatedz90.npz", "rotated-hill", rotated_hill),
    "xiaoh_para_hills": ("case_1p2.npz", "parametric-hills", parametric_hills),
    "channel_patel_retau395": (CHANNEL_FILE, "channel395", channel_dns),
}


def convert(source: Path) -> dict[str, xr.Dataset]:
    """Every set in a folder: the folder of one set, or the one that holds their folders.

    Returns:
        a Dataset by name, such as closure-challenge-train, geneva-square-duct or channel590.
    Raises:
        DataFileError: the folder holds no known set, or a set is incomplete, broken or changed.
    """
    found = _recognised(source)
    if not found:
        raise DataFileError(f"{source} holds none of the known data sets. {_held(source)} {_expected()}")
    datasets: dict[str, xr.Dataset] = {}
    for name, folder in found.items():
        _, short, read = SETS[name]
        made = read(folder)
        several = {"": made} if isinstance(made, xr.Dataset) else made
        datasets |= {f"{short}-{part}" if part else short: ds for part, ds in several.items()}
    return datasets


def _recognised(source: Path) -> dict[str, Path]:
    here = {name: source for name, (mark, _, _) in SETS.items() if (source / mark).is_file()}
    return here or {name: source / name for name in SETS if (source / name).is_dir()}


def _held(source: Path) -> str:
    if not source.is_dir():
        return "It is a file." if source.exists() else "It does not exist."
    names = sorted(path.name for path in source.iterdir())
    return f"It has {', '.join(names[:10])}{', …' if len(names) > 10 else ''}." if names else "It is empty."


def _expected() -> str:
    sets = ", ".join(f"{name} (with {mark})" for name, (mark, _, _) in SETS.items())
    return f"Expected one of these folders, or a folder of them: {sets}."
