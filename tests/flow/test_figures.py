"""Figures show the flows and the numbers that they speak of, with units on their axes."""

import re

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

import geodl
from geodl.core.surrogate import Surrogate
from geodl.errors import SchemaError
from geodl.flow.figures import Judged, figures
from geodl.flow.maps import Flow, flow_figure, flow_map, stream_function
from geodl.flow.scores import scores
from geodl.testing import assert_refused
from geodl.train.config import FitConfig

KINDS = ("circle", "airfoil", "union")


@pytest.fixture(scope="module")
def flows() -> xr.Dataset:
    """Steady flows that come with the library."""
    ds = geodl.open_sample("flow-obstacles/primitives")
    return ds.isel(sample=ds["converged"].values)


@pytest.fixture(scope="module")
def cases(flows) -> xr.Dataset:
    return flows.isel(sample=np.isin(flows["shape"], KINDS))


@pytest.fixture(scope="module")
def surrogate(flows) -> Surrogate:
    """As good as untrained."""
    family = geodl.family("flow", members=1, widths=(4, 8))
    config = FitConfig.parse({**family.settings, "epochs": 1})
    parts = flows.isel(sample=slice(0, 16)), flows.isel(sample=slice(16, 28))
    return geodl.fit(family, *parts, config=config, show=False)


@pytest.fixture(scope="module")
def made(surrogate, cases) -> dict[str, Figure]:
    return figures(surrogate, cases)


def maps(figure: Figure) -> list:
    """Axes that are no colour bars."""
    return [axis for axis in figure.axes if axis.get_xlabel()]


def drawn(axis) -> np.ndarray:
    """The field of a map."""
    return np.asarray(axis.collections[0].get_array()).reshape(64, 128)


def test_the_stream_function_of_a_shear_flow_is_its_integral():
    y = (np.arange(64) + 0.5) / 16
    u = np.repeat((1 + np.sin(y))[:, None], 3, 1)
    np.testing.assert_allclose(stream_function(u, 1 / 16)[:, 0], y + 1 - np.cos(y), atol=1 / 16**2)


def test_as_much_flows_between_the_sides_everywhere_along_the_stream(flows):
    """To 1 %: the fluid is weakly compressible."""
    above = stream_function(flows["u"].values.astype(float), 1 / 16)[:, -1]
    np.testing.assert_allclose(above, above[:, :1].repeat(128, 1), rtol=1e-2)


def test_maps_of_one_flow_are_its_speed_pressure_and_stream_function(flows):
    one = flows.isel(sample=5)
    figure = flow_figure(one, title="an airfoil")
    figure.canvas.draw()  # the layout is possible
    assert figure.get_suptitle() == "an airfoil"
    speed, pressure, stream = maps(figure)
    np.testing.assert_allclose(drawn(speed), np.hypot(one["u"], one["v"]))
    np.testing.assert_allclose(drawn(pressure), one["p"])
    np.testing.assert_allclose(drawn(stream), stream_function(one["u"].values.astype(float), 1 / 16))


def test_a_prediction_is_drawn_in_the_colours_of_the_reference_and_their_difference_beside(flows):
    first, second = flows.isel(sample=0), flows.isel(sample=[1])
    figure = flow_figure(first, second[["u", "v", "p"]])
    figure.canvas.draw()
    axes = maps(figure)
    assert len(axes) == 9
    for left, middle, right in zip(axes[::3], axes[1::3], axes[2::3], strict=True):
        assert left.collections[0].get_clim() == middle.collections[0].get_clim()
        np.testing.assert_allclose(drawn(right), drawn(middle) - drawn(left))
    np.testing.assert_allclose(drawn(axes[4]), second["p"][0])


def test_the_order_of_dimensions_and_the_mask_in_the_place_of_the_distance_change_nothing(flows):
    one = flows.isel(sample=[3])
    first, turned = Flow.of(one), Flow.of(one.transpose("x", "sample", "y").drop_vars("sdf"))
    np.testing.assert_array_equal(first.u, turned.u)
    np.testing.assert_array_equal(first.body > 0, turned.body > 0)


def test_a_map_on_ones_own_axes_says_what_its_colours_mean(flows):
    axis = Figure().subplots()
    shown = flow_map(axis, flows.isel(sample=0), "pressure")
    low, high = shown.get_clim()
    assert axis.get_title() == f"p / (density U²): {low:.2g} to {high:.3g} [1]"
    assert low == -high
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x [m]", "y [m]")


def test_what_is_no_flow_is_refused(flows):
    one = flows.isel(sample=0)
    assert_refused(SchemaError, lambda: flow_figure(flows), "choose one", "isel(sample=0)")
    assert_refused(SchemaError, lambda: flow_figure(one.drop_vars(["sdf", "mask"])), "sdf or mask")
    assert_refused(SchemaError, lambda: flow_figure(one.drop_vars("v")), "u, v, p")


def test_every_axis_says_what_it_shows_and_in_which_units(made):
    assert list(made) == [
        "Median flow", "Worst flow", "Drag polar", "Drag, predicted over true", "Errors by kind of body",
    ]  # fmt: skip
    for name, figure in made.items():
        figure.canvas.draw()
        for axis in figure.axes:
            assert axis.get_ylabel().endswith("]"), name
            assert axis.get_xlabel().endswith("]") or axis.get_xlabel() in ("", "kind of body"), name


def test_the_titles_tell_the_error_and_both_drags(made, surrogate, cases):
    found = scores(surrogate, cases)["velocity_error"].sel(model="surrogate")
    assert made["Worst flow"].get_suptitle().endswith(f"{100 * float(found.sel(statistic='largest')):.3g} %")
    judged = Judged.of(surrogate, cases)
    row = int(np.argmax(judged.errors(judged.answer.outputs)["velocity"]))
    predicted = surrogate(cases.isel(sample=[row]))
    titles = [axis.get_title() for axis in maps(made["Worst flow"])[:2]]
    assert titles[0] == f"reference: Cd {float(cases['drag'][row]):.3f}"
    told = [float(word) for word in re.findall(r"-?\d+\.\d+", titles[1])]
    assert told == pytest.approx([float(predicted[name][0]) for name in ("drag", "field_drag")], rel=1e-4, abs=2e-3)


def test_the_polar_has_every_case_twice_with_its_interval(made, surrogate, cases):
    predicted = surrogate(cases)
    for axis, name in zip(made["Drag polar"].axes, ("drag", "field_drag"), strict=True):
        *kinds, reference = axis.lines
        assert [line.get_label() for line in kinds] == sorted(KINDS)
        np.testing.assert_allclose(reference.get_ydata(), cases["drag"])
        np.testing.assert_allclose(kinds[1].get_ydata(), predicted[name][cases["shape"].values == "circle"], rtol=1e-5)
    ends = np.concatenate([lines.get_segments() for lines in made["Drag polar"].axes[0].collections])[:, :, 1]
    np.testing.assert_allclose(np.sort(ends[:, 0]), np.sort(predicted["drag_low"]), rtol=1e-5)
    np.testing.assert_allclose(np.sort(ends[:, 1]), np.sort(predicted["drag_high"]), rtol=1e-5)


def test_the_band_around_the_diagonal_is_the_interval(made, surrogate, cases):
    predicted = surrogate(cases)
    band = made["Drag, predicted over true"].axes[0].collections[0].get_paths()[0].vertices
    steepest = float((band[:, 1] / band[:, 0]).max())
    assert steepest == pytest.approx(float((predicted["drag"] / predicted["drag_low"]).mean()), rel=1e-5)


def test_every_model_has_its_points_and_their_median_for_each_kind(made, surrogate, cases):
    axis = made["Errors by kind of body"].axes[0]
    labels = [line.get_label() for line in axis.lines if not line.get_label().startswith("_")]
    assert labels == ["surrogate", *surrogate.rivals]
    assert [text.get_text() for text in axis.get_xticklabels()] == sorted(KINDS)
    points, median = axis.lines[:2]
    assert len(points.get_ydata()) == int((cases["shape"] == "airfoil").sum())
    assert median.get_ydata()[0] == np.median(points.get_ydata())


def test_flows_without_kinds_are_of_one_kind(surrogate, cases):
    judged = Judged.of(surrogate, cases.drop_vars("shape"))
    assert list(judged.colours) == ["all bodies"]
