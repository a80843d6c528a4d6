"""What the files of a time folder are called, which dimensions they must have, and what they become in a Dataset."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import xarray as xr

AXES = ["x", "y", "z"]
_DIMS = {1: ("cell",), 2: ("cell", "i"), 3: ("cell", "i", "j")}


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A variable of the family's layout; ``exponents`` are those of m and s, kg and all others being zero."""

    name: str
    files: tuple[str, ...]
    kinds: tuple[str, ...]
    exponents: tuple[int, int]
    about: str

    @property
    def dimensions(self) -> tuple[float, ...]:
        return (0.0, *map(float, self.exponents), 0.0, 0.0, 0.0, 0.0)

    @property
    def units(self) -> str:
        """As CF writes them: ``m2 s-1``."""
        powers = zip("ms", self.exponents, strict=True)
        return " ".join(f"{unit}{power if power != 1 else ''}" for unit, power in powers if power) or "1"


QUANTITIES = {
    quantity.name: quantity
    for quantity in (
        Quantity("velocity", ("U",), ("vector",), (1, -1), "mean velocity U_i"),
        Quantity("velocity_gradient", ("gradU", "grad(U)"), ("tensor",), (0, -1), "velocity gradient A_ij = dU_i/dx_j"),
        Quantity("k", ("k",), ("scalar",), (2, -2), "turbulent kinetic energy"),
        Quantity("omega", ("omega",), ("scalar",), (0, -1), "specific dissipation rate"),
        Quantity("epsilon", ("epsilon",), ("scalar",), (2, -3), "dissipation rate of the turbulent kinetic energy"),
        Quantity("eddy_viscosity", ("nut",), ("scalar",), (2, -1), "eddy viscosity"),
        Quantity("pressure", ("p",), ("scalar",), (2, -2), "kinematic pressure p/rho"),
        Quantity("pressure_gradient", ("gradp", "grad(p)"), ("vector",), (1, -2), "gradient of the kinematic pressure"),
        Quantity("k_gradient", ("gradk", "grad(k)"), ("vector",), (1, -2), "gradient of the turbulent kinetic energy"),
        Quantity("nu", ("nu",), ("scalar",), (2, -1), "kinematic viscosity"),
        Quantity("wall_distance", ("wallDistance", "y", "yWall"), ("scalar",), (1, 0), "distance to the nearest wall"),
        Quantity("position", ("C",), ("vector",), (1, 0), "centre of the cell"),
        Quantity("volume", ("V",), ("scalar",), (3, 0), "volume of the cell"),
        Quantity(
            "reynolds_stress",
            ("tauLES", "tau_LES"),
            ("symmTensor", "tensor"),
            (2, -2),
            "resolved Reynolds stress <u_i'u_j'>",
        ),
        Quantity("velocity_truth", ("ULES", "U_LES"), ("vector",), (1, -1), "mean velocity of the resolved simulation"),
    )
}


def dataset(values: Mapping[str, np.ndarray], flow: str, attrs: Mapping[str, str]) -> xr.Dataset:
    """The family's layout from arrays ``[cell]``, ``[cell, 3]`` and ``[cell, 3, 3]`` by the names of ``QUANTITIES``.

    The coordinate ``flow`` is the group of the split; ``row`` and ``column`` are −1, because the mesh has none.
    """
    ordered = {name: values[name] for name in QUANTITIES if name in values}
    variables = {
        name: (_DIMS[array.ndim], array, {"units": QUANTITIES[name].units, "long_name": QUANTITIES[name].about})
        for name, array in ordered.items()
    }
    count = len(next(iter(ordered.values())))
    nowhere = np.full(count, -1)
    coordinates = {
        "i": AXES,
        "j": AXES,
        "flow": ("cell", np.full(count, flow), {"long_name": "flow that the cell belongs to"}),
        "row": ("cell", nowhere, {"units": "1", "long_name": "row of a structured mesh, -1 if there is none"}),
        "column": ("cell", nowhere, {"units": "1", "long_name": "column of a structured mesh, -1 if there is none"}),
    }
    return xr.Dataset(variables, coords=coordinates, attrs=dict(attrs))
