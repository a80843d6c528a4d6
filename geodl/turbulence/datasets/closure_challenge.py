"""The Closure Challenge: k-ω SST against LES or DNS on the same cells, 32 flows in three parts."""

import json
from pathlib import Path

import xarray as xr

from geodl.core.progress import progress
from geodl.errors import DataFileError
from geodl.turbulence.datasets.archive import read_archive, read_bytes
from geodl.turbulence.datasets.layout import flow_dataset, join, stored, symmetric
from geodl.turbulence.datasets.structured_gradient import structured_gradient

PARTS = {"train": "train", "valid": "val", "excluded": "leak_excluded"}  # key of the result: folder and manifest

_ARRAYS = {
    "position": "C",
    "volume": "V",
    "wall_distance": "walldist",
    "velocity": "U",
    "velocity_gradient": "gradU",
    "k": "k",
    "omega": "omega",
    "eddy_viscosity": "nut",
    "pressure": "p",
    "pressure_gradient": "gradp",
    "k_gradient": "gradk",
    "velocity_truth": "U_LES",
    "valid_les": "valid_les",
    "valid_clean": "valid_clean",
}
_UNIT_SYSTEMS = {
    "hill": "hills: 1 m is the height H of the hill, 1 m/s the bulk velocity at its crest",
    "step": "step: 1 m is the height H of the step, 1 m/s the velocity scale, Re = 13700",
    "duct": "ducts: SI, half height 1e-3 m",
}
_ATTRS = {
    "title": "Closure Challenge: k-omega SST fields beside Reynolds stresses of LES and DNS",
    "source": "rmcconke/closure-challenge-benchmark, January 2026",
    "licence": "none stated: read from a path, never ship",
    "citation": "McConkey, Buchanan, Smidt, Bodner, Dwight & Cinnella, arXiv:2603.28884; truth: Xiao et al. 2020, "
    "Comput. Fluids 200, 104431 (parametric hills), Breuer et al. (PHLL10595), Vinuesa et al. (ducts), Bentaleb et al. "
    "(CBFS13700)",
}


def closure_challenge(folder: Path) -> dict[str, xr.Dataset]:
    """All flows of each part, one after the other.

    Returns:
        train (23 flows), valid (5) and excluded (4, whose hills differ from flows kept for judging in height only:
        neither for fitting nor for the choice of a model).
    Raises:
        DataFileError: the manifest or a file is missing, broken, or differs from its checksum.
    """
    manifest = _manifest(folder / "manifest.json")
    flows: dict[str, list[xr.Dataset]] = {split: [] for split in PARTS.values()}
    with progress("reading the Closure Challenge", len(manifest)) as advance:
        for done, (name, (split, sha256)) in enumerate(manifest.items()):
            advance(done, name)
            flows[split].append(_flow(folder / split / f"{name}.npz", sha256))
    return {part: join(flows[split]) for part, split in PARTS.items()}


def _manifest(path: Path) -> dict[str, tuple[str, str]]:
    """Part and checksum of each flow; every part has flows."""
    try:
        known = {name: (entry["split"], entry["sha256"]) for name, entry in json.loads(read_bytes(path)).items()}
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise DataFileError(f"{path} is not the manifest of the set, split and sha256 by flow: {error}") from error
    found = {split for split, _ in known.values()}
    if found != set(PARTS.values()):
        raise DataFileError(f"{path} has flows in the parts {sorted(found)}, expected {sorted(PARTS.values())}")
    return known


def _flow(path: Path, sha256: str) -> xr.Dataset:
    extra = {"tau_LES": (6,), "nu": None, "family": None, "shape": None}
    read = read_archive(path, {**stored(_ARRAYS), **extra}, sha256=sha256)
    family = str(read["family"])
    variables = {name: read[array] for name, array in _ARRAYS.items()}
    shape = read["shape"].tolist()
    truth = structured_gradient(read["U_LES"], read["C"], (shape[0], shape[1]))
    return flow_dataset(
        path.stem,
        {
            **variables,
            "velocity_gradient_truth": truth,
            "nu": float(read["nu"]),
            "reynolds_stress": symmetric(read["tau_LES"]),
        },
        unit_system=_UNIT_SYSTEMS.get(family, "not stated"),
        family=family,
        shape=shape,
        attrs=_ATTRS,
    )
