"""Networks keep walls and mass untrained and trained, in every precision, and learn what they are shown."""

import pytest
import torch

from geodl.flow.metrics import largest_divergence, speed_in_body
from geodl.flow.surrogate.encoding import encode
from geodl.flow.surrogate.guo import GuoNetwork
from geodl.flow.surrogate.loss import constrained_loss, fluid_loss
from geodl.flow.surrogate.obstacle_network import ObstacleNetwork
from tests.flow.flows import GRID, tensors

DIVERGENCE = {torch.float32: 1e-5, torch.float64: 1e-13}  # inflow speeds over the spacing


def unet(dtype=torch.float64, members=2):
    torch.manual_seed(0)
    return ObstacleNetwork(members, (8, 12, 16), GRID.spacing).to(dtype)


def learned(network, loss, image="layers", steps=40):
    """Loss on four flows before and after some steps of training on them."""
    inputs, (u, v, p, drag, lift) = tensors(dtype=torch.float32)
    encoded, targets = encode(inputs, image), (u, v, p, drag.log(), lift)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(network(*encoded), targets, encoded)
        value.backward()
        optimizer.step()
        losses.append(float(value.detach()))
    return losses[0], losses[-1]


@pytest.mark.parametrize("dtype", DIVERGENCE, ids=str)
def test_an_untrained_network_keeps_walls_and_mass(dtype):
    inputs, _ = tensors(dtype=dtype)
    with torch.no_grad():
        u, v, *_ = unet(dtype).eval()(*encode(inputs))
    assert float(speed_in_body((u, v), inputs[0]).max()) == 0.0
    assert float(largest_divergence((u, v), inputs[0]).max()) <= DIVERGENCE[dtype]


def test_outputs_come_in_the_order_of_the_schema():
    inputs, _ = tensors()
    found = unet().eval()(*encode(inputs))
    assert [tuple(x.shape) for x in found] == [(4, 64, 128)] * 3 + [(4,)] * 6


def test_a_flow_does_not_depend_on_its_batch():
    inputs, _ = tensors()
    network = unet().eval()
    together, alone = network(*encode(inputs)), network(*encode(tuple(x[:1] for x in inputs)))
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a[:1], b, rtol=1e-10, atol=1e-12)


def test_members_differ_and_their_mean_is_the_answer():
    inputs, _ = tensors()
    network = unet()
    each, mean = network._of_members(encode(inputs)), network.eval()(*encode(inputs))
    assert each[0].shape == (4, 2, 64, 128)
    assert not torch.equal(each[0][:, 0], each[0][:, 1])
    torch.testing.assert_close(each[0].mean(1), mean[0])


def test_the_unet_learns_flows_and_forces():
    first, last = learned(unet(torch.float32), lambda *a: constrained_loss(*a, spacing=GRID.spacing))
    assert last < first / 3


@pytest.mark.parametrize("image", ["sdf", "mask"])
def test_the_network_of_guo_learns(image):
    torch.manual_seed(0)
    first, last = learned(GuoNetwork((64, 128), GRID.spacing, (16, 32), 64), fluid_loss, image)
    assert last < first / 3


def test_the_network_of_guo_gives_forces_from_its_fields():
    inputs, _ = tensors(dtype=torch.float32)
    found = GuoNetwork((64, 128), GRID.spacing, (16, 32), 64).eval()(*encode(inputs, "sdf"))
    assert [tuple(x.shape) for x in found] == [(4, 64, 128)] * 3 + [(4,)] * 6
    torch.testing.assert_close(found[3].exp(), found[5].clamp(min=1e-3))
