"""NACA 4-digit airfoils: the contour of the report, and how close the polygon is to it."""

import math

import numpy as np
import pytest
import torch

from geodl.errors import GeometryError
from geodl.flow.geometry.airfoil import Airfoil, contour
from geodl.testing import assert_refused


@pytest.mark.parametrize("code", ["0006", "0012", "2412", "4415", "6630", "0040"])
def test_the_contour_is_within_a_hundred_thousandth_of_a_chord(code):
    exact = torch.from_numpy(contour(code, np.linspace(0, 2 * np.pi, 20001)) - [0.5, 0])
    assert float(Airfoil(code, 1.0).distance(exact).abs().max()) < 1e-5


def test_the_thickest_place_is_as_thick_as_the_code_says():
    turn = np.linspace(0, np.pi, 100001)
    upper, lower = contour("0012", turn), contour("0012", 2 * np.pi - turn)
    thickness = upper[:, 1] - lower[:, 1]
    assert thickness.max() == pytest.approx(0.12, abs=1e-4)
    assert upper[thickness.argmax(), 0] == pytest.approx(0.30, abs=2e-3)


def test_the_camber_line_peaks_where_the_code_says():
    turn = np.linspace(0, np.pi, 100001)
    middle = (contour("2412", turn) + contour("2412", 2 * np.pi - turn)) / 2
    assert middle[:, 1].max() == pytest.approx(0.02, abs=1e-8)
    assert middle[middle[:, 1].argmax(), 0] == pytest.approx(0.4, abs=1e-3)


def test_the_nose_has_the_radius_of_the_report():
    near = contour("0012", np.pi + np.array([-1e-3, 1e-3]))[0]  # x = y^2 / 2 r
    assert near[1] ** 2 / (2 * near[0]) == pytest.approx(1.1019 * 0.12**2, rel=1e-2)


def test_the_trailing_edge_is_sharp():
    np.testing.assert_allclose(contour("4415", np.array([0.0, 2 * np.pi])), [[1, 0], [1, 0]], atol=1e-15)


def test_an_airfoil_without_camber_is_its_own_mirror_image():
    some = torch.rand(300, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 0.5
    mirrored = Airfoil("0015", 1.0).distance(some * torch.tensor([1.0, -1.0]))
    torch.testing.assert_close(mirrored, Airfoil("0015", 1.0).distance(some), atol=1e-6, rtol=0)


def test_the_nose_points_against_the_stream_and_up_at_a_negative_angle():
    airfoil = Airfoil("0012", 2.0, (3.0, 1.0), -math.radians(20))
    nose = torch.tensor([[3 - math.cos(math.radians(20)), 1 + math.sin(math.radians(20))]], dtype=torch.float64)
    assert abs(float(airfoil.distance(nose))) < 2e-5


@pytest.mark.parametrize("code", ["12", "00123", "abcd", "0000", "0041", "2012", "0412"])
def test_a_code_that_is_no_airfoil_is_refused(code):
    assert_refused(GeometryError, lambda: Airfoil(code, 1.0), repr(code), "four digits")
