"""Fields with physics inside: laws hold whatever the weights, and parameters are learned where asked and only there."""

import pytest
import torch
from torch import Tensor, nn

from geodl.dynamics.fields import BilinearField, MLPField
from geodl.dynamics.hybrid import AugmentedField, EnergyPreservingField, HybridField, KnownField, ScaledField
from geodl.dynamics.lorenz84 import lorenz84
from geodl.dynamics.lorenz96 import lorenz96
from geodl.errors import OptionError, SchemaError, UnknownNameError
from geodl.testing import assert_refused

NOW = torch.zeros((), dtype=torch.float64)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def energy_preserving(size: int) -> EnergyPreservingField:
    field = EnergyPreservingField(size).double()
    for i, weights in enumerate(field.parameters()):
        nn.init.normal_(weights, generator=torch.Generator().manual_seed(i))
    return field


def lorenz63_rate(state: Tensor, sigma: float | Tensor = 10.0, rho: float | Tensor = 28.0) -> Tensor:
    x, y, z = state.unbind(-1)
    return torch.stack((sigma * (y - x), x * (rho - z) - y, x * y - 8 / 3 * z), -1)


def test_a_known_field_is_its_equations_at_their_defaults_or_at_values_given():
    u = normal(10, 3)
    torch.testing.assert_close(KnownField(lorenz84)(NOW, u), lorenz84(u), rtol=0, atol=0)
    changed = KnownField(lorenz84, learn=["displacement"], forcing=6.0, displacement=3.0)
    torch.testing.assert_close(changed(NOW, u), lorenz84(u, 0.25, 3.0, 6.0), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_known_field_keeps_the_dtype_of_states(dtype: torch.dtype):
    assert KnownField(lorenz96, learn=["forcing"])(NOW, torch.ones(2, 40, dtype=dtype)).dtype == dtype


def test_only_named_parameters_are_learned_and_all_are_saved():
    field = KnownField(lorenz84, learn=["forcing"])
    assert [name for name, _ in field.named_parameters()] == ["forcing"]
    assert set(field.state_dict()) == {"damping", "displacement", "forcing", "contrast"}


def test_a_wrong_parameter_is_found_again_from_rates():
    """Rates are linear in rho, so that one Newton step from anywhere is exact."""
    u = normal(50, 3)
    field = KnownField(lorenz63_rate, learn=["rho"], rho=20.0)
    misfit = (field(NOW, u) - lorenz63_rate(u)).square().mean()
    (slope,) = torch.autograd.grad(misfit, field.rho, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, field.rho)
    assert float((field.rho - slope / curvature).detach()) == pytest.approx(28, rel=1e-12)


def test_parameters_that_the_equations_lack_are_refused_with_the_near_one():
    assert_refused(UnknownNameError, lambda: KnownField(lorenz84, learn=["forcin"]), "forcin", "'forcing'")
    assert_refused(UnknownNameError, lambda: KnownField(lorenz84, dampin=1.0), "'damping'")


def test_a_hybrid_field_is_the_sum_of_its_parts():
    known, learned, u = KnownField(lorenz84), MLPField(3, 8, 1, "tanh").double(), normal(6, 3)
    hybrid = HybridField(known, learned)
    torch.testing.assert_close(hybrid(NOW, u), known(NOW, u) + learned(NOW, u), rtol=0, atol=0)


@pytest.mark.parametrize("frozen", [True, False])
def test_known_physics_is_frozen_unless_it_is_asked_to_learn(frozen: bool):
    hybrid = HybridField(KnownField(lorenz84, learn=["forcing"]), MLPField(3, 8, 1, "tanh"), frozen=frozen)
    moving = {name for name, weights in hybrid.named_parameters() if weights.requires_grad}
    assert ("known.forcing" in moving) is not frozen
    assert any(name.startswith("learned.") for name in moving)


def test_a_hybrid_field_with_the_missing_term_is_the_truth():
    """Lorenz-84 without land, and a learned part that is the land."""
    learned = BilinearField(3).double()
    learned.constant.data = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    hybrid = HybridField(KnownField(lorenz84, contrast=0.0), learned)
    u = normal(9, 3)
    torch.testing.assert_close(hybrid(NOW, u), lorenz84(u), rtol=1e-14, atol=1e-14)


def test_a_scaled_field_moves_scaled_states_as_the_field_moves_physical_ones():
    mean, std, dt, u = normal(3, seed=1), normal(3, seed=2).exp(), 0.05, normal(7, 3)
    scaled = ScaledField(KnownField(lorenz84), mean, std, dt)
    torch.testing.assert_close(scaled(NOW, (u - mean) / std) * std / dt, lorenz84(u), rtol=1e-13, atol=1e-13)


def test_an_augmented_field_moves_what_is_observed_and_leaves_the_rest():
    field, u = AugmentedField(KnownField(lorenz84), 3, 2), normal(4, 5)
    rate = field(NOW, u)
    torch.testing.assert_close(rate[..., :3], lorenz84(u[..., :3]), rtol=0, atol=0)
    assert rate[..., 3:].abs().max() == 0
    torch.testing.assert_close(field.observe(field.augment(u[..., :3])), u[..., :3], rtol=0, atol=0)


def test_augmented_fields_of_impossible_sizes_are_refused():
    assert_refused(OptionError, lambda: AugmentedField(KnownField(lorenz84), 0, 2), "observed=0")
    field = AugmentedField(KnownField(lorenz84), 3, 2)
    assert_refused(SchemaError, lambda: field(NOW, normal(4, 6)), "6 components", "3 observed + 2 latent")


@pytest.mark.parametrize("size", [1, 3, 8])
def test_the_quadratic_part_conserves_energy_whatever_the_weights(size: int):
    field, u = energy_preserving(size), 10 * normal(50, size)
    advection = field.advection(u)
    work = (u * advection).sum(-1).abs() / (u * advection).abs().sum(-1).clamp(min=1)
    assert work.max() < 1e-14


def test_energy_still_changes_by_the_linear_and_constant_parts():
    field, u = energy_preserving(4), normal(20, 4)
    expected = torch.einsum("bi,ij,bj->b", u, field.linear, u) + u @ field.constant
    torch.testing.assert_close((u * field(NOW, u)).sum(-1), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rate", [lorenz84, lorenz63_rate, lorenz96], ids=["lorenz84", "lorenz63", "lorenz96"])
def test_warm_start_finds_the_lorenz_systems_exactly(rate):
    """All have an advection that conserves energy, so they are contained in the field."""
    size = 6 if rate is lorenz96 else 3
    field, u = EnergyPreservingField(size).double(), normal(200, size)
    field.warm_start(u, rate(u))
    unseen = 3 * normal(20, size, seed=1)
    torch.testing.assert_close(field(NOW, unseen), rate(unseen), rtol=1e-9, atol=1e-9)


def test_the_gradient_of_the_energy_preserving_field_passes_a_finite_difference_check():
    field, u = energy_preserving(3), normal(2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: field(NOW, v), (u,))
