"""Which states are like those of training: a small network that learned to tell them from shuffled ones.

A box of ranges, or an ellipsoid, holds every mixture of flames: also hot fresh gas without a radical, of which flames
never have any. Telling data from a background finds the surface that data lie on.

Source: Gutmann & Hyvärinen 2012, J. Mach. Learn. Res. 13, 307 (noise-contrastive estimation).
"""

import torch
from torch import Tensor, nn

from geodl.core.contract import Tensors
from geodl.core.mlp import mlp
from geodl.train.config import FitConfig
from geodl.train.loop import Run, train

HIDDEN = 32
FALSE_ALARMS = 1e-3  # share of the training states that may count as unknown
_TAKEN = 200_000  # states
_BEYOND = 0.1  # of a range, by which the background is wider
_SETTINGS = FitConfig(epochs=12, batch_size=512, optimizer="muon", learning_rate=1e-2, warmup=0.03, clip=1.0)


class DomainNetwork(nn.Module):
    """Log odds that a state is one of training rather than of the background, above a limit; untrained, all are known.

    Args:
        features: that it sees, of which the first are ``heat``.
        heat: how many belong to temperature or energy.
    """

    least: Tensor

    def __init__(self, features: int, heat: int):
        super().__init__()
        self.heat = heat
        self.dense = mlp((features, HIDDEN, HIDDEN, 1), "silu")
        self.register_buffer("least", torch.tensor(-torch.inf))
        self.requires_grad_(False)  # learns when the kinetics are learned

    def forward(self, scaled: Tensor) -> Tensors:
        """From standardised features [cell, feature] to log odds [cell]."""
        return (self.dense(scaled).squeeze(-1),)

    def familiarity(self, scaled: Tensor) -> Tensor:
        """Log odds above the limit [cell]: states from zero on may be trusted."""
        return self(scaled)[0] - self.least


def learn_domain(network: DomainNetwork, scaled: Tensor) -> None:
    """Train on standardised features ``[state, feature]``, and place the limit below all but a few of them."""
    states = scaled[torch.randperm(len(scaled))[:_TAKEN].to(scaled.device)]
    both = torch.cat([states, background(states, network.heat)])
    labels = torch.cat([torch.ones(len(states)), torch.zeros(len(both) - len(states))]).to(states)
    pairs = (both,), (labels,)
    with torch.enable_grad():
        network.requires_grad_(True)
        run = Run(network, _contrast, pairs, pairs, _SETTINGS, seed=0)
        train(run, show=False)
        network.requires_grad_(False)
    with torch.no_grad():
        network.least.copy_(network(states)[0].quantile(FALSE_ALARMS))


def background(states: Tensor, heat: int) -> Tensor:
    """As many states that belong together in no way: of standardised features, of which the first are ``heat``.

    A quarter each: the heat of another state; any heat; each feature from one of two states; and any point of a box
    that is a little wider than the data.
    """
    count = len(states)
    low, high = states.amin(0), states.amax(0)
    width = (high - low) * _BEYOND
    borrowed, other = (states[torch.randint(count, (count,)).to(states.device)] for _ in range(2))
    anywhere = low - width + (high - low + 2 * width) * torch.rand_like(states)
    crossed = torch.where(torch.rand_like(states) < 0.5, states, other)
    heated, warmed = states.clone(), states.clone()
    heated[:, :heat], warmed[:, :heat] = borrowed[:, :heat], _heats(states[:, :heat], anywhere[:, 0])
    quarter = torch.arange(count, device=states.device) % 4
    kinds = torch.stack([heated, warmed, crossed, anywhere])
    return kinds[quarter, torch.arange(count, device=states.device)]


def _heats(heats: Tensor, anywhere: Tensor) -> Tensor:
    """What belongs together, such as T and 1/T, nearest to any value of the first."""
    order = heats[:, 0].argsort()
    place = torch.searchsorted(heats[order, 0].contiguous(), anywhere.contiguous()).clamp(max=len(heats) - 1)
    return heats[order[place]]


def _contrast(predicted: Tensors, targets: Tensors, inputs: Tensors) -> Tensor:
    del inputs
    return nn.functional.binary_cross_entropy_with_logits(predicted[0], targets[0])
