"""Collisions conserve what they must, and relax what they should."""

import pytest
import torch

from geodl.flow.lattice.collision import antisymmetric_time, collided, equilibrium, moments, non_equilibrium
from geodl.flow.lattice.velocities import velocities

ROUNDING = 1e-15
TAU = torch.tensor([0.55, 0.8, 2.0], dtype=torch.float64)
RATES = (1 / TAU[:, None, None], 1 / antisymmetric_time(TAU)[:, None, None])
FORCE = (torch.full((3, 1, 1), 1e-3, dtype=torch.float64), torch.full((3, 1, 1), -2e-3, dtype=torch.float64))


def some(*shape):
    return 0.01 * torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def momentum(f):
    cx, cy, _ = velocities(f)
    return torch.einsum("ci,biyx->bcyx", torch.stack([cx, cy]), f)


def collide(f, force=None):
    return torch.stack(collided(f.unbind(1), RATES, force), 1)


@pytest.mark.parametrize("force", [None, FORCE], ids=["free", "pushed"])
def test_a_collision_conserves_mass_and_adds_the_force_to_the_momentum(force):
    f = some(3, 9, 4, 5)
    after = collide(f, force)
    added = torch.zeros(3, 2, 1, 1) if force is None else torch.stack([g[:, 0] for g in force], 1)[..., None]
    torch.testing.assert_close(after.sum(1), f.sum(1), rtol=0, atol=ROUNDING)
    torch.testing.assert_close(momentum(after), momentum(f) + added, rtol=0, atol=ROUNDING)


def test_equilibrium_is_left_alone():
    f = equilibrium(*some(3, 3, 4, 5).unbind(0))
    torch.testing.assert_close(collide(f), f, rtol=0, atol=ROUNDING)


def test_equilibrium_holds_the_density_and_velocity_that_it_was_made_of():
    given = some(3, 3, 4, 5).unbind(0)
    padded = torch.nn.functional.pad(equilibrium(*given), (1, 1, 1, 1))
    for got, expected in zip(moments(padded), given, strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=ROUNDING)


def test_the_even_part_out_of_equilibrium_decays_with_the_first_relaxation_time():
    f = non_equilibrium(some(3, 4, 5, 2, 2), TAU)
    torch.testing.assert_close(collide(f), (1 - 1 / TAU)[:, None, None, None] * f, rtol=0, atol=ROUNDING)


def test_the_product_of_the_relaxation_times_is_the_magic_number():
    torch.testing.assert_close((TAU - 0.5) * (antisymmetric_time(TAU, 1 / 6) - 0.5), torch.full_like(TAU, 1 / 6))
