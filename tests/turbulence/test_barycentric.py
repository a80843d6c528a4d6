"""The barycentric map: corners by hand, there and back, colours that a reader can name, figures with content."""

import math

import numpy as np
import pytest
import torch

from geodl.turbulence.physics.barycentric import (
    barycentric,
    barycentric_colour,
    barycentric_figure,
    barycentric_point,
    colour_map_figure,
    from_barycentric,
    lumley,
)
from geodl.turbulence.physics.eigenvalues import eigenvalues
from geodl.turbulence.physics.realizability import realizable
from tests.turbulence.tensors import orthogonal, random, symmetric, with_spectrum

CORNERS = {
    "one component": ((2 / 3, -1 / 3, -1 / 3), (1, 0, 0), (1.0, 0.0)),
    "two components": ((1 / 6, 1 / 6, -1 / 3), (0, 1, 0), (0.0, 0.0)),
    "isotropic": ((0.0, 0.0, 0.0), (0, 0, 1), (0.5, math.sqrt(3) / 2)),
}


@pytest.mark.parametrize(("spectrum", "weights", "point"), CORNERS.values(), ids=CORNERS)
def test_the_limiting_states_are_the_corners(spectrum, weights, point):
    b = with_spectrum(orthogonal(5), *spectrum)
    for found, expected in ((barycentric(b), weights), (barycentric_point(b), point), (barycentric_colour(b), None)):
        if expected is None:
            expected = [1.0 if w else 0.65**5 for w in weights]
        wanted = torch.tensor(expected, dtype=torch.float64).expand_as(found)
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-14)


def test_the_weights_add_up_to_one_and_are_positive_where_realizable():
    b = symmetric(random(500, 3, 3))
    torch.testing.assert_close(barycentric(b).sum(-1), torch.ones(500, dtype=torch.float64))
    assert bool((barycentric(realizable(b)) >= 0).all())
    assert bool((barycentric(b) < 0).any())


def test_the_weights_give_the_eigenvalues_back():
    b = symmetric(random(2, 50, 3, 3))
    torch.testing.assert_close(from_barycentric(barycentric(b)), eigenvalues(b), rtol=0, atol=1e-14)


def test_colours_are_colours_and_the_contrast_can_be_switched_off():
    b = 10 * symmetric(random(100, 3, 3))
    colour = barycentric_colour(b)
    assert float(colour.min()) >= 0
    assert float(colour.max()) <= 1
    inside = realizable(b)
    torch.testing.assert_close(barycentric_colour(inside, 0.0, 1.0), barycentric(inside).clamp(0, 1))


def test_lumleys_triangle_has_its_corners():
    for spectrum, (xi, eta) in {
        (2 / 3, -1 / 3, -1 / 3): (1 / 3, 1 / 3),
        (1 / 6, 1 / 6, -1 / 3): (-1 / 6, 1 / 6),
        (0.0, 0.0, 0.0): (0.0, 0.0),
    }.items():
        found = lumley(with_spectrum(orthogonal(3), *spectrum))
        torch.testing.assert_close(torch.stack(found, -1), torch.tensor([[xi, eta]] * 3).double(), rtol=0, atol=1e-6)


def colours_in(figure):
    """How many different colours the drawn picture has."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return len(np.unique(np.asarray(canvas.buffer_rgba()).reshape(-1, 4), axis=0))


def test_the_triangle_shows_every_model():
    figure = barycentric_figure({"truth": realizable(symmetric(random(300, 3, 3))), "zero": torch.zeros(4, 3, 3)})
    assert [axis.get_title() for axis in figure.axes[:2]] == ["truth", "zero"]
    assert {text.get_text() for text in figure.axes[0].texts} == {"1C", "2C", "3C"}
    assert colours_in(figure) > 20


def test_a_cross_section_is_drawn_in_the_colours_of_its_cells_and_not_through_walls():
    x, y = np.meshgrid(np.linspace(0, 4, 41), np.geomspace(0.01, 1, 30))
    bump = np.where(np.abs(x - 2) < 1, np.cos(np.pi * (x - 2) / 2) ** 2, 0)
    position = np.stack([x, bump / 2 + y * (1 - bump / 2)], -1).reshape(-1, 2)
    b = realizable(0.4 * symmetric(random(len(position), 3, 3)))
    figure = colour_map_figure(position, {"truth": b, "zero": 0 * b})
    assert [axis.get_title() for axis in figure.axes] == ["truth", "zero", ""]
    assert figure.axes[0].get_xlabel() == "z [m]"
    triangles = np.stack([path.vertices[:3] for path in figure.axes[0].collections[0].get_paths()])
    centre = triangles.mean(1)
    wall = np.where(np.abs(centre[:, 0] - 2) < 1, np.cos(np.pi * (centre[:, 0] - 2) / 2) ** 2, 0) / 2
    assert (centre[:, 1] > wall - 0.02).all()
    assert len(triangles) > 2100
    assert colours_in(figure) > 500
