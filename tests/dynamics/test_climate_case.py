"""Long runs of a learned Lorenz-63."""

import dataclasses

import pytest
import torch
from torch import nn

import geodl
from geodl.dynamics.climate_case import Interval, long_run


@pytest.fixture(scope="module")
def interval() -> Interval:
    return Interval.of(geodl.load("dynamics-lorenz63"))


def test_an_interval_is_the_first_lead_of_the_surrogate(interval):
    surrogate, start = geodl.load("dynamics-lorenz63"), interval.start(5, seed=1)
    physical = (start * interval.std + interval.mean).unbind(-1)
    first = torch.stack([lead[:, 0] for lead in surrogate.core(*physical)], -1)
    torch.testing.assert_close(interval(start) * interval.std + interval.mean, first, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(interval.later(start, 1), interval(start), rtol=1e-12, atol=1e-12)


def test_the_true_attractor_is_where_the_learned_one_is(interval):
    found = long_run(interval, members=50, steps=1000)
    assert found["stays"] == 1
    assert found["w1"] < 0.3  # of 50 short runs; a long one comes to 0.01


class Runaway(nn.Module):
    def forward(self, t, state):
        return torch.where(state[..., :1] > 0, state, -state)


def test_members_that_leave_are_counted_and_end_no_run(interval):
    choice = {"method": "rk4", "substeps": 1}
    leaving = dataclasses.replace(interval, field=Runaway(), choice=choice)
    share = float((leaving.start(40, 12)[:, 0] > 0).double().mean())
    assert long_run(leaving, members=40, steps=300)["stays"] == pytest.approx(1 - share)
