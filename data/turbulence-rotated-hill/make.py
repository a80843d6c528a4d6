"""Makes the files of this folder and their checksums anew: python data/turbulence-rotated-hill/make.py."""

import hashlib
from pathlib import Path

import xarray as xr

from geodl.core.files import write_data
from geodl.turbulence.datasets.datafoam import rotated_hill
from geodl.turbulence.datasets.find import provided

EVERY = 4  # cells along the fast index of the grid
LEFT_OUT = ["pressure", "volume"]


def extract(folder: Path) -> dict[str, xr.Dataset]:
    """Every fourth cell of both flows, the same cells in both, and what features are made of."""
    return {
        name: ds.isel(cell=slice(None, None, EVERY)).drop_vars(LEFT_OUT) for name, ds in rotated_hill(folder).items()
    }


def main() -> None:
    """Write every file, then SHA256SUMS in the format of sha256sum."""
    folder = Path(__file__).parent
    for name, ds in extract(provided("datafoam_case1p0")).items():
        write_data(ds, folder / f"{name}.nc", overwrite=True)
    paths = sorted(folder.glob("*.nc"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    (folder / "SHA256SUMS").write_text("".join(lines))


if __name__ == "__main__":
    main()
