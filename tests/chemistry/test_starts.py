"""Flames of the solver that others start from: what is written is what is read, and is found once."""

import dataclasses

import numpy as np

from geodl.chemistry.cases.flame import FlameProfile
from geodl.chemistry.cases.flame_speed import Conductivity, FlameStart
from geodl.chemistry.cases.fuels import HYDROGEN
from geodl.chemistry.cases.starts import as_dataset, flame_starts, from_dataset
from geodl.errors import StabilityError

PLAN = HYDROGEN.quick().labels


def flame() -> FlameStart:
    t = np.linspace(300, 2000, 9)
    profile = FlameProfile(np.linspace(0, 1e-3, 9) ** 1.5, t, np.full((9, 3), 1 / 3), 2e5)
    return FlameStart(profile, Conductivity(t[::2], 1e-5 * t[::2]), 2.1, 0.85)


def test_a_flame_is_read_as_it_was_written():
    start, again = flame(), from_dataset(as_dataset(flame()))
    assert again.passage == start.passage
    for name, value in dataclasses.asdict(start.profile).items():
        np.testing.assert_array_equal(getattr(again.profile, name), value)
    np.testing.assert_array_equal(
        again.conductivity(np.array([310.0, 900.0])), start.conductivity(np.array([310.0, 900.0]))
    )


def test_flames_are_found_once_and_differ_by_seed(tmp_path, monkeypatch):
    asked = []

    def found(gas, phi, *, fine):
        asked.append((gas.temperature, phi, fine))
        return flame()

    monkeypatch.setattr("geodl.chemistry.cases.starts.flame_start", found)
    first = flame_starts(PLAN, 2, 0, tmp_path / "flames")
    again = flame_starts(PLAN, 2, 0, tmp_path / "flames")
    assert len(asked) == 2
    assert [ds.attrs["equivalence_ratio"] for ds in first] == [phi for _, phi, _ in asked]
    assert all(a.identical(b) for a, b in zip(first, again, strict=True))
    flame_starts(PLAN, 2, 1)
    assert len({t for t, *_ in asked}) == 4


def test_a_mixture_without_a_flame_leaves_a_gap(monkeypatch):
    def none(*given, **named):
        raise StabilityError("Cantera finds no flame")

    monkeypatch.setattr("geodl.chemistry.cases.starts.flame_start", none)
    (gap,) = flame_starts(PLAN, 1, 0)
    assert "point" not in gap.dims
