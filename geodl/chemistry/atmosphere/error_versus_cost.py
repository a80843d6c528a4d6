"""What solvers and surrogates of atmospheric kinetics cost, and how far off they end: the numbers of a Pareto plot."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from geodl.chemistry.atmosphere.box import DAY, AirChemistry, Boxes, roll_out
from geodl.chemistry.atmosphere.reference import MicmChemistry
from geodl.chemistry.state import Array

SPECIES = ("O3", "NO2", "OH", "PAN")
TOLERANCES = ((1e-7, 1e-20), (1e-5, 1e-16), (1e-3, 1e-14))
FLOOR = 1e-3  # of the largest value of a species in its box: relative errors of what the night has removed say nothing


def opponents(mechanism: str = "carbon_bond_5") -> dict[str, MicmChemistry]:
    """The Rosenbrock solver at three tolerances and at its defaults, and backward Euler.

    Raises:
        MissingPackageError: MUSICA is not installed.
    """
    tight = {
        f"Rosenbrock {rtol:.0e} / {atol:.0e}": MicmChemistry(mechanism, rtol=rtol, atol=atol)
        for rtol, atol in TOLERANCES
    }
    others = {"Rosenbrock default": MicmChemistry(mechanism)}
    return tight | others | {"backward Euler": MicmChemistry(mechanism, solver="backward_euler")}


def most_exact(mechanism: str = "carbon_bond_5") -> MicmChemistry:
    """The solver that all others are measured against: of sixth order, at the tightest tolerances."""
    rtol, atol = TOLERANCES[0]
    return MicmChemistry(mechanism, solver="rosenbrock_dae6", rtol=rtol, atol=atol)


def error_versus_cost(
    boxes: Boxes,
    chemistries: Mapping[str, AirChemistry],
    *,
    reference: AirChemistry,
    days: float = 1.0,
    dt: float = 300.0,
    species: Sequence[str] = SPECIES,
    show: bool = True,
) -> xr.Dataset:
    """Every chemistry alone through the same days, with what that cost and how far from the reference it came.

    Args:
        chemistries: what is compared, by name.
        reference: what they should do.
    Returns:
        cost [chemistry] in µs a cell and step, of solvers without what it takes to hand cells over to them; median,
        p99 and largest relative error at the hours [chemistry, species]; daily_bias [chemistry, day, species],
        (sum of it - sum of the reference)/sum of the reference over all boxes and hours of a day.
    Raises:
        OptionError: the days are not a number of whole steps.
        MechanismError: a species does not exist.
    """
    truth, own = _hours(reference, boxes, days, dt, show)
    columns = [reference.mechanism.index(name) for name in species]
    results = {"the reference": (truth, own), **{k: _hours(c, boxes, days, dt, show) for k, c in chemistries.items()}}
    parts = [_compared(run[..., columns], truth[..., columns]) for run, _ in results.values()]
    ds = xr.Dataset(
        {
            "cost": ("chemistry", [cost for _, cost in results.values()], {"units": "us"}),
            **{
                name: (("chemistry", "species"), np.array([part[name] for part in parts]), {"units": "1"})
                for name in ("median", "p99", "largest")
            },
            "daily_bias": (("chemistry", "day", "species"), np.array([part["bias"] for part in parts]), {"units": "1"}),
        },
        {"chemistry": list(results), "species": list(species)},
        {"boxes": len(boxes), "days": days, "dt": dt},
    )
    return ds.assign_coords(day=np.arange(1, ds.sizes["day"] + 1))


def daily_bias(
    predicted: Float[np.ndarray, "hour box species"], truth: Float[np.ndarray, "hour box species"]
) -> Float[np.ndarray, "day species"]:
    """Normalised mean bias of each day begun, over boxes and hours (Keller & Evans 2019, GMD 12, 1209)."""
    days = range(0, len(truth), 24)
    sums = [[values[first : first + 24].sum((0, 1)) for first in days] for values in (predicted, truth)]
    return np.asarray(np.array(sums[0]) / np.array(sums[1]) - 1)


def _hours(chemistry: AirChemistry, boxes: Boxes, days: float, dt: float, show: bool) -> tuple[np.ndarray, float]:
    """Concentrations after every hour [hour, box, species], and µs a cell and step."""
    timed = _Timed(chemistry)
    run = roll_out(timed, boxes, days=days, dt=dt, every=max(1, round(3600 / dt)), show=show)
    return run["concentration"].values[1:], timed.seconds * 1e6 / (len(boxes) * round(days * DAY / dt))


def _compared(run: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    error = np.abs(run - truth) / np.maximum(np.abs(truth), FLOOR * np.abs(truth).max(0))
    return {
        "median": np.median(error, (0, 1)),
        "p99": np.quantile(error, 0.99, (0, 1)),
        "largest": error.max((0, 1)),
        "bias": daily_bias(run, truth),
    }


class _Timed:
    """A chemistry with a clock: its own, where it counts what it spends inside a solver."""

    def __init__(self, chemistry: AirChemistry):
        self.chemistry, self.mechanism, self._wall = chemistry, chemistry.mechanism, 0.0
        self._before = getattr(chemistry, "seconds", None)

    @property
    def seconds(self) -> float:
        return self._wall if self._before is None else self.chemistry.seconds - self._before  # type: ignore[attr-defined]

    def advance(
        self,
        temperature: Any,
        pressure: Any,
        concentration: Array,
        dt: float,
        *,
        photolysis: Any = 0.0,
        emission: Array | None = None,
    ) -> Any:
        begin = time.perf_counter()
        state = self.chemistry.advance(
            temperature, pressure, concentration, dt, photolysis=photolysis, emission=emission
        )
        self._wall += time.perf_counter() - begin
        return state
