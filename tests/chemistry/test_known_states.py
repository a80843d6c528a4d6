"""What is known: states on the surface of the data are, states within their ranges but off it are not."""

import torch

from geodl.chemistry.surrogate.domain import DomainNetwork, background, learn_domain
from geodl.train.metrics import auroc


def on_the_curve(count: int, seed: int) -> torch.Tensor:
    """T, 1/T and two species that follow from T, as in one flame ``[state, feature]``."""
    t = torch.rand(count, generator=torch.Generator().manual_seed(seed)) + 0.5
    states = torch.stack([t, 1 / t, torch.sin(4 * t), torch.cos(4 * t)], 1)
    return (states - states.mean(0)) / states.std(0)


def learned(states: torch.Tensor, heat: int = 2) -> DomainNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = DomainNetwork(states.shape[1], heat)
        learn_domain(network, states)
    return network


def test_a_network_that_learned_nothing_knows_everything():
    network = DomainNetwork(4, heat=2)
    assert bool((network.familiarity(1e3 * torch.randn(50, 4)) >= 0).all())


def test_states_of_the_data_are_known_and_hot_fresh_gas_within_their_ranges_is_not():
    network = learned(on_the_curve(4000, 0))
    held_out = on_the_curve(1000, 1)
    strange = held_out.clone()
    strange[:, :2] = held_out[:, :2].flip(0)[torch.randperm(1000, generator=torch.Generator().manual_seed(2))]
    far = (strange - held_out).norm(dim=1) > 1
    known, doubtful = network(held_out)[0], network(strange[far])[0]
    labels = torch.cat([torch.zeros(len(known)), torch.ones(len(doubtful))]).bool()
    assert auroc(-torch.cat([known, doubtful]).numpy(), labels.numpy()) > 0.98
    assert (network.familiarity(held_out) >= 0).double().mean() > 0.99


def test_more_energy_than_a_mixture_ever_had_is_strange_though_others_have_it():
    """As of hotter fresh gas when it has burnt: energy and mixture are kept, and tell where it comes from."""
    mixture, share = (2 * torch.rand(2, 6000, generator=torch.Generator().manual_seed(0)) - 1).unbind()
    energy = 2 * mixture + 0.3 * share
    network = learned(torch.stack([energy, share.flip(0), mixture], 1), heat=1)
    hotter = torch.stack([energy + 1.2, share.flip(0), mixture], 1)[mixture < 0]
    assert hotter[:, 0].max() < energy.max()
    assert (network.familiarity(hotter) < 0).double().mean() > 0.95


def test_the_same_seed_learns_the_same_bits():
    states = on_the_curve(600, 0)
    first, second = (learned(states).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_background_has_as_many_states_and_keeps_1_over_t_with_t():
    states = on_the_curve(400, 0)
    made = background(states, 2)
    assert made.shape == states.shape
    whole = made[torch.arange(400) % 4 < 2]  # temperatures borrowed, or any: both belong together
    nearest = (whole[:, None, :2] - states[None, :, :2]).norm(dim=-1).amin(1)
    assert float(nearest.max()) < 1e-6
