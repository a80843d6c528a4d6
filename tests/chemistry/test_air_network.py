"""The network of air keeps what it promises whatever its weights are."""

import numpy as np
import pytest
import torch

from geodl.chemistry.atmosphere.air_baselines import linear, unchanged
from geodl.chemistry.atmosphere.air_example import BACK, LIGHT, air_example, made_up
from geodl.chemistry.atmosphere.air_loss import air_loss, weights
from geodl.chemistry.atmosphere.air_network import AirNetwork, AirShape, take_limits, take_scale
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.chemistry.state import OK, OUT_OF_DOMAIN

NAMES = ("temperature", "pressure", "concentration", "photolysis", "emission", "dt")
MECHANISM = LumpedMechanism(
    name="many",
    fingerprint="0",
    species=("CO", "H2O", "M", "NO", "NO2", "O1D", "OH", "XYL"),
    families={"NO": {"NO": 1, "NO2": 2}},
    given=("H2O", "M"),
    concentration={"NO": 1e-9},
    emission={"NO": 1e-12},
    photolysis={},
    absent=("XYL",),
)


def states(number=64, seed=0):
    random = np.random.default_rng(seed)
    amounts = 10.0 ** random.uniform(-20, -6, (number, 8))
    amounts[:, 2], amounts[:, 7] = 40, 0
    emission = random.uniform(0, 1e-11, (number, 1)) * MECHANISM.row(MECHANISM.emission) / 1e-12
    values = (
        random.uniform(220, 305, number), random.uniform(2e4, 1e5, number), amounts,
        random.uniform(size=number), emission, random.uniform(10, 1800, number),
    )  # fmt: skip
    return tuple(torch.from_numpy(value) for value in values)


@pytest.fixture
def network():
    """With weights that are large and random."""
    torch.manual_seed(1)
    network = AirNetwork(MECHANISM, AirShape((16, 16))).double()
    with torch.no_grad():
        for weight in network.dense[0].deep.parameters():
            weight.normal_(std=0.5)
    inputs = states()
    take_scale(network, inputs, (inputs[2],))
    return network.eval().requires_grad_(False)


def test_families_grow_by_what_is_emitted_and_nothing_else(network):
    inputs = states()
    after = network(*inputs)[0]
    matrix = torch.from_numpy(MECHANISM.family_matrix).double()
    before = (inputs[2] + inputs[4] * inputs[5][:, None]) @ matrix.T
    np.testing.assert_allclose((after @ matrix.T).numpy(), before.numpy(), rtol=1e-14)


def test_nothing_becomes_negative(network):
    spiked = states(4096, seed=3)
    spiked[2][::2, :2] = 0
    assert bool((network(*spiked)[0] >= 0).all())


def test_no_time_changes_nothing(network):
    *others, dt = states()
    after = network(*others, torch.zeros_like(dt))[0]
    np.testing.assert_allclose(after.numpy(), others[2].numpy(), rtol=1e-14)


def test_air_and_what_is_absent_pass_as_they_are(network):
    inputs = states()
    inputs[2][:, 7] = 1e-9
    after, status, *_ = network(*inputs)
    passive = [1, 2, 7]
    assert torch.equal(after[:, passive], inputs[2][:, passive])
    assert bool((status == OUT_OF_DOMAIN).all())  # the absent are there


def test_species_without_memory_are_not_seen(network):
    inputs = states()
    other = inputs[2].clone()
    other[:, 5:7] *= 3
    after, again = network(*inputs)[0], network(*inputs[:2], other, *inputs[3:])[0]
    np.testing.assert_allclose(after.numpy(), again.numpy(), rtol=1e-12, atol=1e-20)


def test_the_precision_of_the_inputs_is_that_of_the_results(network):
    single = network.float()(*(x.float() for x in states()))
    assert {value.dtype for value in single} == {torch.float32}


def test_a_nan_cell_spoils_no_other(network):
    inputs = states()
    spoiled = inputs[2].clone()
    spoiled[3, 0] = torch.nan
    after = network(*inputs[:2], spoiled, *inputs[3:])[0]
    sound = torch.isfinite(after).all(1)
    assert sound.sum() == len(sound) - 1
    assert not sound[3]


def test_training_takes_a_step_in_parts(network):
    inputs = states(8)
    network.shape = AirShape((16, 16), rollout=4)
    torch.manual_seed(0)
    found = [network.train()(*inputs)[0] for _ in range(20)]
    assert len({round(float(x.double().sum()), 20) for x in found}) == 3  # one, two or four parts


def test_members_that_differ_say_so():
    torch.manual_seed(0)
    network = AirNetwork(MECHANISM, AirShape((8,), members=3)).double().eval()
    inputs = states()
    take_scale(network, inputs, (inputs[2] * 1.1,))
    assert bool((network(*inputs)[3] > 0).all())


def test_limits_are_those_of_the_training_data(network):
    inputs = states()
    take_limits(network, inputs, (inputs[2],))
    assert bool((network(*inputs)[1] == OK).all())
    network.largest_correction.fill_(-1)
    assert bool((network(*inputs)[1] == OUT_OF_DOMAIN).all())


def test_the_loss_vanishes_for_the_truth_alone_and_has_gradients(network):
    inputs = states()
    truth = inputs[2] * 1.01
    assert float(air_loss((truth,), (truth,), inputs, active=network.active, weights=[1.0] * len(network.active))) == 0
    network.requires_grad_(True)
    loss = air_loss(
        network.train()(*inputs), (truth,), inputs, active=network.active, weights=[1.0] * len(network.active)
    )
    loss.backward()
    assert loss.item() > 0
    assert all(bool(torch.isfinite(weight.grad).all()) for weight in network.dense.parameters())


def test_slow_species_count_like_fast_ones(network):
    """An error by half of the usual change weighs the same whether that is one percent or a millionth."""
    inputs, losses = states(), []
    random = torch.from_numpy(np.random.default_rng(5).normal(size=(64, 1)))
    for usual in (1e-2, 1e-5):
        truth = (inputs[2] + inputs[4] * inputs[5][:, None]) * (1 + usual * random)
        found = (inputs[2] + inputs[4] * inputs[5][:, None]) * (1 + 1.5 * usual * random)
        losses.append(float(air_loss((found,), (truth,), inputs, active=[0], weights=[1.0])))
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_made_up_air_follows_its_equations():
    ds = air_example(1)
    before, after = ds["concentration"].values, ds["concentration_end"].values
    rate = LIGHT * ds["photolysis"].values[:, None]
    no, no2, steps = before[:, [2]], before[:, [3]], 2000
    dt, source = ds["dt"].values[:, None] / steps, ds["emission"].values[:, [2]]
    for _ in range(steps):  # the midpoint rule
        half = no + dt / 2 * (rate * no2 - BACK * no + source)
        half2 = no2 - dt / 2 * (rate * no2 - BACK * no)
        no, no2 = no + dt * (rate * half2 - BACK * half + source), no2 - dt * (rate * half2 - BACK * half)
    np.testing.assert_allclose(after[:, [2]], no, rtol=1e-6)
    np.testing.assert_allclose(after[:, [3]], no2, rtol=1e-6)


def test_baselines_leave_air_as_it_is_or_fit_it_linearly():
    ds = air_example()
    inputs = tuple(torch.from_numpy(ds[name].values) for name in NAMES)
    truth = (torch.from_numpy(ds["concentration_end"].values),)
    errors = []
    for baseline in (unchanged(), linear()):
        found = baseline.predict(baseline.fit(inputs, truth), inputs)
        errors.append(float((found[0] - truth[0])[:, 3].abs().mean()))
    assert errors[1] < 0.9 * errors[0]
    assert made_up().species == tuple(ds["species"].values)


def test_what_air_is_judged_by_and_what_leads_it_counts_more_and_what_forgets_less():
    names = ["O3", "NO2", "ALD2", "PAN", "O1D"]
    found = dict(zip(names, weights(names), strict=True))
    assert sum(found.values()) == pytest.approx(5)
    assert min(found[name] for name in ("O3", "NO2", "ALD2")) > found["PAN"] > found["O1D"] > 0
