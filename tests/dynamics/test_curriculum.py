"""Rollouts whose horizon grows."""

import dataclasses

import pytest

import geodl
from geodl.dynamics.identification.curriculum import doubled, with_curriculum
from geodl.errors import OptionError
from geodl.testing import assert_refused
from geodl.train.config import FitConfig
from geodl.train.fit import fit
from geodl.train.split import split

SHORT = FitConfig.parse({"epochs": 2, "dtype": "float64", "batch_size": 256})


@pytest.fixture(scope="module")
def made():
    return geodl.family("dynamics", field="mlp", leads=8, width=8, depth=1)


def test_horizons_double_up_to_the_leads():
    assert doubled(8) == (1, 2, 4)
    assert doubled(5) == (1, 2, 4)
    assert doubled(2) == (1,)
    assert doubled(1) == ()


def test_each_stage_sees_its_leads_and_the_last_sees_all(made):
    seen = []

    def watching(predicted, targets, inputs):
        seen.append((predicted[0].shape[1], targets[0].shape[1]))
        return made.loss(predicted, targets, inputs)

    parts = split(made.example(0), "trajectory")
    surrogate = fit(
        with_curriculum(dataclasses.replace(made, loss=watching), SHORT),
        parts.train,
        parts.valid,
        config=SHORT,
        show=False,
    )
    assert list(dict.fromkeys(seen)) == [(1, 1), (2, 2), (4, 4), (8, 8)]
    assert surrogate.core.network.leads == 8


def test_the_same_seed_gives_the_same_bits_and_another_curriculum_others(made):
    parts = split(made.example(0), "trajectory")
    bundles = [
        fit(with_curriculum(made, SHORT, horizons=h), parts.train, parts.valid, config=SHORT, show=False).sha256
        for h in ((1, 4), (1, 4), (2,))
    ]
    assert bundles[0] == bundles[1] != bundles[2]


def test_horizons_that_do_not_grow_are_refused(made):
    for horizons in ((2, 1), (0, 2), (4, 8), (1, 1)):
        assert_refused(OptionError, lambda h=horizons: with_curriculum(made, SHORT, horizons=h), str(horizons))


def test_a_family_without_leads_is_refused(family):
    assert_refused(OptionError, lambda: with_curriculum(family, SHORT), "leads")
