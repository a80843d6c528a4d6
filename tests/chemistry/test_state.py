"""What an advance takes and gives: one number or one per cell, refused where it cannot be a state."""

import math

import numpy as np
import pytest
import torch

from geodl.chemistry.state import OK, State, cells
from geodl.errors import DomainError, OptionError, ShapeError
from geodl.testing import assert_refused

Y = np.array([[0.2, 0.3, 0.5], [0.1, 0.0, 0.9]])


def test_a_number_stands_for_all_cells_in_full_precision():
    temperature, pressure, fractions, dt = cells(1200.1, np.array([1e5, 2e5]), Y, 1e-6, species=3)
    assert temperature.tolist() == [1200.1, 1200.1]
    assert pressure.tolist() == [1e5, 2e5]
    assert dt.tolist() == [1e-6, 1e-6]
    np.testing.assert_array_equal(fractions.numpy(), Y)


def test_all_follow_the_mass_fractions_in_precision():
    for dtype in (torch.float32, torch.float64):
        assert {x.dtype for x in cells(1200, 1e5, torch.tensor(Y, dtype=dtype), 1e-6, species=3)} == {dtype}


def test_whole_numbers_as_mass_fractions_leave_the_time_step_as_it_is():
    temperature, _, fractions, dt = cells(1200.5, 1e5, np.eye(3, dtype=int), 1e-6, species=3)
    assert fractions.dtype == torch.float64
    assert (temperature.tolist(), dt.tolist()) == ([1200.5] * 3, [1e-6] * 3)


def test_a_cell_without_numbers_passes():
    fractions = Y.copy()
    fractions[0, 1] = math.nan
    assert cells(np.array([math.nan, 1000]), 1e5, fractions, 0, species=3)[2].isnan().sum() == 1


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"mass_fraction": Y[:, :2] / Y[:, :2].sum(1, keepdims=True)}, ShapeError, ("[2, 2]", "[cell, 3]")),
        ({"mass_fraction": Y[0]}, ShapeError, ("[3]", "[cell, 3]")),
        ({"temperature": np.ones(3)}, ShapeError, ("temperature", "[3]", "[2]")),
        ({"pressure": np.ones((2, 1))}, ShapeError, ("pressure", "[2, 1]")),
        ({"mass_fraction": Y * 1.001}, DomainError, ("cell 0", "1.001", "mole fractions")),
        ({"mass_fraction": Y + np.array([0.1, -0.1, 0])}, DomainError, ("species 1 of cell 1", "-0.1")),
        ({"dt": -1e-6}, OptionError, ("dt", "-1e-06")),
        ({"dt": math.nan}, OptionError, ("dt", "nan")),
    ],
    ids=["short list", "one cell", "temperature", "pressure", "sum", "negative", "backwards", "no step"],
)
def test_what_is_no_state_is_refused(given, error, words):
    whole = {"temperature": 1000.0, "pressure": 1e5, "mass_fraction": Y, "dt": 1e-6} | given
    assert_refused(error, lambda: cells(*whole.values(), species=3), *words)


def test_rounding_of_single_precision_is_no_error():
    fractions = torch.tensor(Y, dtype=torch.float32) * (1 + 1e-6)
    cells(1000, 1e5, fractions, 1e-6, species=3)


@pytest.mark.parametrize("dt", [0.5, np.array([0.5, 0.5])], ids=["number", "per cell"])
def test_the_source_times_the_step_is_the_change(dt):
    state = State(np.array([1.0, 2.0]), Y, np.full(2, OK, np.int8))
    np.testing.assert_allclose(state.source(Y - 0.25, dt), 0.5, rtol=1e-15)
