"""What holds by construction, for networks that know nothing and for networks that are mad."""

import numpy as np
import pytest
import torch

from geodl.chemistry.cases.adversarial import adversarial_states
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.state import CLIPPED, FROZEN, OK, OUT_OF_DOMAIN
from geodl.chemistry.surrogate import kinetics_network
from geodl.chemistry.surrogate.dense import random_parts
from geodl.chemistry.surrogate.features import NUMBERS
from geodl.chemistry.surrogate.kinetics_network import KineticsNetwork, take_limits, take_scale
from tests.chemistry.surrogates import elements, mixtures, network, oxyhydrogen

MECHANISM = oxyhydrogen()
INERT = MECHANISM.index("N2")
MADNESS = [1.0, 10.0, 1000.0]


def adversarial(count: int, mechanism: Mechanism = MECHANISM) -> tuple[torch.Tensor, ...]:
    cells, dt = adversarial_states(count, 0, mechanism)
    return tuple(map(torch.from_numpy, (cells.temperature, cells.pressure, cells.mass_fraction, dt)))


def lost(after: torch.Tensor, before: torch.Tensor, mechanism: Mechanism = MECHANISM) -> float:
    """Largest change of an element, as a share of its amount in the cell."""
    had = elements(mechanism, before)
    return float((np.abs(elements(mechanism, after - before)) / np.maximum(had, 1e-290)).max())


def settled(made: KineticsNetwork) -> tuple[torch.Tensor, ...]:
    """States that a network takes nowhere near the ends of what is possible."""
    given = mixtures(200, MECHANISM, spread=0.5)
    return tuple(x[made(*given)[2] == OK] for x in given)


def no_time(given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return *given[:3], torch.zeros_like(given[3])


@pytest.mark.parametrize("madness", MADNESS)
@pytest.mark.parametrize("constant", ["pressure", "volume"])
def test_no_state_breaks_elements_energy_or_signs(madness, constant):
    made, given = network(madness=madness, constant=constant), adversarial(4000)
    temperature, fraction, *_ = made(*given)
    assert bool((fraction >= 0).all())
    assert lost(fraction, given[2]) <= 2e-14
    assert bool((temperature > 0).all())
    kept = made.thermo.enthalpy if constant == "pressure" else made.thermo.internal_energy
    scale = made.thermo.heat_capacity(temperature, fraction) * torch.maximum(temperature, given[0])
    assert float(((kept(temperature, fraction) - kept(given[0], given[2])) / scale).abs().max()) <= 1e-13


def autoregressive(steps: int, dtype: torch.dtype = torch.float64) -> tuple[float, float, float]:
    """Share of an element and of c_p T that are lost in random time steps, and the smallest fraction on the way."""
    made = network()
    temperature, pressure, start, _ = (x.to(dtype) for x in mixtures(8, MECHANISM, seed=1))
    t, y, smallest = temperature, start, torch.inf
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _ in range(steps):
            dt = 10 ** (-8 + 3 * torch.rand(8, dtype=dtype, generator=generator))
            t, y, *_ = made(t, pressure, y, dt)
            smallest = min(smallest, float(y.min()))
    thermo, scale = made.thermo, made.thermo.heat_capacity(t, y) * t
    heat = float(((thermo.enthalpy(t, y) - thermo.enthalpy(temperature, start)) / scale).abs().max())
    return float((np.abs(elements(MECHANISM, y - start)) / elements(MECHANISM, start)).max()), heat, smallest


def test_five_hundred_steps_keep_elements_and_enthalpy(unchecked):
    lost, heated, smallest = autoregressive(500)
    assert lost <= 1e-13
    assert heated <= 1e-12
    assert smallest >= 0


@pytest.mark.slow
def test_a_hundred_thousand_steps_keep_elements_and_enthalpy(unchecked):
    lost, heated, smallest = autoregressive(100_000)
    assert lost <= 1e-12
    assert heated <= 1e-10
    assert smallest >= 0


def test_a_step_in_single_precision_keeps_elements_to_its_rounding():
    given = tuple(x.float() for x in mixtures(500, MECHANISM))
    temperature, fraction, *_ = network()(*given)
    assert temperature.dtype == fraction.dtype == torch.float32
    assert lost(fraction.double(), given[2].double()) <= 1e-6


@pytest.mark.parametrize("madness", MADNESS)
def test_no_time_changes_nothing_at_all(madness):
    given = no_time(adversarial(2000))
    temperature, fraction, _, correction, spread, _ = network(madness=madness, members=2)(*given)
    assert torch.equal(temperature, given[0])
    assert torch.equal(fraction, given[2])
    assert correction.max() == spread.max() == 0


def test_a_short_step_changes_in_proportion_to_its_length():
    given = mixtures(100, MECHANISM, spread=1.0)
    made = network()
    made.dense[0].deep[-1].weight.data.zero_()  # so that no rate depends on the length of the step
    changes = [made(*given[:3], torch.full_like(given[3], dt))[1] - given[2] for dt in (1e-13, 2e-13)]
    torch.testing.assert_close(changes[1], 2 * changes[0], rtol=1e-3, atol=1e-12)


def test_a_long_step_reaches_the_target():
    made, given = network(), mixtures(100, MECHANISM, spread=1.0)
    made.dense[0].deep[-1].weight.data.zero_()
    made.dense[0].deep[-1].bias.data.zero_()
    long = torch.full_like(given[3], 1.0)
    seen = made.look(*given[:3], long)
    species = slice(NUMBERS, made.state)
    reached = seen[:, species] + made.change(made.scale(seen), seen[:, species], long)[0]
    torch.testing.assert_close(reached, made.scale.mean[species].expand_as(reached), rtol=1e-12, atol=0)


def test_inert_species_pass_bit_for_bit():
    given = adversarial(2000)
    assert torch.equal(network(madness=10.0)(*given)[1][:, INERT], given[2][:, INERT])


def test_cold_cells_stay_bit_for_bit_and_say_so():
    given = adversarial(2000)
    temperature, fraction, status, *_ = network(madness=10.0, frozen_below=1000.0)(*given)
    cold = given[0] < 1000
    assert 0.3 < cold.double().mean() < 0.7
    assert torch.equal(status == FROZEN, cold)
    assert torch.equal(temperature[cold], given[0][cold])
    assert torch.equal(fraction[cold], given[2][cold])
    assert not torch.equal(fraction[~cold], given[2][~cold])


def test_the_answer_does_not_depend_on_the_order_of_cells_or_the_size_of_a_batch():
    made, given = network(), mixtures(65, MECHANISM)
    together, order = made(*given), torch.randperm(65)
    for found, expected in zip(made(*(x[order] for x in given)), together, strict=True):
        torch.testing.assert_close(found, expected[order], rtol=1e-10, atol=1e-14)
    for size in (1, 7, 64):
        batches = zip(*(made(*block) for block in zip(*(x.split(size) for x in given), strict=True)), strict=True)
        for found, expected in zip(batches, together, strict=True):
            torch.testing.assert_close(torch.cat(found), expected, rtol=1e-10, atol=1e-14)
    assert all(len(x) == 0 for x in made(*(x[:0] for x in given)))


def test_a_cell_that_is_no_number_spoils_no_other():
    made, given = network(), mixtures(20, MECHANISM)
    expected = made(*given)
    for which in range(4):
        spoiled = [x.clone() for x in given]
        spoiled[which][3] = torch.nan
        temperature, fraction, *_ = made(*spoiled)
        others = torch.arange(20) != 3
        assert bool(temperature[3].isnan() | fraction[3].isnan().any())
        torch.testing.assert_close(temperature[others], expected[0][others], rtol=1e-12, atol=0)
        torch.testing.assert_close(fraction[others], expected[1][others], rtol=1e-10, atol=1e-14)


def test_only_in_evaluation_a_network_speaks_of_itself():
    made, given = network(), mixtures(5, MECHANISM)
    assert len(made(*given)) == 6
    assert len(made.train()(*given)) == 2


def test_training_takes_a_step_in_parts(monkeypatch):
    made, (temperature, pressure, fraction, dt) = network(rollout=4).train(), mixtures(30, MECHANISM)
    monkeypatch.setattr(kinetics_network, "random_parts", lambda most, share: most // 2)
    half = made.eval()(temperature, pressure, fraction, dt / 2)
    twice = made(half[0], pressure, half[1], dt / 2)
    for found, expected in zip(made.train()(temperature, pressure, fraction, dt), twice[:2], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


def test_parts_are_powers_of_two_up_to_the_longest_roll_out():
    drawn = [random_parts(4, 1 / 3) for _ in range(300)]
    assert set(drawn) == {1, 2, 4}
    assert 0.5 < np.mean(np.array(drawn) == 1) < 0.8
    assert {random_parts(1, 1.0) for _ in range(10)} == {random_parts(8, 0.0) for _ in range(10)} == {1}
    assert 1 not in {random_parts(8, 1.0) for _ in range(30)}


def test_members_that_agree_have_no_spread_and_others_do():
    made, given = network(members=2), mixtures(20, MECHANISM)
    assert made(*given)[4].min() > 0
    made.dense[1].load_state_dict(made.dense[0].state_dict())
    assert made(*given)[4].max() == 0


def test_the_status_says_what_is_unsure():
    made = network(members=2, madness=0.1)
    given = settled(made)
    *_, correction, spread, odds = made(*given)
    assert bool(odds.isposinf().all())  # nothing was learned
    for limit, said in (("largest_correction", correction), ("largest_spread", spread)):
        kept, middle = getattr(made, limit).clone(), said.median().to(getattr(made, limit))
        getattr(made, limit).copy_(middle)
        assert torch.equal(made(*given)[2] == OUT_OF_DOMAIN, said > middle)
        getattr(made, limit).copy_(kept)


@pytest.mark.parametrize("which", ["domain", "budget"])
def test_what_is_not_familiar_is_out_of_domain(which):
    made = network(madness=0.1)
    given = settled(made)
    home = getattr(made, which)
    home.least.zero_()
    odds = made(*given)[5]
    home.least.copy_(odds.median())
    status, odds = made(*given)[2], made(*given)[5]
    assert torch.equal(status == OUT_OF_DOMAIN, odds < 0)
    assert 0.2 < (odds < 0).double().mean() < 0.8


def test_a_mad_network_is_clipped_and_says_so():
    given = mixtures(200, MECHANISM)
    assert bool((network(madness=1000.0)(*given)[2] == CLIPPED).any())


def test_clipped_cells_learn_though_they_hardly_move():
    made, given = network(madness=1000.0), mixtures(200, MECHANISM)
    clipped = made(*given)[2] == CLIPPED
    made.train().dense.requires_grad_()
    made(*(x[clipped] for x in given))[1].sum().backward()
    assert bool((made.dense[0].deep[-1].weight.grad != 0).any())
    assert all(bool(torch.isfinite(x.grad).all()) for x in made.dense.parameters())


def test_limits_leave_room_for_nearly_all_that_was_seen_in_training():
    made = network(members=2, madness=0.1)
    given = settled(made)
    take_limits(made, given, ())
    *_, status, correction, spread, _ = made(*given)
    assert (status == OK).double().mean() >= 0.95
    assert made.largest_correction == pytest.approx(1.5 * float(correction.quantile(1 - 1e-4)))
    assert made.largest_spread == pytest.approx(1.5 * float(spread.quantile(1 - 1e-4)))


def test_what_the_dense_network_sees_is_standardised():
    made, given = network(), mixtures(500, MECHANISM)
    take_scale(made, given, ())
    seen = made.scale(made.look(*given))
    torch.testing.assert_close(seen.mean(0), torch.zeros_like(seen[0]), rtol=0, atol=1e-10)
    torch.testing.assert_close(seen.std(0), torch.ones_like(seen[0]), rtol=1e-10, atol=0)


def test_what_a_cell_keeps_is_seen_and_does_not_change_in_a_step():
    made, given = network(), mixtures(100, MECHANISM)
    temperature, fraction, *_ = made(*given)
    before, after = made.look(*given), made.look(temperature, given[1], fraction, given[3])
    torch.testing.assert_close(after[:, made.state :], before[:, made.state :], rtol=1e-13, atol=1e-13)
    assert before.shape[1] == made.state + 3  # hydrogen, oxygen and energy; nitrogen is inert
    kilograms = before[:, made.state : made.state + 2] @ torch.tensor([1.008, 15.999], dtype=torch.float64)
    torch.testing.assert_close(kilograms, 1 - given[2][:, INERT], rtol=1e-12, atol=0)


def test_gradients_reach_all_weights_and_inputs_and_are_finite():
    made = network(rollout=2).train()
    made.dense.requires_grad_()
    given = tuple(x.requires_grad_() for x in mixtures(50, MECHANISM))
    temperature, fraction = made(*given)
    (temperature.sum() / 1000 + (fraction + 1e-20).log().clamp(min=-30).sum()).backward()
    for tensor in [*given, *made.dense.parameters()]:
        assert tensor.grad is not None
        assert bool(torch.isfinite(tensor.grad).all())
    assert all(bool((x.grad != 0).any()) for x in given)


def test_single_precision_weights_leave_physics_in_double_precision():
    made = network().float()
    given = mixtures(100, MECHANISM)
    assert lost(made(*given)[1], given[2]) <= 2e-14
    assert made.thermo._enthalpy.dtype == torch.float64


def test_the_layout_of_the_weights_is_what_bundles_have():
    """Names and shapes; another layout cannot read bundles that exist."""
    layout = {name: tuple(tensor.shape) for name, tensor in network(hidden=(16,)).state_dict().items()}
    assert layout == {
        "largest_correction": (), "largest_spread": (), "scale.mean": (15,), "scale.std": (15,),
        "dense.0.deep.0.weight": (16, 15), "dense.0.deep.0.bias": (16,), "dense.0.straight.weight": (16, 15),
        "dense.0.deep.2.weight": (16, 16), "dense.0.deep.2.bias": (16,),
        "domain.least": (), "domain.dense.0.weight": (32, 12), "domain.dense.0.bias": (32,),
        "domain.dense.2.weight": (32, 32), "domain.dense.2.bias": (32,),
        "domain.dense.4.weight": (1, 32), "domain.dense.4.bias": (1,),
        "budget.least": (), "budget.dense.0.weight": (32, 4), "budget.dense.0.bias": (32,),
        "budget.dense.2.weight": (32, 32), "budget.dense.2.bias": (32,),
        "budget.dense.4.weight": (1, 32), "budget.dense.4.bias": (1,),
    }  # fmt: skip
