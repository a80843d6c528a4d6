"""Optimisers: what they reach, and how they come back from where there are no numbers."""

import math

import pytest
import torch
from torch import nn

from geodl.errors import OptionError
from geodl.train.config import FitConfig
from geodl.train.optimizers import descent


class Point(nn.Module):
    """A place to stand on."""

    def __init__(self, *place: float):
        super().__init__()
        self.place = nn.Parameter(torch.tensor(place, dtype=torch.float64))


def lbfgs(point: Point, rate: float = 1.0, line_steps: int = 20):
    return descent(point, FitConfig(optimizer="lbfgs", learning_rate=rate, line_steps=line_steps))


def rosenbrock(point: Point) -> torch.Tensor:
    x, y = point.place
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def test_lbfgs_finds_the_valley_of_rosenbrock():
    point = Point(-1.2, 1.0)
    optimizer = lbfgs(point)
    for _ in range(5):
        optimizer.descend(lambda: rosenbrock(point), 1.0)
    assert point.place.tolist() == pytest.approx([1.0, 1.0], abs=1e-7)


def test_lbfgs_goes_on_where_the_loss_is_tiny():
    """A loss of 1e-9 at the start: plain torch drops its curvature, and with it the speed of convergence."""
    point = Point(-1.2, 1.0)
    optimizer = lbfgs(point)
    losses = [float(optimizer.descend(lambda: 1e-10 * rosenbrock(point), 1.0)) for _ in range(6)]
    assert losses[0] == pytest.approx(2.42e-9, rel=1e-3)
    assert losses[-1] < 1e-22


@pytest.mark.parametrize("beyond", [math.inf, math.nan])
def test_lbfgs_turns_back_from_a_step_into_overflow(beyond):
    point = Point(0.0)

    def valley_with_a_cliff() -> torch.Tensor:
        x = point.place[0]
        return (x - 3) ** 2 if abs(float(x.detach())) < 5 else x * beyond

    optimizer = lbfgs(point, rate=100.0)
    for _ in range(3):
        loss = optimizer.descend(valley_with_a_cliff, 100.0)
    assert point.place.item() == pytest.approx(3.0, abs=1e-6)
    assert float(loss) < 1e-6


def test_a_loss_that_is_no_number_from_the_start_is_handed_on():
    point = Point(1.0)
    assert math.isnan(float(lbfgs(point).descend(lambda: point.place[0] * math.nan, 1.0)))


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_clipping_bounds_the_gradient_before_the_step(optimizer):
    point = Point(1.0, 1.0)
    made = descent(point, FitConfig(optimizer=optimizer, clip=0.5))
    made.descend(lambda: 1e3 * point.place.sum(), 1e-3)
    assert float(point.place.grad.norm()) == pytest.approx(0.5, rel=1e-4)


def test_a_gradient_that_overflows_counts_as_none_and_is_counted():
    point = Point(1.0, 2.0)
    made = descent(point, FitConfig(clip=1.0))
    made.descend(lambda: (0.0 * point.place[0]).sqrt() + point.place[1], 1e-3)
    assert point.place.tolist() == [1.0, 2.0]
    assert int(made.lost) == 1
    made.descend(lambda: point.place.sum(), 1e-3)
    assert max(point.place.tolist()) < 2.0
    assert int(made.lost) == 1


def test_weight_decay_pulls_unused_weights_to_zero():
    point = Point(1.0)
    made = descent(point, FitConfig(optimizer="adamw", weight_decay=0.1))
    for _ in range(10):
        made.descend(lambda: 0.0 * point.place.sum(), 0.1)
    assert point.place.item() == pytest.approx(0.99**10, rel=1e-9)


@pytest.mark.parametrize("setting", [{"clip": 1.0}, {"weight_decay": 0.1}])
def test_settings_that_lbfgs_would_ignore_are_refused(setting):
    with pytest.raises(OptionError, match="no meaning for lbfgs"):
        FitConfig(optimizer="lbfgs", **setting)
