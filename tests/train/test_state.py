"""A training state comes back with every bit, without pickle."""

import pytest
import torch

from geodl.errors import BundleCorruptedError, BundleError
from geodl.testing import assert_refused
from geodl.train.state import load_state, save_state

KINDS = {
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, amsgrad=True),
    "lbfgs": lambda p: torch.optim.LBFGS(p, lr=0.5, max_iter=3, history_size=4, line_search_fn="strong_wolfe"),
}


def same(one: object, other: object) -> bool:
    """Equal to the last bit; a list stands for a tuple."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def test_nested_values_and_integer_keys_come_back(tmp_path):
    state = {
        "group": {0: torch.tensor([1.0, -0.0]), "0": torch.tensor(3), 7: [(1, 2.5, None)]},
        "group.0": torch.tensor([True]),
        "$tensor": {"$items": 1e-300, "0.1": 0.1 + 0.2},
        "flag": True,
        "empty": {},
        "random": torch.get_rng_state(),
    }
    save_state(tmp_path / "s", state)
    assert same(state, load_state(tmp_path / "s"))


def steps(kind: str, weights: torch.nn.Parameter, optimizer: torch.optim.Optimizer, count: int) -> torch.Tensor:
    """Rosenbrock's valley: every step needs the memory of those before."""
    for _ in range(count):

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = (1 - weights[0]) ** 2 + 100 * (weights[1] - weights[0] ** 2) ** 2
            loss.backward()
            return loss

        optimizer.step(closure)
    return weights.detach().clone()


@pytest.mark.parametrize("kind", KINDS)
def test_an_optimiser_goes_on_as_if_never_stopped(kind, tmp_path):
    one = torch.nn.Parameter(torch.tensor([-1.2, 1.0]))
    first = KINDS[kind]([one])
    steps(kind, one, first, 5)
    save_state(tmp_path / "s", {"weights": one, "optimizer": first.state_dict()})
    state = load_state(tmp_path / "s")
    assert same(first.state_dict(), state["optimizer"])
    other = torch.nn.Parameter(state["weights"])
    second = KINDS[kind]([other])
    second.load_state_dict(state["optimizer"])
    assert torch.equal(steps(kind, one, first, 5), steps(kind, other, second, 5))


def test_a_broken_or_foreign_state_is_refused(tmp_path, surrogate):
    save_state(tmp_path / "s", {"a": torch.zeros(3)})
    raw = bytearray((tmp_path / "s").read_bytes())
    raw[-1] ^= 1
    (tmp_path / "s").write_bytes(raw)
    assert_refused(BundleCorruptedError, lambda: load_state(tmp_path / "s"), "checksum")
    surrogate.save(tmp_path / "bundle")
    assert_refused(BundleError, lambda: load_state(tmp_path / "bundle"), "bundle", "no training state")
