"""Where a stress lies between one, two and three components: the barycentric map, its colours and figures."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geodl.turbulence.physics.eigenvalues import eigenvalues

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CORNERS = ((1.0, 0.0), (0.0, 0.0), (0.5, math.sqrt(3) / 2))  # one, two, three components


def barycentric(anisotropy: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n 3"]:
    """Weights C1, C2, C3 of one-, two- and three-component turbulence; their sum is 1, all >= 0 where realizable.

    C1 = l1 − l2, C2 = 2 (l2 − l3), C3 = 3 l3 + 1 with the eigenvalues l1 >= l2 >= l3.

    Source: Banerjee et al. 2007, J. Turbul. 8, N32.
    """
    first, second, third = eigenvalues(anisotropy).unbind(-1)
    return torch.stack([first - second, 2 * (second - third), 3 * third + 1], -1)


def from_barycentric(weights: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
    """Eigenvalues in descending order from the weights C1, C2, C3: the inverse of the map of the eigenvalues."""
    c1, c2, c3 = weights.unbind(-1)
    third = (c3 - 1) / 3
    second = third + c2 / 2
    return torch.stack([second + c1, second, third], -1)


def barycentric_point(anisotropy: Float[Tensor, "*n 3 3"]) -> Float[Tensor, "*n 2"]:
    """Point in the triangle with the corners (1, 0), (0, 0), (1/2, √3/2) of one, two and three components."""
    weights = barycentric(anisotropy)
    return weights @ torch.tensor(CORNERS, dtype=weights.dtype, device=weights.device)


def barycentric_colour(
    anisotropy: Float[Tensor, "*n 3 3"], offset: float = 0.65, exponent: float = 5.0
) -> Float[Tensor, "*n 3"]:
    """Red, green and blue in [0, 1] for one, two and three components: min(1, (C + offset)**exponent).

    The exponent raises the contrast; offset 0 and exponent 1 give the weights themselves.

    Source: Emory & Iaccarino 2014, CTR Annual Research Briefs, 123.
    """
    return _contrast(barycentric(anisotropy), offset, exponent)


def lumley(anisotropy: Float[Tensor, "*n 3 3"]) -> tuple[Float[Tensor, "*n"], Float[Tensor, "*n"]]:
    """Coordinates (xi, eta) of Lumley's triangle: xi³ = tr b³/6, eta² = tr b²/6.

    Source: Pope 2000, Turbulent Flows, section 11.3.2.
    """
    values = eigenvalues(anisotropy)
    cube = values.pow(3).sum(-1) / 6
    return cube.sign() * cube.abs().pow(1 / 3), (values.square().sum(-1) / 6).sqrt()


def barycentric_figure(anisotropies: Mapping[str, Tensor]) -> "Figure":
    """One triangle per model: how many of its cells ``[cell, 3, 3]`` lie where; outside means not realizable."""
    from geodl.train.plots import axes_grid

    figure, grid = axes_grid(len(anisotropies), width=3.6, height=3.4)
    drawn = []
    for axis, (name, anisotropy) in zip(grid, anisotropies.items(), strict=True):
        x, y = barycentric_point(anisotropy).detach().cpu().double().nan_to_num(-1).numpy().T  # -1: out of sight
        drawn.append(axis.hexbin(x, y, gridsize=60, extent=(-0.1, 1.1, -0.1, 1.0), bins="log", mincnt=1))
        _triangle(axis)
        axis.set_title(name)
    most = max(np.asarray(patches.get_array()).max(initial=1) for patches in drawn)
    for patches in drawn:  # one scale, so that one bar explains all panels
        patches.set_clim(0.9, most)
    figure.colorbar(drawn[0], ax=grid, label="cells", shrink=0.6)
    return figure


def colour_map_figure(
    position: Float[np.ndarray, "cell 2"],
    anisotropies: Mapping[str, Tensor],
    axes: tuple[str, str] = ("z [m]", "y [m]"),
) -> "Figure":
    """One cross-section per model, coloured by :func:`barycentric_colour`, with the key to the colours.

    Args:
        position: cell centres, horizontal and vertical.
        anisotropies: of every model ``[cell, 3, 3]``.
        axes: labels of both axes.
    """
    from matplotlib.collections import PolyCollection

    from geodl.train.plots import axes_grid

    corners = triangles(position)
    figure, grid = axes_grid(len(anisotropies) + 1, width=4.4, height=3.2)
    for axis, (name, anisotropy) in zip(grid, anisotropies.items(), strict=False):
        weights = barycentric(anisotropy).detach().cpu().double()[torch.from_numpy(corners)].mean(1)
        colour = _contrast(weights).numpy()
        patches = PolyCollection(position[corners], facecolors=colour, lw=0, antialiaseds=False, rasterized=True)
        axis.add_collection(patches)
        axis.autoscale_view()
        axis.set(xlabel=axes[0], ylabel=axes[1], title=name, aspect="equal")
        axis.ticklabel_format(scilimits=(-2, 4))
        axis.locator_params(nbins=4)
    _colour_key(grid[-1])
    return figure


def triangles(position: np.ndarray) -> np.ndarray:
    """Triangles between neighbouring cells, without those that bridge a wall.

    However stretched the cells, every true triangle has one edge along their long side, so the least of the longest
    edges around a cell is the long side; a triangle that bridges a wall has an edge of more than twice that.
    """
    from scipy.spatial import Delaunay

    simplices = Delaunay(position).simplices
    corners = position[simplices]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(1)
    side = np.full(len(position), np.inf)
    np.minimum.at(side, simplices.ravel(), np.repeat(longest, 3))
    return simplices[longest <= 2 * side[simplices].max(1)]


def _colour_key(axis: "Axes") -> None:
    """The triangle filled with its own colours."""
    point = np.stack(np.meshgrid(np.linspace(0, 1, 200), np.linspace(0, CORNERS[2][1], 200)), -1)
    c3 = point[..., 1] / CORNERS[2][1]
    c1 = point[..., 0] - c3 / 2
    weights = np.stack([c1, 1 - c1 - c3, c3], -1)
    colour = _contrast(torch.from_numpy(weights)).numpy()
    inside = (weights >= 0).all(-1).astype(float)
    axis.imshow(np.dstack([colour, inside]), extent=(0, 1, 0, CORNERS[2][1]), origin="lower")
    _triangle(axis)


def _contrast(weights: Tensor, offset: float = 0.65, exponent: float = 5.0) -> Tensor:
    return ((weights.clamp(0, 1) + offset) ** exponent).clamp(max=1)


def _triangle(axis: "Axes") -> None:
    """Edges and names of the corners."""
    axis.plot(*zip(*CORNERS, CORNERS[0], strict=True), color="#222222", lw=1.0)
    for (x, y), name, where in zip(CORNERS, ("1C", "2C", "3C"), ("left", "right", "center"), strict=True):
        axis.annotate(
            name,
            (x, y),
            (0, 4 if where == "center" else -4),
            textcoords="offset points",
            ha=where,
            va="bottom" if where == "center" else "top",
        )
    axis.set(xlim=(-0.15, 1.15), ylim=(-0.12, 1.0), aspect="equal")
    axis.set_axis_off()
