"""Figures show days, biases, costs and errors, with units on their axes."""

import json

import numpy as np
import pytest
import xarray as xr

import geodl
from geodl.chemistry.atmosphere.air_example import air_example, made_up
from geodl.chemistry.atmosphere.air_figures import (
    bias_figure,
    cost_figure,
    diurnal_figure,
    figures,
    held_out_boxes,
)
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes
from geodl.train.config import FitConfig
from geodl.train.evaluate import SURROGATE

SPECIES = ["O3", "NO2"]


@pytest.fixture(scope="module")
def drawn():
    """Of a surrogate that is as good as untrained, whose mechanism no solver has."""
    family = geodl.family("chemistry", mechanism=made_up().to_record(), hidden=(8,))
    parts = geodl.split(air_example(0), family.group)
    surrogate = geodl.fit(family, parts.train, parts.valid, config=FitConfig(epochs=1), show=False)
    return figures(surrogate, parts.test)


def hours() -> xr.Dataset:
    values = np.random.default_rng(0).uniform(1, 2, (25, 2, 2))
    time = 3600.0 * np.arange(25)
    return xr.Dataset({"concentration": (("time", "box", "species"), values)}, {"time": time, "species": SPECIES})


def biases() -> xr.Dataset:
    bias = np.random.default_rng(0).normal(size=(3, 5, 2))
    found = {"bias": (("day", "box", "species"), bias), "mean_bias": (("day", "species"), bias.mean(1))}
    return xr.Dataset(found, {"day": [1, 2, 3], "species": SPECIES})


def costs() -> xr.Dataset:
    error = np.array([[0.0, 0.0], [1e-3, 2e-3], [0.0, 1e-2]])
    found = {"cost": ("chemistry", [9.0, 5.0, 0.5])} | {
        name: (("chemistry", "species"), factor * error) for name, factor in (("median", 1), ("p99", 10))
    }
    return xr.Dataset(found, {"chemistry": ["the reference", "backward Euler", SURROGATE], "species": SPECIES})


def test_every_axis_says_what_it_shows_and_in_which_units(drawn):
    assert list(drawn) == ["Diurnal cycle", "Errors of one step"]  # nobody can solve the made-up one
    for figure in [*drawn.values(), diurnal_figure(hours(), hours()), bias_figure(biases()), cost_figure(costs())]:
        figure.canvas.draw()
        for axis in figure.axes:
            assert axis.get_ylabel().endswith("]")
            assert axis.get_xlabel().endswith("]") or axis.get_xlabel() == "species"


def test_the_reference_lies_below_each_curve():
    truth = hours()
    first, second = diurnal_figure(2 * hours(), truth).axes[0].lines[:2]
    np.testing.assert_allclose(first.get_ydata(), truth["concentration"][:, 0, 0])
    np.testing.assert_allclose(second.get_ydata(), 2 * truth["concentration"][:, 0, 0])
    np.testing.assert_allclose(second.get_xdata(), np.arange(25) / 24)


def test_biases_are_in_percent():
    line = bias_figure(biases()).axes[1].lines[0]
    np.testing.assert_allclose(line.get_ydata(), 100 * biases()["mean_bias"].sel(species="NO2"))


def test_each_chemistry_but_the_reference_is_a_point_even_without_an_error():
    points = [line for line in cost_figure(costs()).axes[0].lines if line.get_marker() in "*o"]
    assert [float(line.get_xdata()[0]) for line in points] == [5.0, 0.5]
    assert all(line.get_ydata()[0] > 0 for line in points)


def test_test_data_say_which_boxes_they_are():
    plan = Plan(seed=5, boxes=9)
    test = air_example(0, boxes=2).assign_attrs(plan=plan.model_dump_json())
    test = test.assign_coords(box=("sample", np.where(test["box"] == 0, 7, 3)))
    expected = (
        draw_boxes(plan, made_up(), range(3, 4)).temperature,
        draw_boxes(plan, made_up(), range(7, 8)).temperature,
    )
    np.testing.assert_array_equal(held_out_boxes(test, made_up()).temperature, np.concatenate(expected))
    assert json.loads(test.attrs["plan"])["seed"] == 5


def test_data_of_no_plan_will_do():
    assert len(held_out_boxes(air_example(0), made_up(), 3)) == 3
