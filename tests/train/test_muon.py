"""Muon: steps of matrices are equally large in every direction, all other parameters follow AdamW."""

import math

import pytest
import torch
from torch import nn

from geodl.train.config import FitConfig
from geodl.train.muon import LEAST, Muon, orthogonalised
from geodl.train.optimizers import descent
from geodl.train.state import load_state, save_state


def matrix(rows: int, columns: int, smallest: float = 0.01) -> torch.Tensor:
    """Singular values from ``smallest`` to one."""
    torch.manual_seed(0)
    count = min(rows, columns)
    left, right = (torch.linalg.qr(torch.randn(n, count, dtype=torch.float64))[0] for n in (rows, columns))
    return left * torch.logspace(math.log10(smallest), 0, count).double() @ right.mT


class Mixed(nn.Module):
    """A kernel and a matrix that are orthogonalised, and all that is not."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.kernel = nn.Conv2d(3, LEAST, 3)
        self.wide = nn.Linear(LEAST, 40)
        self.head = nn.Linear(40, 2)
        self.scale = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * self.head(self.wide(self.kernel(x).mean((2, 3))).tanh())


def trained(network: nn.Module, optimizer: object, steps: int, start: int = 0) -> None:
    """Steps whose gradients differ."""
    for n in range(start, start + steps):
        x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(n))
        optimizer.descend(lambda x=x: (network(x) - x.mean()).square().mean(), 1e-2)


@pytest.mark.parametrize("shape", [(16, 16), (24, 80), (80, 24)])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_singular_values_become_nearly_one_whatever_they_were(shape, size):
    made = orthogonalised(size * matrix(*shape))
    values = torch.linalg.svdvals(made)
    assert float(values.min()) > 0.65
    assert float(values.max()) < 1.25


def test_directions_stay_and_a_turned_matrix_has_the_turned_step():
    a = matrix(20, 30)
    left, _, right = torch.linalg.svd(a, full_matrices=False)
    aligned = left.mT @ orthogonalised(a) @ right.mT
    assert float((aligned - aligned.diagonal().diag()).abs().max()) < 1e-10
    torch.testing.assert_close(orthogonalised(a.mT), orthogonalised(a).mT, rtol=1e-10, atol=1e-12)


def test_no_gradient_at_all_is_no_step():
    assert not orthogonalised(torch.zeros(16, 20)).any()


@pytest.mark.parametrize("size", [1e-4, 1e4])
def test_a_step_has_the_size_of_one_of_adam_whatever_that_of_the_gradient(size):
    layer = nn.Linear(32, 64, bias=False).double()
    before = layer.weight.detach().clone()
    layer.weight.grad = size * matrix(64, 32)
    Muon(layer, lr=0.1, weight_decay=0.0).step()
    moved = float((layer.weight - before).detach().square().mean().sqrt())
    assert 0.65 < moved / (0.1 * 0.2) < 1.25


def test_a_quadratic_is_minimised():
    layer, target = nn.Linear(20, 30, bias=False), matrix(30, 20).float()
    optimizer = descent(layer, FitConfig(optimizer="muon"))
    steps = 300
    losses = [
        float(optimizer.descend(lambda: (layer.weight - target).square().sum(), 0.1 * (1 - n / steps) ** 2))
        for n in range(steps)
    ]
    assert losses[-1] < 1e-4 * losses[0]


def test_a_kernel_is_the_matrix_of_its_output_channels():
    conv, layer = nn.Conv2d(4, 18, 3, bias=False), nn.Linear(36, 18, bias=False)
    layer.weight.data = conv.weight.data.flatten(1).clone()
    for module in (conv, layer):
        module.weight.grad = matrix(18, 36).float().reshape(module.weight.shape)
        Muon(module, lr=0.1, weight_decay=0.01).step()
    torch.testing.assert_close(conv.weight.flatten(1), layer.weight, rtol=0, atol=0)


def test_vectors_and_small_matrices_follow_adamw():
    ours, theirs = (nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 40)).double() for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    first = Muon(ours, lr=0.03, weight_decay=0.1)
    second = torch.optim.AdamW(theirs.parameters(), lr=0.03, weight_decay=0.1)
    x = torch.randn(8, 6, generator=torch.Generator().manual_seed(0)).double()
    for _ in range(30):
        for network, optimizer in ((ours, first), (theirs, second)):
            optimizer.zero_grad()
            (network(x) - 1).square().sum().backward()
            optimizer.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


def test_parameters_without_gradient_stay_and_frozen_ones_are_not_taken():
    network = Mixed()
    network.wide.weight.requires_grad_(False)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimizer = Muon(network, lr=0.1, weight_decay=0.5)
    network.head.bias.grad = torch.ones(2)
    optimizer.step()
    changed = {name for name, p in network.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"head.bias"}
    taken = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert id(network.wide.weight) not in taken


def test_stopped_and_resumed_it_gives_the_same_bits(tmp_path):
    config = FitConfig(optimizer="muon", weight_decay=0.01, clip=1.0)
    whole, parted = Mixed(), Mixed()
    trained(whole, descent(whole, config), 6)
    first = descent(parted, config)
    trained(parted, first, 3)
    save_state(tmp_path / "state", {"network": parted.state_dict(), "optimizer": first.state_dict()})
    kept, again = load_state(tmp_path / "state"), Mixed()
    again.load_state_dict(kept["network"])
    second = descent(again, config)
    second.load_state_dict(kept["optimizer"])
    trained(again, second, 3, start=3)
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
