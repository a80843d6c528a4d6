"""Makes the files of this folder and their checksums anew: python data/flow-obstacles/make.py."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from geodl.core.files import write_data
from geodl.flow.data.generate import generate

FILES: dict[str, dict[str, Any]] = {
    "primitives.nc": {"seed": 2, "n": 42, "batch": 14},
    "vehicles.nc": {"seed": 3, "n": 5, "batch": 5, "kinds": "vehicle"},
}
STEP = 2.0**-11  # of distances in m, of velocities and pressures


def small(flows: xr.Dataset) -> xr.Dataset:
    """Fields to the nearest multiple of ``STEP``, of which little is left when compressed; no cell changes sides."""
    fields = {name: _rounded(flows[name].values) for name in ("sdf", "u", "v", "p")}
    fields["sdf"] = np.where(fields["sdf"] == 0, np.copysign(np.float32(STEP), flows["sdf"].values), fields["sdf"])
    made = flows.assign({name: flows[name].copy(data=values) for name, values in fields.items()})
    return made.assign_attrs(comment=f"sdf, u, v and p are rounded to multiples of {STEP:.3g}")


def _rounded(values: np.ndarray) -> np.ndarray:
    return (np.round(values / STEP) * STEP + 0.0).astype(np.float32)  # no negative zeros


def main() -> None:
    """Write every file, then SHA256SUMS in the format of sha256sum."""
    folder = Path(__file__).parent
    for name, plan in FILES.items():
        write_data(small(generate(**plan, workers=1)), folder / name, overwrite=True)
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(FILES)]
    (folder / "SHA256SUMS").write_text("".join(lines))


if __name__ == "__main__":
    main()
