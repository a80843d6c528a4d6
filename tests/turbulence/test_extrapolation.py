"""What a distance from the training data must do, and what must not be found in a bundle."""

import math

import pytest
import torch

from geodl.turbulence.extrapolation import Extrapolation, centroids
from tests.turbulence.tensors import random

FEATURES = 6
CELLS = 20_000
TRAIN = torch.cat([random(CELLS // 2, FEATURES), 0.5 * random(CELLS // 2, FEATURES, seed=1) + 2])  # two clouds
NEW = torch.cat([random(CELLS // 2, FEATURES, seed=2), 0.5 * random(CELLS // 2, FEATURES, seed=3) + 2])


def fitted(z: torch.Tensor = TRAIN) -> Extrapolation:
    made = Extrapolation(z.shape[1]).to(z)
    made.fit(z)
    return made


def test_one_percent_of_cells_like_those_of_training_is_beyond_one():
    for distance in fitted()(NEW):
        assert float((distance > 1).double().mean()) == pytest.approx(0.01, abs=0.004)  # of 20,000: sigma 0.0007


def test_a_single_kernel_is_the_distance_from_its_centre():
    made = Extrapolation(FEATURES).double()
    made.weights.zero_()[3], made.centres[3] = 1, 0.5
    z = random(50, FEATURES)
    torch.testing.assert_close(made(z)[1], (z - 0.5).norm(dim=1))


def test_the_mahalanobis_distance_of_uncorrelated_features_is_the_length():
    made = fitted(random(200_000, 3))
    ratio = made(random(50, 3, seed=4))[0] / random(50, 3, seed=4).norm(dim=1)
    expected = 1 / math.sqrt(11.345)  # 99th percentile of chi square with three degrees of freedom
    assert float((ratio / expected - 1).abs().max()) < 0.05


def test_farther_along_a_ray_out_of_the_cloud_is_never_nearer():
    ray = torch.linspace(4, 40, 30, dtype=TRAIN.dtype)[:, None] * torch.nn.functional.normalize(random(1, FEATURES))
    for distance in fitted()(ray):
        assert (distance.diff() > 0).all()
        assert float(distance[-1]) > 5


def test_the_kernel_distance_sees_a_gap_between_two_clouds_and_mahalanobis_does_not():
    train = torch.cat([random(5000, 2), random(5000, 2, seed=1) + 20])
    mahalanobis, kernel = fitted(train)(torch.tensor([[10.0, 10.0]], dtype=train.dtype))
    assert float(mahalanobis) < 0.1
    assert float(kernel) > 3


def test_mahalanobis_does_not_see_the_units_of_the_features():
    turn = torch.linalg.qr(random(FEATURES, FEATURES))[0]
    one, other = fitted()(NEW)[0], fitted(TRAIN @ turn - 0.3)(NEW @ turn - 0.3)[0]
    torch.testing.assert_close(one, other)


def test_a_training_cell_far_away_counts_as_much_as_any_other():
    """One outlier is neither a centre nor an excuse."""
    with_outlier = fitted(torch.cat([TRAIN, torch.full((1, FEATURES), 30.0, dtype=TRAIN.dtype)]))
    assert float(with_outlier(torch.full((1, FEATURES), 30.0, dtype=TRAIN.dtype))[1]) > 5


def test_no_training_cell_is_kept():
    made = fitted()
    apart = torch.cdist(made.centres[made.weights > 0], TRAIN).amin(1)
    assert float(apart.min()) > 1e-3


@pytest.mark.parametrize("cells", [2, 30, 500])
def test_few_cells_make_few_centres_and_the_weights_add_up(cells):
    made = fitted(TRAIN[:: CELLS // cells][:cells])
    assert int((made.weights > 0).sum()) <= max(1, cells // 20)
    assert float(made.weights.sum()) == pytest.approx(1)
    assert torch.isfinite(torch.stack(made(NEW))).all()


def test_centroids_find_the_middles_of_separate_clouds():
    clouds = torch.cat([0.1 * random(400, 2, seed=i) + 10 * i for i in range(3)])
    centres, weights = centroids(clouds, 30)
    assert len(centres) <= 30
    assert float(weights.sum()) == pytest.approx(1)
    for i in range(3):
        near = (centres - 10 * i).norm(dim=1) < 1
        mean = (weights[near] / weights[near].sum()) @ centres[near]
        torch.testing.assert_close(mean, clouds[400 * i : 400 * (i + 1)].mean(0), rtol=0, atol=1e-2)


def test_the_same_cells_give_the_same_bits_and_a_state_dict_gives_the_same_distances():
    one, two = fitted(), fitted()
    copied = Extrapolation(FEATURES).double()
    copied.load_state_dict(one.state_dict())
    for other in (two, copied):
        assert all(torch.equal(a, b) for a, b in zip(one(NEW), other(NEW), strict=True))


def test_what_is_no_number_has_no_distance_and_infinity_is_far():
    odd = torch.zeros(3, FEATURES, dtype=TRAIN.dtype)
    odd[0, 2], odd[1, 2], odd[2, 2] = math.nan, math.inf, -math.inf
    for distance in fitted()(odd):
        assert distance.isnan().tolist() == [True, False, False]
        assert (distance[1:] > 5).all()


def test_float32_agrees_with_float64():
    double = fitted()
    single = Extrapolation(FEATURES)
    single.load_state_dict(double.state_dict())
    for one, other in zip(single(NEW.float()), double(NEW), strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-4)


def test_the_distances_have_gradients():
    z = NEW[:20].clone().requires_grad_()
    torch.stack(fitted()(z)).sum().backward()
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()
