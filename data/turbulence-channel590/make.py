"""Makes the files of this folder and their checksums anew: python data/turbulence-channel590/make.py."""

import hashlib
from pathlib import Path

import xarray as xr

from geodl.core.files import write_data
from geodl.turbulence.datasets.find import provided
from geodl.turbulence.datasets.sandia import sandia_channel


def extract(folder: Path) -> dict[str, xr.Dataset]:
    """The one flow of the set."""
    return {"channel": sandia_channel(folder)}


def main() -> None:
    """Write every file, then SHA256SUMS in the format of sha256sum."""
    folder = Path(__file__).parent
    for name, ds in extract(provided("sandia_tbnn")).items():
        write_data(ds, folder / f"{name}.nc", overwrite=True)
    paths = sorted(folder.glob("*.nc"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    (folder / "SHA256SUMS").write_text("".join(lines))


if __name__ == "__main__":
    main()
