"""What the loop promises of batches, rates, stopping and checkpoints, shown with networks that count and scripts."""

import itertools
import json
import math

import pytest
import torch
from torch import Tensor, nn

from geodl.core.contract import Tensors, mean_squared_error
from geodl.errors import DivergedError, ResumeError
from geodl.testing import assert_refused
from geodl.train import loop
from geodl.train.config import FitConfig
from geodl.train.loop import CHECKPOINT, LOG, Run, train
from geodl.train.state import load_state

SAMPLES = 10


class Recorder(nn.Module):
    """One weight; it writes down every batch that it is trained on."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.batches = nn.Parameter(torch.zeros(1)), list[list[float]]()

    def forward(self, x: Tensor) -> tuple[Tensor]:
        if self.training:
            self.batches.append(x.tolist())
        return (self.weight * x,)


def run(network: nn.Module | None = None, loss=mean_squared_error, *, seed: int = 0, target=None, **settings) -> Run:
    x = torch.arange(float(SAMPLES))
    pair = ((x,), (2 * x if target is None else target,))
    config = FitConfig(**{"epochs": 3, "batch_size": 4, **settings})
    return Run(network or Recorder(), loss, pair, pair, config, seed=seed, identity={"seed": seed, "case": "a"})


def finished(made: Run, folder=None) -> Run:
    train(made, folder=folder, show=False)
    return made


def test_every_sample_is_seen_once_per_epoch_in_batches_of_the_size_asked_for():
    made = finished(run())
    assert [len(batch) for batch in made.network.batches] == [4, 4, 2] * 3
    for first in (0, 3, 6):
        assert sorted(itertools.chain(*made.network.batches[first : first + 3])) == list(range(SAMPLES))


def test_the_order_follows_the_seed_and_changes_with_the_epoch():
    order = finished(run(seed=1)).network.batches
    assert order == finished(run(seed=1)).network.batches
    assert order != finished(run(seed=2)).network.batches
    assert order[:3] != order[3:6]


def test_a_batch_larger_than_the_data_is_all_of_it_in_order():
    assert finished(run(batch_size=99)).network.batches == 3 * [list(range(SAMPLES))]


RATES = [
    ({"schedule": "constant"}, [1.0, 1.0, 1.0, 1.0]),
    ({"schedule": "cosine", "final_rate": 0.0}, [1.0, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2]),
    ({"schedule": "cosine", "final_rate": 0.5}, [1.0, 0.5 + (1 + 0.5**0.5) / 4, 0.75, 0.5 + (1 - 0.5**0.5) / 4]),
    ({"schedule": "exponential", "final_rate": 0.01}, [1.0, 0.1**0.5, 0.1, 0.1**1.5]),
    ({"schedule": "constant", "warmup": 0.5}, [0.5, 1.0, 1.0, 1.0]),
    ({"schedule": "cosine", "final_rate": 0.0, "warmup": 0.5}, [0.5, 1.0, 1.0, 0.5]),
]


@pytest.mark.parametrize(("settings", "expected"), RATES)
def test_the_learning_rate_follows_its_schedule(settings, expected):
    made, used = run(epochs=4, batch_size=SAMPLES, learning_rate=0.1, **settings), []
    step, groups = made.optimizer.optimizer.step, made.optimizer.optimizer.param_groups
    made.optimizer.optimizer.step = lambda *a: (used.append(groups[0]["lr"]), step(*a))[1]
    finished(made)
    assert used == pytest.approx([0.1 * share for share in expected], rel=1e-12)
    assert [entry["rate"] for entry in made.history] == used


class Script(nn.Module):
    """Losses as in a script, one per validation; its weight counts the training steps."""

    def __init__(self, *losses: float):
        super().__init__()
        self.weight, self.losses = nn.Parameter(torch.zeros(1)), iter(losses)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (self.weight.expand(len(x)),)

    def loss(self, predicted: Tensors, targets: Tensors, inputs: Tensors) -> Tensor:
        return -predicted[0].mean() if self.training else torch.tensor(next(self.losses))

    @property
    def steps(self) -> float:
        """Adam moves a weight of constant gradient by the rate, here one, at every step."""
        return round(self.weight.item(), 4)


def scripted(*losses: float, **settings) -> Run:
    network = Script(*losses)
    rate = {"learning_rate": 1.0, "schedule": "constant", "batch_size": SAMPLES}
    return run(network, network.loss, **{**rate, "epochs": len(losses), **settings})


def test_the_weights_with_the_best_validation_loss_are_kept():
    made = finished(scripted(5.0, 3.0, 4.0, 3.5))
    assert (made.best_epoch, made.best_loss) == (2, 3.0)
    assert made.network.steps == 2
    assert [entry["valid"] for entry in made.history] == [5.0, 3.0, 4.0, 3.5]
    assert not made.network.training


def test_training_stops_when_nothing_got_better_for_so_long():
    made = finished(scripted(5.0, 3.0, 4.0, 3.5, 2.0, 1.0, patience=2))
    assert len(made.history) == 4
    assert made.network.steps == 2


def test_training_never_stops_before_it_has_looked():
    """With a look every fifth epoch and a patience of three, the first look comes after the patience is over."""
    made = finished(scripted(5.0, 4.0, 3.0, epochs=15, validate_every=5, patience=3))
    assert [entry["epoch"] for entry in made.history if "valid" in entry] == [5, 10, 15]
    assert made.network.steps == 15


def test_the_last_epoch_is_always_looked_at():
    made = finished(scripted(5.0, 4.0, epochs=7, validate_every=5))
    assert [entry["epoch"] for entry in made.history if "valid" in entry] == [5, 7]


def diverging(at: int, value: float) -> Run:
    """A loss that is no number from the given training step on."""
    steps = itertools.count(1)

    def loss(predicted: Tensors, targets: Tensors, inputs: Tensors) -> Tensor:
        good = mean_squared_error(predicted, targets, inputs)
        return good * value if predicted[0].requires_grad and next(steps) >= at else good

    return run(loss=loss, checkpoint_every=1, learning_rate=0.125)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_divergence_names_epoch_and_step_and_keeps_the_checkpoint_before(value, tmp_path):
    words = (str(value), "epoch 2, step 2 of 3", "learning_rate (now 0.125)")
    assert_refused(DivergedError, lambda: train(diverging(5, value), folder=tmp_path, show=False), *words)
    state = load_state(tmp_path / CHECKPOINT)
    assert state["step"] == 4
    assert bool(torch.isfinite(state["weights"]["weight"]))


def test_weights_that_are_no_numbers_never_reach_a_checkpoint(tmp_path):
    """A finite loss with a gradient that is none, as that of a square root at zero."""
    steps = itertools.count(1)

    def loss(predicted: Tensors, targets: Tensors, inputs: Tensors) -> Tensor:
        good = mean_squared_error(predicted, targets, inputs)
        if not predicted[0].requires_grad or next(steps) < 5:
            return good
        return good + (0 * predicted[0]).square().sum().sqrt()

    with pytest.raises(DivergedError):
        train(run(loss=loss, checkpoint_every=1), folder=tmp_path, show=False)
    assert bool(torch.isfinite(load_state(tmp_path / CHECKPOINT)["weights"]["weight"]))


def test_a_validation_loss_that_is_no_number_is_refused():
    assert_refused(DivergedError, lambda: finished(scripted(1.0, math.nan)), "validation loss is nan after epoch 2")


def test_clipping_bounds_the_gradient_and_keeps_its_direction():
    gradients = {}
    for clip in (None, 1e-3):
        network = nn.Linear(1, 3)
        nn.init.constant_(network.weight, 0.5)
        nn.init.constant_(network.bias, 0.5)
        made = Run(
            Column(network), mean_squared_error, *2 * [((torch.ones(4, 1),), (torch.arange(12.0).reshape(4, 3),))],
            FitConfig(clip=clip), seed=0,
        )  # fmt: skip
        made.advance(*made.train)
        gradients[clip] = torch.cat([p.grad.ravel() for p in network.parameters()])
    free, clipped = gradients[None], gradients[1e-3]
    assert float(clipped.norm()) == pytest.approx(1e-3, rel=1e-4)
    torch.testing.assert_close(clipped / clipped.norm(), free / free.norm())


class Column(nn.Module):
    """Any layer as a network of one input and one output, with dropout where asked."""

    def __init__(self, layer: nn.Module, dropout: float = 0.0):
        super().__init__()
        self.layer, self.dropout = layer, nn.Dropout(dropout)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (self.dropout(self.layer(x)),)


def test_lbfgs_takes_all_samples_at_once_and_solves_a_quadratic():
    made = finished(run(optimizer="lbfgs", learning_rate=1.0, schedule="constant", epochs=2, line_steps=5))
    assert made.steps_per_epoch == 1
    assert all(batch == list(range(SAMPLES)) for batch in made.network.batches)
    assert len(made.network.batches) <= 2 * 5 * 25  # two calls of five iterations, each with a line search
    assert made.network.weight.item() == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize(
    ("every", "steps"), [(1, [*range(1, 10)]), (2, [2, 3, 4, 6, 8, 9]), (5, [5, 6, 9]), (100, [9])]
)
def test_checkpoints_come_as_often_as_asked_and_at_the_end(every, steps, tmp_path, monkeypatch):
    saved, save = [], loop.save_state
    monkeypatch.setattr(loop, "save_state", lambda path, state: (saved.append(state["step"]), save(path, state)))
    finished(run(checkpoint_every=every), tmp_path)
    assert [step for step in steps if step in saved] == steps
    assert load_state(tmp_path / CHECKPOINT)["step"] == 9


class Interrupted(Exception):
    pass


def random_network() -> Column:
    torch.manual_seed(7)
    return Column(nn.Sequential(nn.Unflatten(0, (-1, 1)), nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)), dropout=0.3)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "lbfgs"])
def test_a_run_stopped_after_any_step_and_resumed_ends_with_the_same_bits(optimizer, tmp_path):
    settings = {"optimizer": optimizer, "checkpoint_every": 2, "line_steps": 3, "target": torch.ones(SAMPLES, 1)}
    whole = finished(run(random_network(), **settings), tmp_path / "whole")
    for stop in range(1, whole.total):
        made = run(random_network(), **settings)
        advance, steps = made.advance, itertools.count(1)

        def interrupted(*batch, advance=advance, steps=steps, stop=stop):
            if next(steps) > stop:
                raise Interrupted
            advance(*batch)

        made.advance = interrupted
        with pytest.raises(Interrupted):
            finished(made, tmp_path / str(stop))
        torch.manual_seed(99)  # whatever happened in between
        resumed = finished(run(random_network(), **settings), tmp_path / str(stop))
        for name, tensor in whole.network.state_dict().items():
            assert torch.equal(resumed.network.state_dict()[name], tensor), f"stopped after {stop}: {name} differs"
        strip = [{k: v for k, v in entry.items() if k != "seconds"} for entry in resumed.history]
        assert strip == [{k: v for k, v in entry.items() if k != "seconds"} for entry in whole.history]
        lines = (tmp_path / str(stop) / LOG).read_text().splitlines()
        assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]


def test_a_finished_run_is_not_trained_again(tmp_path):
    finished(run(), tmp_path)
    assert finished(run(), tmp_path).network.batches == []


def test_a_checkpoint_of_another_run_is_refused_with_what_differs(tmp_path):
    finished(run(seed=1), tmp_path)
    assert_refused(ResumeError, lambda: finished(run(seed=2), tmp_path), "seed = 1", "this run has 2", "another folder")


def with_a_root_at_zero(predicted: Tensors, targets: Tensors, inputs: Tensors) -> Tensor:
    """Whose gradient overflows in the batch that holds zero."""
    return mean_squared_error(predicted, targets, inputs) + predicted[0].abs().min().sqrt()


def test_one_sample_whose_gradient_overflows_costs_its_step_and_not_the_training(tmp_path):
    def started() -> Run:
        network = Recorder()
        nn.init.ones_(network.weight)
        return run(network, with_a_root_at_zero, clip=1.0, checkpoint_every=1)

    made = finished(started(), tmp_path)
    assert [entry["lost"] for entry in made.history] == [1, 2, 3]
    assert made.network.weight.item() not in (0.0, 1.0)
    again = started()
    again.restore(load_state(tmp_path / CHECKPOINT))
    assert int(again.optimizer.lost) == 3


def test_a_training_whose_gradients_all_overflow_stops():
    assert_refused(DivergedError, lambda: finished(run(loss=with_a_root_at_zero, clip=1.0)), "no gradient", "epoch 1")
