"""Features are dimensionless, ignore the frame, say truly whether they ignore a moving observer, and stay numbers."""

import dataclasses
import itertools

import pytest
import torch
from torch import Tensor

from geodl.turbulence.physics.features import FEATURES, Feature, features
from geodl.turbulence.physics.mean_flow import MeanFlow
from tests.turbulence.tensors import orthogonal, random, symmetric

CELLS = 60
# name: trailing dimensions, and powers of length and time in its unit
QUANTITIES = {
    "gradient": ((3, 3), 0, -1),
    "k": ((), 2, -2),
    "omega": ((), 0, -1),
    "nu": ((), 2, -1),
    "wall_distance": ((), 1, 0),
    "k_gradient": ((3,), 1, -2),
    "pressure_gradient": ((3,), 1, -2),
    "velocity": ((3,), 1, -1),
}
EVERY = FEATURES["all"]


def mean_flow(dtype: torch.dtype = torch.float64, **replaced: Tensor) -> MeanFlow:
    """Random cells: entries first and cells last, scalars positive, a gradient with a trace and a rotation."""
    drawn = {
        name: random(*shape, CELLS, seed=seed) if shape else random(CELLS, seed=seed).exp()
        for seed, (name, (shape, _, _)) in enumerate(QUANTITIES.items())
    }
    return MeanFlow(**{name: x.to(dtype) for name, x in (drawn | replaced).items()})


def fields(flow: MeanFlow) -> dict[str, Tensor]:
    return {name: getattr(flow, name) for name in QUANTITIES}


def by_name(flow: MeanFlow, chosen: tuple[Feature, ...] = EVERY) -> dict[str, Tensor]:
    return dict(zip((f.name for f in chosen), features(flow, chosen).unbind(1), strict=True))


def turned(flow: MeanFlow, q: Tensor) -> MeanFlow:
    """The same cells in other axes, one matrix ``[cell, 3, 3]`` for each."""
    products = {1: lambda x: x, 2: lambda x: torch.einsum("nab,bn->an", q, x)}
    products[3] = lambda x: torch.einsum("nab,bcn,ndc->adn", q, x, q)
    return MeanFlow(**{name: products[x.ndim](x) for name, x in fields(flow).items()})


@pytest.mark.parametrize(("length", "time"), [(3.7e3, 1.0), (1.0, 1.9e-3), (2.1e-4, 5.3e2)])
def test_units_of_length_and_time_do_not_matter(length, time):
    flow = mean_flow()
    other = MeanFlow(**{name: x * length ** QUANTITIES[name][1] * time ** QUANTITIES[name][2]
                        for name, x in fields(flow).items()})  # fmt: skip
    torch.testing.assert_close(features(other, EVERY), features(flow, EVERY), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(other.energy, flow.energy * length**2 / time**2, rtol=1e-12, atol=0)


def test_rotations_and_reflections_of_the_axes_do_not_matter():
    flow = mean_flow()
    other = turned(flow, orthogonal(CELLS))
    torch.testing.assert_close(features(other, EVERY), features(flow, EVERY), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(other.energy, flow.energy, rtol=1e-12, atol=0)


@pytest.mark.parametrize("feature", EVERY, ids=lambda f: f.name)
def test_a_feature_says_truly_whether_it_ignores_a_moving_observer(feature):
    flow = mean_flow()
    moving = dataclasses.replace(flow, velocity=flow.velocity + torch.tensor([3.0, -1.0, 0.5])[:, None])
    same = torch.equal(feature.compute(flow), feature.compute(moving))
    assert same == feature.galilean


def test_the_default_features_are_galilean_and_need_no_velocity():
    assert all(feature.galilean for feature in FEATURES["galilean"])
    without = dataclasses.replace(mean_flow(), velocity=None)
    assert torch.equal(features(without, FEATURES["galilean"]), features(mean_flow(), FEATURES["galilean"]))


def test_the_invariants_of_pope_need_the_gradient_k_and_omega_alone():
    flow = mean_flow()
    bare = MeanFlow(flow.gradient, flow.k, flow.omega)
    assert torch.equal(features(bare, FEATURES["pope"]), features(flow, FEATURES["pope"]))
    assert torch.equal(bare.energy, bare.k)


def test_every_feature_varies_and_no_two_are_the_same():
    values = features(mean_flow(), EVERY)
    correlation = torch.corrcoef(values.T) - torch.eye(len(EVERY))
    assert bool((values.std(0) > 1e-3).all())
    assert float(correlation.abs().max()) < 0.9999


def test_names_are_unique_and_each_feature_tells_its_formula_and_its_source():
    names = [feature.name for feature in EVERY]
    assert len(set(names)) == len(names)
    for feature in EVERY:
        assert feature.formula.strip(), feature.name
        assert feature.source.strip(), feature.name
    assert set(FEATURES["pope"]) < set(FEATURES["galilean"]) < set(EVERY)


@pytest.mark.parametrize("name", QUANTITIES)
def test_what_is_not_a_number_stays_in_its_cell(name):
    spoiled = fields(mean_flow())[name].clone()
    spoiled[..., 7] = torch.nan
    straight, bad = features(mean_flow(), EVERY), features(mean_flow(**{name: spoiled}), EVERY)
    others = torch.arange(CELLS) != 7
    assert torch.equal(bad[others], straight[others])
    assert bool(bad[7].isnan().any())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(
    "names", list(itertools.combinations(["gradient", "wall_distance", "k_gradient", "velocity"], 2))
)
def test_features_of_cells_where_something_is_zero_are_numbers(names, dtype):
    zeros = {name: torch.zeros_like(fields(mean_flow())[name]) for name in names}
    assert bool(features(mean_flow(dtype, **zeros), EVERY).isfinite().all())


def test_the_features_of_a_plane_shear_by_hand():
    """dU/dy = 2 1/s, k = 1, omega = 4, nu = 0.01, d = 0.5, grad k = 3 along y: |S| = |W| = sqrt(2)."""
    gradient = torch.zeros(3, 3, 1, dtype=torch.float64)
    gradient[0, 1] = 2
    one = torch.ones(1, dtype=torch.float64)
    up, still = torch.tensor([[0.0], [3.0], [0.0]]).double(), torch.zeros(3, 1).double()
    flow = MeanFlow(gradient, one, 4 * one, 0.01 * one, 0.5 * one, up, still, still)
    found = {name: float(x) for name, x in by_name(flow).items()}
    shear_time = 2**0.5 / (0.09 * 4)
    assert found["invariant_1"] == pytest.approx(torch.tensor(shear_time**2).log1p().item())
    assert found["invariant_2"] == pytest.approx(-found["invariant_1"])
    assert found["rotation_share"] == pytest.approx(0, abs=1e-15)
    assert found["strain_time"] == pytest.approx(shear_time / (1 + shear_time))
    assert found["turbulence_reynolds"] == pytest.approx(25 / 75)
    assert found["wall_reynolds"] == pytest.approx(1.0)
    assert found["length_share"] == pytest.approx(1 / 3)
    assert found["strain_along_k"] == pytest.approx(0, abs=1e-15)
    assert found["strain_squared_along_k"] == pytest.approx(0.25)  # s = S/2 has 1/2 in xy
    assert found["rotation_squared_along_k"] == pytest.approx(0.25)
    assert found["strain_rotation_along_k"] == pytest.approx(0.25)  # s n = r n = (1/2, 0, 0)
    assert found["pressure_strain"] == 0


def test_next_to_a_wall_the_energy_is_that_of_the_viscous_layer():
    """k = 0.1 y+² u_tau² for y+ -> 0, with u_tau² = nu dU/dy."""
    gradient = torch.zeros(3, 3, 1, dtype=torch.float64)
    gradient[0, 1] = 1e4
    nu, d = torch.tensor([1e-4]).double(), torch.tensor([1e-5]).double()
    flow = MeanFlow(gradient, 1e-30 * torch.ones_like(nu), torch.ones_like(nu), nu, d)
    y_plus = 1.0 * d / nu  # u_tau = 1
    torch.testing.assert_close(flow.energy, 0.1 * y_plus**2, rtol=1e-3, atol=0)


def test_traceless_strain_ignores_a_dilatation():
    flow = mean_flow()
    swollen = dataclasses.replace(flow, gradient=flow.gradient + 2 * torch.eye(3).double()[..., None])
    torch.testing.assert_close(features(swollen, EVERY), features(flow, EVERY), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(flow.strain.movedim(-1, 0), symmetric(flow.gradient.movedim(-1, 0)))
