"""What people look at first of a surrogate of air: its days beside the solver, bias, error against cost."""

import json
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from geodl.chemistry.atmosphere.air_emulator import EmulatedAir
from geodl.chemistry.atmosphere.air_scores import exact, judged_species, roll_out_scores, scores
from geodl.chemistry.atmosphere.air_speed import interleaved, visited
from geodl.chemistry.atmosphere.box import DAY, Boxes, roll_out
from geodl.chemistry.atmosphere.error_versus_cost import error_versus_cost, opponents
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes
from geodl.chemistry.atmosphere.reference import MicmChemistry
from geodl.core.surrogate import Surrogate
from geodl.errors import MechanismError, MissingPackageError
from geodl.train.evaluate import SURROGATE
from geodl.train.plots import SURROGATE_COLOUR, TRUTH_COLOUR, axes_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DAYS, BOXES, CURVES = 3, 8, 3  # that are rolled out, and boxes whose concentrations are drawn
TIMED = 1 / 8  # days over which errors and costs are compared
LEAST = 1e-9  # what is drawn for no error at all


def figures(surrogate: Surrogate, test: xr.Dataset) -> "dict[str, Figure]":
    """Boxes of the test data over days, beside MICM where it has the mechanism; errors of one step by species.

    Raises:
        SchemaError, UnitsError, NonFiniteError, DomainError: the test data do not fit the family.
    """
    air = EmulatedAir(surrogate)
    boxes = held_out_boxes(test, air.mechanism)
    run, solver = roll_out(air, boxes, days=DAYS, show=False), _solver(air.mechanism)
    truth = None if solver is None else roll_out(solver, boxes, days=DAYS, show=False)
    drawn = {"Diurnal cycle": diurnal_figure(run, truth)}
    if solver is not None and truth is not None:
        name = air.mechanism.name
        found = error_versus_cost(boxes, {**opponents(name), SURROGATE: air}, reference=solver, days=TIMED, show=False)
        found["cost"].loc[{"chemistry": SURROGATE}] = interleaved({SURROGATE: air}, visited(truth, boxes))[SURROGATE]
        drawn["Bias over days"] = bias_figure(roll_out_scores(run, truth, air.mechanism))
        drawn["Error and cost"] = cost_figure(found)
    return drawn | {"Errors of one step": species_figure(scores(surrogate, test))}


def held_out_boxes(test: xr.Dataset, mechanism: LumpedMechanism, count: int = BOXES) -> Boxes:
    """The first boxes of test data that say of which plan they are, as they began; of other data, boxes of a plan."""
    if "plan" not in test.attrs or "box" not in test.coords:
        return draw_boxes(Plan(), mechanism, range(count))
    plan, numbers = Plan.parse(json.loads(test.attrs["plan"])), np.unique(test["box"])[:count]
    return draw_boxes(plan, mechanism, range(int(numbers[-1]) + 1)).part(numbers)


def _solver(mechanism: LumpedMechanism) -> MicmChemistry | None:
    """MICM, where it is installed and has the very mechanism."""
    try:
        solver = exact(mechanism.name)
    except (MechanismError, MissingPackageError):
        return None
    return solver if solver.mechanism.fingerprint == mechanism.fingerprint else None


def diurnal_figure(run: xr.Dataset, reference: xr.Dataset | None = None) -> "Figure":
    """Concentrations of a few boxes over their days, and the reference below them.

    Args:
        run, reference: of `geodl.chemistry.atmosphere.box.roll_out`.
    """
    names = judged_species(run["species"].values)
    figure, grid = axes_grid(len(names), width=5.0, columns=2)
    days = run["time"].values / DAY
    for axis, name in zip(grid, names, strict=True):
        for box in range(min(CURVES, run.sizes["box"])):
            if reference is not None:
                truth = reference["concentration"].sel(species=name)[:, box]
                axis.plot(reference["time"].values / DAY, truth, color=TRUTH_COLOUR, lw=2.5, alpha=0.35,
                          label=None if box else "MICM")  # fmt: skip
            curve = run["concentration"].sel(species=name)[:, box]
            axis.plot(days, curve, color=f"C{box}", lw=1.2, label=f"surrogate, box {box + 1}")
        axis.set(xlabel="time since midnight [d]", ylabel=f"{name} [mol m-3]")
    grid[0].legend(frameon=False, fontsize=8)
    return figure


def bias_figure(found: xr.Dataset) -> "Figure":
    """Bias of every species day by day: of all boxes together, and the range of the boxes.

    Args:
        found: of `geodl.chemistry.atmosphere.air_scores.roll_out_scores`.
    """
    figure, grid = axes_grid(found.sizes["species"], width=5.0, columns=2)
    for axis, name in zip(grid, found["species"].values, strict=True):
        each, day = 100 * found["bias"].sel(species=name).values, found["day"].values
        axis.fill_between(day, *np.quantile(each, [0, 1], axis=1), color=SURROGATE_COLOUR, alpha=0.12, label="all")
        axis.fill_between(
            day, *np.quantile(each, [0.25, 0.75], axis=1), color=SURROGATE_COLOUR, alpha=0.3, label="half"
        )
        axis.plot(day, 100 * found["mean_bias"].sel(species=name), "o-", ms=3, color=SURROGATE_COLOUR, label="together")
        axis.axhline(0, color=TRUTH_COLOUR, lw=0.8)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set(xlabel="day [1]", ylabel=f"bias of {name} [%]")
    grid[0].legend(frameon=False, fontsize=8, title="boxes")
    return figure


def cost_figure(found: xr.Dataset) -> "Figure":
    """What a cell costs for an hour-by-hour error, for all but the reference.

    Args:
        found: of `geodl.chemistry.atmosphere.error_versus_cost.error_versus_cost`.
    """
    figure, grid = axes_grid(found.sizes["species"], width=5.0, columns=2)
    shown = found.isel(chemistry=slice(1, None))
    for axis, name in zip(grid, shown["species"].values, strict=True):
        for i, chemistry in enumerate(shown["chemistry"].values):
            one = shown.sel(chemistry=chemistry, species=name)
            ends = [[0.0], [max(0.0, float(one["p99"] - one["median"]))]]
            mine = chemistry == SURROGATE
            axis.errorbar(
                [float(one["cost"])], [max(float(one["median"]), LEAST)], yerr=ends, fmt="*" if mine else "o",
                ms=11 if mine else 6, color=SURROGATE_COLOUR if mine else f"C{i + 1}", capsize=3, label=chemistry,
            )  # fmt: skip
        axis.set(
            xscale="log", yscale="log", xlabel="cost of a cell and step [us]", ylabel=f"relative error of {name} [1]"
        )
    grid[0].legend(frameon=False, fontsize=7, title="median, up to p99")
    return figure


def species_figure(found: xr.Dataset) -> "Figure":
    """Median and 95th percentile of the relative error of one step in each species, for every model.

    Args:
        found: of `geodl.chemistry.atmosphere.air_scores.scores`.
    """
    names = [name for name in found.data_vars if str(name).startswith("relative_error_")]
    figure, (axis,) = axes_grid(1, width=6.4, height=4.0)
    for i, model in enumerate(found["model"].values):
        errors = np.array([found[name].sel(model=model, statistic=["median", "p95"]).values for name in names])
        place = np.arange(len(names)) + 0.15 * (i - 1)
        colour = SURROGATE_COLOUR if model == SURROGATE else f"C{i}"
        axis.vlines(place, *errors.T, color=colour)
        axis.plot(place, errors[:, 0], "o", color=colour, label=model)
    axis.set_xticks(range(len(names)), [str(name).removeprefix("relative_error_") for name in names])
    axis.set(yscale="log", xlabel="species", ylabel="relative error of one step, median to p95 [1]")
    axis.legend(frameon=False)
    return figure
