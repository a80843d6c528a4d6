import math

import numpy as np
import pytest
import torch

from geodl.errors import OptionError
from geodl.flow.cases import cavity, schaefer_turek
from geodl.flow.cases.poiseuille import poiseuille
from geodl.flow.cases.taylor_green import WAVE_NUMBER, taylor_green, vortices
from geodl.flow.geometry.grid import Grid
from geodl.testing import assert_refused, observed_order


@pytest.mark.parametrize(("relaxation_time", "engine"), [(0.55, "auto"), (0.8, "auto"), (2.0, "auto"), (2.0, "torch")])
def test_channel_flow_is_exact_at_every_viscosity(relaxation_time, engine):
    assert poiseuille(relaxation_time, cells=5, lattice_speed=0.02, engine=engine) < 1e-11


def test_decaying_vortices_converge_at_second_order():
    errors = [taylor_green(cells) for cells in (24, 48)]
    assert observed_order(errors, [1 / 24, 1 / 48]) == pytest.approx([2], abs=0.1)


def test_the_vortices_begin_free_of_divergence_with_their_own_gradient():
    points = torch.rand(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    u, v, p, gradient = vortices(points)
    for column, field in enumerate((u, v)):
        exact = torch.autograd.grad(field.sum(), points, retain_graph=True)[0]
        torch.testing.assert_close(gradient[:, :, column], exact)
    divergence = (gradient[:, 0, 0] + gradient[:, 1, 1]).detach()
    assert float(divergence.abs().max()) < 1e-14 * WAVE_NUMBER
    push = u[:, None] * gradient[:, 0] + v[:, None] * gradient[:, 1]
    torch.testing.assert_close(push, -torch.autograd.grad(p.sum(), points)[0])  # steady but for viscosity


def test_the_cavity_approaches_the_published_flow():
    worst = [cavity.cavity(cells, (100,))["100"].worst for cells in (17, 33)]
    assert worst[1] < worst[0]
    assert worst[1] < 0.01


def test_the_tables_of_the_cavity_disagree_as_the_spectral_paper_says():
    assert cavity.published_error() == pytest.approx(0.0185, abs=1e-5)


def test_the_suspect_value_is_reported_but_does_not_count():
    zero = np.zeros(129)
    found = cavity._deviation("400", zero, zero)
    assert found.suspect == pytest.approx(0.23827, abs=1e-4)
    assert (len(found.u), len(found.v)) == (15, 14)
    assert cavity._deviation("100", zero, zero).suspect is None


def test_drag_and_pressure_of_the_cylinder_approach_the_spectral_solution():
    coarse = schaefer_turek.steady_cylinder(10)
    fine = schaefer_turek.steady_cylinder(20, start=coarse.flow)
    for name, exact in schaefer_turek.STEADY_SPECTRAL.items():
        errors = [abs(getattr(case, name) / exact - 1) for case in (coarse, fine)]
        assert errors[1] < 0.03
        assert name == "lift" or observed_order(errors, [1 / 10, 1 / 20])[0] > 1.3


def test_pressure_at_the_cylinder_is_extrapolated_exactly_from_a_parabola():
    grid = Grid(220, 41, 0.01)
    x, y = (torch.from_numpy(axis) for axis in (grid.x, grid.y))
    p = (3 * x**2 - 2 * x)[None, :] + (y**3)[:, None]
    expected = 3 * (0.15**2 - 0.25**2) + 0.2
    assert schaefer_turek.pressure_drop(p, grid) == pytest.approx(expected, abs=1e-13)


def test_the_strouhal_number_of_a_sine_is_its_frequency():
    interval, strouhal = 0.02, 0.3
    phase = 2 * math.pi * strouhal * interval * np.arange(2500)
    record = np.stack([3.2 - 0.03 * np.sin(2 * phase), np.sin(phase) - 0.01, 2.5 - 0.1 * np.sin(phase)], 1)
    found = schaefer_turek._summary(record, interval)
    assert found.strouhal == pytest.approx(strouhal, rel=1e-4)
    assert (found.drag, found.lift) == pytest.approx((3.23, 0.99), abs=1e-3)
    assert found.pressure_drop == pytest.approx(2.6, abs=1e-3)
    assert found.periods == 13


def test_a_channel_of_broken_cells_is_refused():
    assert_refused(OptionError, lambda: schaefer_turek.steady_cylinder(15), "15", "multiple of 10")
