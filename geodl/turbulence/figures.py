"""What people look at first: where the stresses lie between their limits, and where in the flow the errors are."""

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from torch import Tensor

from geodl.core.contract import Tensors
from geodl.core.surrogate import Surrogate, predict
from geodl.train.fit import prepare
from geodl.train.plots import axes_grid
from geodl.turbulence.a_posteriori.corrected_duct import duct_with
from geodl.turbulence.a_posteriori.figures import duct_section
from geodl.turbulence.a_posteriori.stress import REMAINDER
from geodl.turbulence.physics.barycentric import barycentric_figure, colour_map_figure, triangles
from geodl.turbulence.scores import flows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from matplotlib.tri import Triangulation

FLOWS, CELLS = 3, 20_000  # flows that are drawn, cells of the barycentric maps
THIN = 1e-3  # of the largest extent: a section of one cell is thinner
WIDTH = 5.6  # of a map with its colour bar, inches


_SOLVED = {"flow", "family", "row", "column", "velocity", "velocity_truth", "eddy_viscosity", "position", "volume"}


@dataclasses.dataclass(frozen=True)
class Section:
    """Cells of one flow in a plane of coordinates.

    Attributes:
        rows: its rows among the samples.
        position: horizontal and vertical ``[cell, 2]``.
        axes: their labels with units.
    """

    rows: np.ndarray
    position: np.ndarray
    axes: tuple[str, str]

    def height(self, width: float) -> float:
        """Height in inches of a map of this width, with its title, its labels, and its colour bar beside it."""
        across, up = np.ptp(self.position, axis=0)
        return float(np.clip(0.75 * width * up / across, 0.6, 2 * width) + 1.1)

    @functools.cached_property
    def triangulation(self) -> "Triangulation":
        """Triangles between the cell centres, none across a wall."""
        from matplotlib.tri import Triangulation

        x, y = self.position.T
        return Triangulation(x, y, triangles(self.position))

    def draw(self, axis: "Axes", title: str, values: np.ndarray, *, norm: "Normalize", cmap: str) -> None:
        """A map of one value per cell, with a colour bar."""
        style: dict[str, Any] = {"shading": "gouraud", "norm": norm, "cmap": cmap, "rasterized": True}
        shown = axis.tripcolor(self.triangulation, values, **style)
        axis.set(xlabel=self.axes[0], ylabel=self.axes[1], aspect="equal", title=title)
        axis.ticklabel_format(scilimits=(-2, 4))
        axis.locator_params(nbins=4)
        beyond = "both" if norm.vmin else "max"  # nothing is below zero
        bar = axis.figure.colorbar(shown, ax=axis, extend=beyond, aspect=12, format="%g", ticks=_ticks(norm))
        bar.minorticks_off()


@dataclasses.dataclass(frozen=True)
class Judged:
    """True and predicted (b, k) of all cells, and what the surrogate says of its own predictions."""

    truth: Tensors
    predicted: Tensors
    diagnostics: dict[str, np.ndarray]
    trusted: np.ndarray


def figures(surrogate: Surrogate, test: xr.Dataset) -> "dict[str, Figure]":
    """Barycentric maps of all test cells; of up to three flows in a plane the stress states, errors and trust.

    Raises:
        SchemaError, UnitsError, NonFiniteError, DomainError: the test data do not fit the family.
    """
    inputs, truth = prepare(surrogate.family, test, surrogate.core.at()[0])
    answer = surrogate.judged(inputs)
    names = [variable.name for variable in surrogate.family.schema.diagnostics]
    values = dict(zip(names, (x.cpu().double().numpy() for x in answer.diagnostics), strict=True))
    judged = Judged(truth, answer.outputs, values, answer.trusted.cpu().numpy())
    drawn = {"Barycentric maps": _barycentric(surrogate, inputs, judged)}
    for flow, section in sections(surrogate, test).items():
        drawn[f"Componentality, {flow}"] = _colours(section, judged)
        drawn[f"Errors and trust, {flow}"] = _errors(section, judged)
    return drawn | _duct(surrogate, test)


def _duct(surrogate: Surrogate, test: xr.Dataset) -> "dict[str, Figure]":
    """Velocity and secondary flow of the first whole duct, if there is one and the closure is made for solvers."""
    names = {variable.name for variable in surrogate.family.schema.diagnostics}
    if REMAINDER not in names or not set(test.variables) >= _SOLVED:
        return {}
    for flow in np.unique(test["flow"].values[test["family"].values == "duct"]):
        duct = test.isel(cell=test["flow"].values == flow)
        if duct.sizes["cell"] == (int(duct["row"].max()) + 1) * (int(duct["column"].max()) + 1):
            return {f"Solved with the closure, {flow}": duct_section(duct_with(surrogate, duct))}
    return {}


def sections(surrogate: Surrogate, test: xr.Dataset) -> dict[str, Section]:
    """Up to three flows by name that are given in a plane of coordinates, of as many kinds as there are."""
    chosen = surrogate.family.samples(test)[0]
    if "position" not in chosen:
        return {}
    found, kinds = dict[str, Section](), list[str]()
    for flow, rows in flows_of(surrogate, test).items():
        section = _section(chosen["position"], rows)
        if section is not None:
            found[flow] = section
            kinds.append(str(chosen["family"].values[rows[0]]) if "family" in chosen.coords else "")
    rank = [kinds[:i].count(kind) for i, kind in enumerate(kinds)]
    return {flow: found[flow] for _, flow in sorted(zip(rank, found, strict=True))[:FLOWS]}


def _section(position: xr.DataArray, rows: np.ndarray) -> Section | None:
    points = position.transpose("cell", "i").values[rows].astype(np.float64)
    extent = np.ptp(points, axis=0)
    thin = extent <= THIN * extent.max()
    if thin.sum() != 1 or not np.isfinite(extent).all():
        return None
    across, up = (2, 1) if thin[0] else (0, 1) if thin[2] else (0, 2)  # walls of a duct stand on z
    units = position.attrs.get("units", "m")
    return Section(rows, points[:, [across, up]], (f"{'xyz'[across]} [{units}]", f"{'xyz'[up]} [{units}]"))


def _barycentric(surrogate: Surrogate, inputs: Tensors, judged: Judged) -> "Figure":
    some = np.random.default_rng(0).permutation(len(inputs[0]))[:CELLS]
    few = tuple(x[some] for x in inputs)
    rivals = {name: predict(core, few)[0] for name, core in surrogate.rivals.items()}
    return barycentric_figure({"truth": judged.truth[0][some], "surrogate": judged.predicted[0][some], **rivals})


def _colours(section: Section, judged: Judged) -> "Figure":
    b = {"truth": judged.truth[0], "surrogate": judged.predicted[0]}
    figure = colour_map_figure(section.position, {name: x[section.rows] for name, x in b.items()}, section.axes)
    figure.set_figheight(max(section.height(5.0), 2.4))  # the key beside it is a triangle
    return figure


def _errors(section: Section, judged: Judged) -> "Figure":
    """|Δb| beside what the ensemble says of it, the ratio of the energies, and the expected error."""
    from matplotlib.colors import LogNorm, Normalize

    rows = section.rows
    error = _size(judged.predicted[0] - judged.truth[0])[rows]
    ratio = (judged.predicted[1].double() / judged.truth[1].double()).numpy()[rows]
    spread, expected = (judged.diagnostics[name][rows] for name in ("anisotropy_spread", "expected_error"))
    errors: dict[str, Any] = {"norm": Normalize(0, np.quantile(error, 0.99)), "cmap": "magma_r"}
    figure, grid = axes_grid(4, width=WIDTH, height=section.height(WIDTH), columns=2)
    section.draw(grid[0], "|Δb|, error of the anisotropy [1]", error, **errors)
    section.draw(grid[1], "spread of the ensemble [1]", spread, **errors)
    section.draw(grid[2], "predicted k / true k [1]", ratio, norm=LogNorm(1 / 4, 4), cmap="RdBu_r")
    outside = ~judged.trusted[rows]
    title = f"expected error / its limit [1]; dots: {outside.mean():.1%} outside domain"
    section.draw(grid[3], title, expected, norm=Normalize(0, 2), cmap="PuOr_r")
    grid[3].plot(*section.position[outside].T, ".", ms=1.5, color="black", rasterized=True)
    return figure


def _ticks(norm: "Normalize") -> list[float] | None:
    """Powers of two on a logarithmic scale, whose own labels collide."""
    return [1 / 4, 1 / 2, 1, 2, 4] if norm.vmin else None


def _size(tensor: Tensor) -> np.ndarray:
    """Frobenius norm ``[cell]``."""
    norm: np.ndarray = tensor.double().flatten(1).norm(dim=1).numpy()
    return norm
