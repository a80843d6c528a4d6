"""What lies outside is made of one change each, and seen by guards."""

import numpy as np
import pytest

import geodl
from geodl.chemistry.cases.domain import doubt, false_alarm_claims, flagged, outside, random_compositions
from geodl.chemistry.cases.fuels import HYDROGEN
from geodl.chemistry.example import example
from geodl.train.config import FitConfig


@pytest.fixture(scope="module")
def surrogate():
    family = geodl.family("chemistry", hidden=(8,))
    parts = geodl.split(family.example(0), family.group)
    return geodl.fit(family, parts.train, parts.valid, config=FitConfig(epochs=1), show=False)


def test_random_compositions_are_compositions_and_change_nothing_else():
    ds = example(0, trajectories=4)
    moved = random_compositions(ds)
    np.testing.assert_allclose(moved["mass_fraction"].sum("species"), 1.0, rtol=1e-12)
    assert moved.drop_vars("mass_fraction").identical(ds.drop_vars("mass_fraction"))


def test_far_states_are_doubtful_and_flagged(surrogate):
    near, far = example(2, trajectories=4), example(2, trajectories=4)
    far["pressure"] = far["pressure"] * 1e3
    assert (doubt(surrogate, far) > 1).all()
    assert flagged(surrogate, far).all()
    assert np.median(doubt(surrogate, near)) < 1
    assert false_alarm_claims(surrogate, near)[0].measured < 0.5


def test_doubt_beyond_one_is_what_the_guard_flags(surrogate):
    near = example(3, trajectories=4)
    assert flagged(surrogate, near)[doubt(surrogate, near) > 1].all()


def test_every_kind_lies_beyond_one_end_of_a_range():
    pytest.importorskip("cantera")
    found = outside(HYDROGEN.quick(), example(0, trajectories=2))
    spans = {name: HYDROGEN.span(name) for name in ("pressure", "phi", "dt", "temperature")}
    assert (found["lower pressures"]["pressure"] < spans["pressure"][0]).all()
    assert (found["higher pressures"]["pressure"] > spans["pressure"][1]).all()
    assert (found["leaner mixtures"]["equivalence_ratio"] < spans["phi"][0]).all()
    assert (found["richer mixtures"]["equivalence_ratio"] > spans["phi"][1]).all()
    assert (found["shorter steps"]["dt"] < spans["dt"][0]).all()
    assert (found["longer steps"]["dt"] > spans["dt"][1]).all()
    assert (found["hotter fresh gas"]["initial_temperature"] > spans["temperature"][1]).all()
