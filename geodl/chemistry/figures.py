"""What people look at first: ignition beside the solver, delays, flame speeds, errors by species, and no drift."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from geodl.chemistry.cases.delays import Reference, judged
from geodl.chemistry.cases.ignition import reference_trajectory, resolved_delay
from geodl.chemistry.cases.reactor import Cells, Trajectory, roll_out
from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.mechanism.read import read_mechanism
from geodl.chemistry.reference import CanteraChemistry, import_cantera
from geodl.core.surrogate import Surrogate, predict
from geodl.errors import MechanismError, MissingPackageError
from geodl.train.evaluate import SURROGATE, models
from geodl.train.fit import prepare
from geodl.train.plots import SURROGATE_COLOUR, TRUTH_COLOUR, axes_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STARTS, CURVES, STEPS = 24, 5, 400  # cells that are rolled out, those whose temperature is drawn, and time steps
LONG = 0.8  # quantile of the time steps of the data, by which cells are rolled out
ROUNDING = 1e-17  # what is drawn for no change at all


def figures(surrogate: Surrogate, test: xr.Dataset) -> "dict[str, Figure]":
    """Roll-outs from fresh gas in the test data, beside Cantera where it has the mechanism; errors by species.

    Raises:
        SchemaError, UnitsError, NonFiniteError, DomainError: the test data do not fit the family.
    """
    chemistry = EmulatedChemistry(surrogate)
    start, dt = fresh_gas(surrogate, test)
    found = roll_out(chemistry, start, dt, STEPS, constant=chemistry.constant)
    truth = _solved(chemistry, found)
    drawn = {"Ignition": ignition_figure(found, truth and truth[0])}
    delays = None if truth is None else judged(found, Reference(dt, start, *truth), chemistry)
    if delays is not None and bool(delays["ignites"].any()):
        drawn["Ignition delays"] = delay_figure(delays)
    return drawn | {
        "Errors by species": species_figure(surrogate, test),
        "Drift of the elements": drift_figure(found, chemistry.mechanism),
    }


def fresh_gas(surrogate: Surrogate, test: xr.Dataset) -> tuple[Cells, float]:
    """Where trajectories of test data start, evenly over their temperatures, and a long one of their time steps in s.

    Of data that do not say where they start, any states.
    """
    ds = surrogate.family.complete(test)
    rows = np.ones(ds.sizes["sample"], bool)
    if {"kind", "initial_temperature"} <= set(ds.coords):
        begin = np.isclose(ds["temperature"], ds["initial_temperature"], rtol=1e-9)
        rows = begin & (ds["kind"] == "ignition").values
    chosen = np.flatnonzero(rows) if rows.any() else np.arange(len(rows))
    _, first = np.unique(ds["temperature"].values[chosen].round(6), return_index=True)
    some = chosen[first[np.linspace(0, len(first) - 1, min(STARTS, len(first))).round().astype(int)]]
    cells = Cells(*(ds[name].values[some].astype(float) for name in ("temperature", "pressure", "mass_fraction")))
    return cells, float(np.quantile(ds["dt"].values, LONG))


def _solved(chemistry: EmulatedChemistry, found: Trajectory) -> tuple[Trajectory, np.ndarray] | None:
    """The same by Cantera, where it is installed and has the very mechanism, and its delays."""
    mechanism = chemistry.mechanism
    name = mechanism.name.rpartition("/")[0]
    try:
        import_cantera()
        if read_mechanism(name).fingerprint != mechanism.fingerprint:
            return None
    except (MechanismError, MissingPackageError):
        return None
    start = Cells(found.temperature[0], found.pressure[0], found.mass_fraction[0])
    truth = reference_trajectory(name, start, found.time, constant=chemistry.constant)
    return truth, resolved_delay(CanteraChemistry(name, constant=chemistry.constant, rtol=1e-9, atol=1e-15), truth)


def ignition_figure(found: Trajectory, reference: Trajectory | None = None) -> "Figure":
    """Temperature over time of a few cells, and the reference below it."""
    figure, (axis,) = axes_grid(1, width=6.8, height=4.4)
    cells = found.temperature.shape[1]
    for i, cell in enumerate(np.linspace(0, cells - 1, min(CURVES, cells)).round().astype(int)):
        later = slice(1, None)  # the axis is logarithmic
        if reference is not None:
            axis.plot(reference.time[later, cell], reference.temperature[later, cell], color=TRUTH_COLOUR, lw=2.5,
                      alpha=0.35, label=None if i else "Cantera")  # fmt: skip
        about = f"{found.temperature[0, cell]:.0f} K, {found.pressure[0, cell] / 1e5:.3g} bar"
        axis.plot(found.time[later, cell], found.temperature[later, cell], color=f"C{i}", lw=1.2, label=about)
    axis.set(xscale="log", xlabel="time [s]", ylabel="temperature [K]")
    axis.legend(frameon=False, fontsize=8, title="surrogate, from")
    return figure


def delay_figure(found: xr.Dataset) -> "Figure":
    """Ignition delays of solver and surrogate over 1000/T, and their errors, by pressure.

    Args:
        found: of `geodl.chemistry.cases.delays.judged`.
    """
    from matplotlib.colors import LogNorm

    figure, (left, right) = axes_grid(2, width=5.4, height=4.2)
    shown = found.isel(cell=found["ignites"].values)
    inverse, pressure = 1000 / shown["initial_temperature"].values, shown["pressure"].values
    norm = LogNorm(0.99 * pressure.min(), 1.01 * pressure.max())
    colours = {"c": pressure, "norm": norm, "cmap": "viridis"}
    left.plot(inverse, shown["reference_delay"], "o", ms=7, mfc="none", mew=0.8, color=TRUTH_COLOUR, label="Cantera")
    left.scatter(inverse, shown["delay"], s=14, label="surrogate", **colours)
    points = right.scatter(inverse, 100 * shown["delay_error"], s=14, **colours)
    right.axhline(0, color=TRUTH_COLOUR, lw=0.8)
    left.set(yscale="log", ylabel="ignition delay [s]", xlabel="1000 / initial temperature [1/K]")
    right.set(ylabel="error of the ignition delay [%]", xlabel="1000 / initial temperature [1/K]")
    left.legend(frameon=False)
    figure.colorbar(points, ax=right, label="pressure [Pa]")
    return figure


def flame_figure(found: xr.Dataset, reference: xr.Dataset) -> "Figure":
    """Laminar flame speeds over the equivalence ratio.

    Args:
        found, reference: ``flame_speed`` along ``equivalence_ratio``, as `flame_speeds` gives them.
    """
    figure, (axis,) = axes_grid(1, width=5.4, height=4.0)
    for ds, style in (
        (reference, {"fmt": "o-", "mfc": "none", "color": TRUTH_COLOUR, "label": "Cantera"}),
        (found, {"fmt": "x", "ms": 7, "color": SURROGATE_COLOUR, "label": "surrogate"}),
    ):
        axis.errorbar(ds["equivalence_ratio"], ds["flame_speed"], **style)
    axis.set(xlabel="equivalence ratio [1]", ylabel="laminar flame speed [m/s]", ylim=(0, None))
    axis.legend(frameon=False)
    return figure


def species_figure(surrogate: Surrogate, test: xr.Dataset) -> "Figure":
    """Errors of one step in each species over its changes, summed over the data: a model that changes nothing has 1."""
    figure, (axis,) = axes_grid(1, width=7.2, height=4.0)
    inputs, truth = prepare(surrogate.family, test, surrogate.core.at()[0])
    moved = (truth[1] - inputs[2]).abs().double().sum(0).numpy()
    rows = np.flatnonzero(moved > 0)
    for i, (name, core) in enumerate(models(surrogate).items()):
        error = (predict(core, inputs)[1] - truth[1]).abs().double().sum(0).numpy()[rows] / moved[rows]
        colour = SURROGATE_COLOUR if name == SURROGATE else f"C{i}"
        axis.plot(range(len(rows)), error, "o" if name == SURROGATE else "_", ms=7, color=colour, label=name)
    (species,) = surrogate.family.schema.axes
    axis.set_xticks(
        range(len(rows)), [species.labels[row] for row in rows], rotation=90 if len(rows) > 12 else 0, fontsize=8
    )
    axis.set(yscale="log", ylabel="error over change [1]", xlabel="species")
    axis.legend(frameon=False)
    return figure


def drift_figure(found: Trajectory, mechanism: Mechanism) -> "Figure":
    """Largest relative change of every element since the start, of all cells together."""
    figure, (axis,) = axes_grid(1, width=5.8, height=4.0)
    amounts = found.mass_fraction @ mechanism.element_matrix.T
    change = np.abs(amounts / np.where(amounts[0] > 0, amounts[0], 1.0) - (amounts[0] > 0)).max(1)
    for name, column in zip(mechanism.elements, change.T, strict=True):
        axis.plot(np.maximum(column, ROUNDING), lw=1, label=name)
    axis.set(yscale="log", xlabel="steps [1]", ylabel="largest relative change of an element [1]")
    axis.axhline(np.finfo(float).eps, color=TRUTH_COLOUR, lw=0.8, ls=":")
    axis.legend(frameon=False, ncols=2)
    return figure
