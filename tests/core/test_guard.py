"""The guard refuses what is unlike the training data and little else; intervals cover what they say."""

import math

import pytest
import torch

from geodl.core.guard import Guard, Intervals, conformal_quantile
from geodl.errors import SplitError
from geodl.testing import assert_refused

FALSE_ALARMS = 0.005


def gaussian(count: int, seed: int, size: int = 4) -> torch.Tensor:
    """Features ``[sample, feature]`` of unit variance that go together."""
    generator = torch.Generator().manual_seed(seed)
    common = torch.randn(count, 1, generator=generator)
    return 0.95**0.5 * common + 0.05**0.5 * torch.randn(count, size, generator=generator)


@pytest.fixture(scope="module")
def guard() -> Guard:
    made = Guard()
    made.fit(gaussian(4000, 0), gaussian(4000, 1), FALSE_ALARMS)
    return made


def auroc(inside: torch.Tensor, outside: torch.Tensor) -> float:
    """Chance that a point outside scores higher than one inside."""
    return float((outside[:, None] > inside[None, :]).double().mean())


@pytest.mark.parametrize("seed", range(5))
def test_false_alarms_are_at_most_one_percent_on_fresh_data(guard, seed):
    assert float((~guard(gaussian(20_000, 100 + seed))).double().mean()) <= 0.01


def test_shifted_data_and_unseen_combinations_are_told_apart(guard):
    fresh, foreign = guard.score(gaussian(2000, 5)), gaussian(2000, 6)
    shifted = foreign + torch.tensor([5.0, 0.0, 0.0, 0.0])
    combined = torch.stack([column.roll(i) for i, column in enumerate(foreign.unbind(1))], 1)
    assert auroc(fresh, guard.score(shifted)) >= 0.95
    assert auroc(fresh, guard.score(combined)) >= 0.95  # each value alone is one of the training data


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_never_trusted(guard, bad):
    x = gaussian(3, 8) * 0
    x[1, 2] = bad
    assert guard(x).tolist() == [True, False, True]
    assert float(guard.score(x)[1]) == math.inf


def test_the_farthest_training_sample_has_distance_one():
    x = gaussian(500, 9)
    made = Guard()
    made.fit(x, x, FALSE_ALARMS)
    assert float(made.score(x).max()) == pytest.approx(1.0, abs=1e-5)
    assert bool(made(x).all())


def test_within_its_limits_a_feature_alone_is_accepted_and_beyond_refused():
    made = Guard()
    x = torch.linspace(2, 6, 400)[:, None]
    made.fit(x, x, FALSE_ALARMS)
    low, high = (float(limit) for limit in made.limits())
    assert (low, high) == pytest.approx((2, 6), abs=1e-4)
    assert made(torch.tensor([[low + 1e-6], [high - 1e-6], [low - 1e-3], [high + 1e-3]])).tolist() == [
        True, True, False, False,
    ]  # fmt: skip


def test_a_constant_feature_refuses_any_other_value():
    x = gaussian(400, 10)
    x[:, 1] = 0.0
    made = Guard()
    made.fit(x, x, FALSE_ALARMS)
    other = x[:1].clone()
    other[0, 1] = 1e-3
    assert made(torch.cat([x[:1], other])).tolist() == [True, False]


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_cover_their_level_within_two_percent(level):
    generator = torch.Generator().manual_seed(0)
    truth, noise = torch.zeros(2, 20_000, 3), torch.tensor([0.1, 1.0, 10.0])
    predicted = torch.randn(2, 20_000, 3, generator=generator) * noise
    made = Intervals(["standard"], level)
    made.fit([predicted[0]], [truth[0]])
    inside = (predicted[1] - truth[1]).abs() <= made.halves()[0]
    assert inside.double().mean(0).tolist() == pytest.approx([level] * 3, abs=0.02)


def test_the_interval_of_a_vector_covers_its_level_and_ignores_the_frame():
    random = torch.Generator().manual_seed(1)
    truth = torch.randn(2, 20_000, 3, generator=random, dtype=torch.float64)
    predicted = truth + torch.randn(truth.shape, generator=random).double() * torch.tensor([0.1, 1.0, 10.0])
    turn = torch.linalg.qr(torch.randn(3, 3, generator=random, dtype=torch.float64))[0]
    made, turned = Intervals(["isotropic"]), Intervals(["isotropic"])
    made.fit([predicted[0]], [truth[0]])
    turned.fit([predicted[0] @ turn], [truth[0] @ turn])
    (half,), (error,) = made.halves(), made.errors([predicted[1]], [truth[1]])
    torch.testing.assert_close(turned.halves()[0], half, rtol=1e-12, atol=0)
    assert float((error <= half).double().mean()) == pytest.approx(0.9, abs=0.02)


def test_the_interval_of_a_positive_quantity_is_a_factor_whatever_its_units():
    truth = torch.logspace(-6, 6, 1000, dtype=torch.float64)
    predicted = truth * torch.exp(0.3 * torch.randn(1000, generator=torch.Generator().manual_seed(2)).double())
    one, other = Intervals(["ln"]), Intervals(["ln"])
    one.fit([predicted], [truth])
    other.fit([1000 * predicted], [1000 * truth])
    torch.testing.assert_close(other.halves()[0], one.halves()[0], rtol=1e-12, atol=0)
    low, high = one.bounds([predicted])[0]
    assert float(((low <= truth) & (truth <= high)).double().mean()) == pytest.approx(0.9, abs=0.01)
    assert bool((low > 0).all())


@pytest.mark.parametrize("count", [10, 20, 40])
def test_a_new_score_is_covered_with_at_least_the_level_however_few_samples(count):
    """Exact, without drawing: a new score falls below the k-th of n smallest with probability k / (n + 1)."""
    rank = int(conformal_quantile(torch.arange(1.0, count + 1), 0.9))
    assert rank / (count + 1) >= 0.9 > (rank - 1) / (count + 1)


def test_too_few_samples_are_refused_with_the_number_needed():
    short = torch.zeros(9)
    assert_refused(SplitError, lambda: conformal_quantile(short, 0.9), "9 validation samples", "at least 10")


def test_an_interval_that_the_samples_cannot_promise_is_refused():
    scores = torch.arange(20.0)
    made = Intervals(["standard"], 0.99)
    assert_refused(SplitError, lambda: made.fit([scores], [0 * scores]), "20 validation samples", "99")
