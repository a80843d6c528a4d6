"""Makes the files of this folder and their checksums anew: python data/lorenz63/make.py."""

import hashlib
from pathlib import Path
from typing import Any

from geodl.core.files import write_data
from geodl.dynamics.dataset import lorenz63_dataset

FILES: dict[str, dict[str, Any]] = {
    "dt001.nc": {"trajectories": 20, "points": 200, "dt": 0.01, "seed": 0},
    "dt020.nc": {"trajectories": 20, "points": 200, "dt": 0.2, "seed": 1},
    "noisy.nc": {"trajectories": 20, "points": 200, "dt": 0.01, "seed": 2, "noise": 1e-3},
    "valid.nc": {"trajectories": 2000, "points": 9, "dt": 0.01, "seed": 3},
    "test.nc": {"trajectories": 1000, "points": 9, "dt": 0.01, "seed": 4},
}


def main() -> None:
    """Write every file, then SHA256SUMS in the format of sha256sum."""
    folder = Path(__file__).parent
    for name, arguments in FILES.items():
        write_data(lorenz63_dataset(**arguments), folder / name, overwrite=True)
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(FILES)]
    (folder / "SHA256SUMS").write_text("".join(lines))


if __name__ == "__main__":
    main()
