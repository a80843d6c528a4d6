"""Thermodynamics of mixtures: Cantera's numbers, temperatures that give back their enthalpy, and the laws between."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from geodl.chemistry.constants import Constants
from geodl.chemistry.mechanism.mechanism import GAS_CONSTANT, Mechanism, Nasa
from geodl.chemistry.mechanism.read import read_mechanism
from geodl.chemistry.thermo import Thermo

CELLS = 40
A = (3.5, 1e-3, -2e-7, 1e-11, 1e-15)


def mechanism(*nasa: Nasa) -> Mechanism:
    """Made of one element, by as many atoms as the species has a place."""
    names = tuple(f"X{n}" for n in range(1, len(nasa) + 1))
    return Mechanism("made", "", ("X",), (2.0,), names, (tuple(range(1, len(nasa) + 1)),), nasa)


def joined(t_mid: float, jump: float = 0.0) -> Nasa:
    """Two ranges whose enthalpies meet at t_mid, or jump by so many kelvin times R."""
    low = (*A, -1000.0, 1.0)
    kink = 1e-4  # of cp/R, per kelvin
    high = (A[0] - kink * t_mid, A[1] + kink, *A[2:], -1000.0 + kink * t_mid**2 / 2 + jump, 1.0)
    return Nasa(200.0, t_mid, 3000.0, low, high)


SMALL = mechanism(joined(1000.0), joined(1400.0), Nasa(300.0, 1000.0, 2500.0, *2 * ((2.5, 0, 0, 0, 0, 500.0, 0.0),)))


def states(of: Mechanism, seed: int = 0, cells: int = CELLS) -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(seed)
    temperature = random.uniform(250, 2900, cells)
    fractions = random.dirichlet(np.full(len(of.species), 0.3), cells)
    return torch.from_numpy(temperature), torch.from_numpy(fractions)


@pytest.mark.parametrize("file", ["h2o2.yaml", "gri30.yaml"])
def test_cantera_has_the_same_numbers(file):
    cantera = pytest.importorskip("cantera")
    gas, of = cantera.Solution(file), read_mechanism(file)
    thermo, (t, y) = Thermo(of), states(of)
    p = torch.linspace(1e4, 1e6, CELLS).double()
    names = ("enthalpy_mass", "int_energy_mass", "cp_mass", "mean_molecular_weight", "density")
    expected = []
    for state in zip(t.tolist(), p.tolist(), y.numpy(), strict=True):
        gas.TPY = state
        expected.append([getattr(gas, name) for name in names])
    h, u, cp, weight, density = torch.tensor(expected, dtype=torch.float64).T
    size = cp * t  # of what h and u are sums of
    torch.testing.assert_close(thermo.enthalpy(t, y) / size, h / size, rtol=0, atol=5e-14)
    torch.testing.assert_close(thermo.internal_energy(t, y) / size, u / size, rtol=0, atol=5e-14)
    torch.testing.assert_close(thermo.heat_capacity(t, y), cp, rtol=1e-14, atol=0)
    torch.testing.assert_close(thermo.mean_weight(y), weight, rtol=1e-14, atol=0)
    torch.testing.assert_close(thermo.density(t, p, y), density, rtol=1e-14, atol=0)
    torch.testing.assert_close(thermo.temperature_from_enthalpy(h, y, t + 50), t, rtol=1e-13, atol=0)
    torch.testing.assert_close(thermo.temperature_from_energy(u, y, t + 50), t, rtol=1e-13, atol=0)


def test_a_monatomic_gas_has_five_halves_of_r():
    of = mechanism(Nasa(200.0, 3000.0, 3000.0, *2 * ((2.5, 0.0, 0.0, 0.0, 0.0, -745.0, 4.4),)))
    thermo, t, y = Thermo(of), torch.linspace(150, 2900, 7).double(), torch.ones(7, 1).double()
    h = GAS_CONSTANT * (2.5 * t - 745) / 2
    torch.testing.assert_close(thermo.enthalpy(t, y), h, rtol=1e-15, atol=1e-9)
    torch.testing.assert_close(thermo.internal_energy(t, y), h - GAS_CONSTANT * t / 2, rtol=1e-15, atol=1e-9)
    torch.testing.assert_close(thermo.heat_capacity(t, y), torch.full((7,), 2.5 * GAS_CONSTANT / 2).double())
    torch.testing.assert_close(thermo.temperature_from_enthalpy(h, y, t.flip(0)), t, rtol=1e-14, atol=0)


@pytest.mark.parametrize("kind", ["enthalpy", "internal_energy"])
@pytest.mark.parametrize("off", [0.0, 1.0, 100.0, 3000.0])
def test_temperatures_come_back_from_any_guess(kind, off):
    thermo, (t, y) = Thermo(SMALL), states(SMALL, cells=1000)
    value = getattr(thermo, kind)(t, y)
    back = {"enthalpy": thermo.temperature_from_enthalpy, "internal_energy": thermo.temperature_from_energy}[kind]
    guess = t + off * torch.linspace(-1, 1, len(t)).double()
    found = back(value, y, guess)
    torch.testing.assert_close(found, t, rtol=1e-13, atol=0)
    torch.testing.assert_close(getattr(thermo, kind)(found, y), value, rtol=1e-14, atol=1e-8)


def test_heat_capacity_is_the_slope_of_enthalpy_and_exceeds_that_of_energy_by_r():
    thermo, (t, y) = Thermo(SMALL), states(SMALL)
    t.requires_grad_()
    (cp,) = torch.autograd.grad(thermo.enthalpy(t, y).sum(), t)
    (cv,) = torch.autograd.grad(thermo.internal_energy(t, y).sum(), t)
    torch.testing.assert_close(thermo.heat_capacity(t, y), cp, rtol=1e-14, atol=0)
    torch.testing.assert_close(cp - cv, GAS_CONSTANT / thermo.mean_weight(y), rtol=1e-12, atol=0)


def test_enthalpy_is_kept_through_many_steps():
    thermo, (t, y) = Thermo(SMALL), states(SMALL)
    t = t.clamp(900, 2000)
    start, size = thermo.enthalpy(t, y), thermo.heat_capacity(t, y) * t
    for step in range(300):
        h, mixed = thermo.enthalpy(t, y), y.roll(1, 0) if step % 2 else y.roll(-1, 0)
        y = 0.999 * y + 0.001 * mixed
        t = thermo.temperature_from_enthalpy(h, y, t)
    assert float(((thermo.enthalpy(t, y) - start) / size).abs().max()) < 1e-13


def test_within_a_jump_the_break_is_the_temperature():
    upwards, downwards = mechanism(joined(1000.0, jump=+2.0)), mechanism(joined(1000.0, jump=-2.0))
    y = torch.ones(1, 1).double()
    for of, guess in ((upwards, 300.0), (upwards, 2000.0), (downwards, 300.0), (downwards, 2000.0)):
        thermo = Thermo(of)
        below, above = (thermo.enthalpy(torch.tensor([t]).double(), y) for t in (1000.0, math.nextafter(1000, 1e9)))
        found = thermo.temperature_from_enthalpy((below + above) / 2, y, torch.tensor([guess]).double())
        assert float(found) == pytest.approx(1000, abs=0.5)  # 1 K R of 4.4 R either way
        if of is upwards:
            assert float(found) == 1000


@pytest.mark.parametrize("at", [999.9, 1000.1, 1333.3])
def test_beyond_the_last_polynomial_there_is_no_temperature(at):
    thermo, y = Thermo(mechanism(joined(at))), torch.ones(4, 1).double()
    t = torch.tensor([99.0, 101.0, 2999.0, 3001.0]).double()
    found = thermo.temperature_from_enthalpy(thermo.enthalpy(t, y), y, t)
    assert found.isnan().tolist() == [True, False, False, True]


def test_cells_without_a_temperature_are_not_a_number_and_the_others_are_answered():
    thermo, (t, y) = Thermo(SMALL), states(SMALL, cells=6)
    h = thermo.enthalpy(t, y)
    h[0], h[1], h[2], y[3] = math.nan, 1e12, -1e12, math.nan
    found = thermo.temperature_from_enthalpy(h, y, t.roll(1))
    assert found.isnan().tolist() == [True, True, True, True, False, False]
    torch.testing.assert_close(found[4:], t[4:], rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", ["temperature_from_enthalpy", "temperature_from_energy"])
def test_gradients_are_those_of_the_implicit_function(name):
    thermo, (t, y) = Thermo(SMALL), states(SMALL, cells=5)
    h = (thermo.enthalpy if "enthalpy" in name else thermo.internal_energy)(t, y)

    def kilokelvin(megajoules: Tensor, fractions: Tensor) -> Tensor:
        return getattr(thermo, name)(1e6 * megajoules, fractions, t + 30) / 1000

    inputs = (h / 1e6).requires_grad_(), y.clone().requires_grad_()
    torch.testing.assert_close(kilokelvin(*inputs), t / 1000, rtol=1e-13, atol=0)
    assert torch.autograd.gradcheck(kilokelvin, inputs, eps=1e-6, rtol=1e-5, atol=1e-8)


def test_results_have_the_dtype_of_the_first_argument():
    thermo, (t, y) = Thermo(SMALL), states(SMALL)
    h = thermo.enthalpy(t, y)
    assert thermo.enthalpy(t.float(), y.float()).dtype == torch.float32
    found = thermo.temperature_from_enthalpy(h.float(), y.float(), t.float())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, t.float(), rtol=1e-5, atol=0)
    assert thermo.temperature_from_enthalpy(h, y.float(), t.float()).dtype == torch.float64


def test_constants_are_not_rounded_with_the_network_around_them():
    network = nn.Sequential(nn.Linear(2, 2), Thermo(SMALL))
    t, y = states(SMALL)
    before = network[1].enthalpy(t, y)
    network.double().half().float()
    assert network[0].weight.dtype == torch.float32
    assert torch.equal(network[1].enthalpy(t, y), before)
    assert list(network.state_dict()) == ["0.weight", "0.bias"]
    assert {kept.device.type for kept in network.to("meta")[1].buffers()} == {"meta"}


def test_constants_of_other_kinds_keep_theirs():
    class Places(Constants):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("places", torch.arange(3))

    assert Places().double().places.dtype == torch.int64
