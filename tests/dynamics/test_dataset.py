"""Lorenz-63 data: every interval obeys the equations, noise is what was asked for, files are what was made."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from geodl.core.files import data_folder, open_sample
from geodl.dynamics.dataset import lorenz63_dataset
from geodl.dynamics.taylor import taylor_trajectory
from geodl.errors import OptionError
from geodl.testing import assert_refused

SAMPLES = {
    "dt001": (20, 200, 0.01),
    "dt020": (20, 200, 0.2),
    "noisy": (20, 200, 0.01),
    "test": (1000, 9, 0.01),
    "valid": (2000, 9, 0.01),
}


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return lorenz63_dataset(4, 6, 0.05, seed=0)


def states(ds: xr.Dataset) -> np.ndarray:
    """x, y and z as ``[trajectory, time, component]``."""
    return ds[["x", "y", "z"]].to_dataarray("component").transpose("trajectory", "time", "component").values


def off_the_flow(ds: xr.Dataset) -> np.ndarray:
    """Every state less the one that the equations reach from the state before."""
    path = states(ds)
    reached = taylor_trajectory(path[:, :-1].reshape(-1, 3), float(ds["time"][1]), 1)[-1]
    return np.asarray(path[:, 1:].reshape(-1, 3) - reached, np.float64)


def test_every_interval_obeys_the_equations(ds: xr.Dataset):
    assert abs(off_the_flow(ds)).max() < 1e-13


def test_noise_has_the_standard_deviation_asked_for_and_spares_the_truth():
    clean, noisy = (lorenz63_dataset(50, 20, 0.01, seed=3, noise=noise) for noise in (0.0, 0.5))
    added = states(noisy) - states(clean)
    np.testing.assert_allclose(added.std((0, 1)), 0.5, rtol=0.05)
    np.testing.assert_allclose(added.mean((0, 1)), 0.0, atol=0.06)  # 4 standard errors
    assert "0.5" in noisy.attrs["title"]
    assert noisy.attrs["noise_std"] == 0.5


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data(ds: xr.Dataset):
    xr.testing.assert_identical(lorenz63_dataset(4, 6, 0.05, seed=0), ds)
    assert float(abs(lorenz63_dataset(4, 6, 0.05, seed=1)["x"] - ds["x"]).max()) > 1


def test_the_data_say_what_they_are(ds: xr.Dataset):
    assert [ds[name].attrs["units"] for name in ("x", "y", "z", "time")] == ["1"] * 4
    assert all(ds[name].attrs["long_name"] for name in ds.variables)
    np.testing.assert_allclose(ds["time"], 0.05 * np.arange(6), rtol=1e-15)
    assert ds.attrs["Conventions"] == "CF-1.11"
    assert (ds.attrs["sigma"], ds.attrs["rho"], ds.attrs["beta"]) == (10.0, 28.0, 8 / 3)
    assert "seed=0" in ds.attrs["source"]


@pytest.mark.parametrize("wrong", [{"trajectories": 0}, {"points": 1}, {"dt": 0.0}, {"noise": -1.0}])
def test_data_that_cannot_be_made_are_refused(wrong: dict[str, Any]):
    arguments = {"trajectories": 2, "points": 3, "dt": 0.01, "seed": 0, **wrong}
    ((name, value),) = wrong.items()
    assert_refused(OptionError, lambda: lorenz63_dataset(**arguments), f"{name}={value}")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_shipped_sample_obeys_the_equations(name: str):
    sample = open_sample(f"lorenz63/{name}")
    trajectories, points, dt = SAMPLES[name]
    assert sample.sizes == {"trajectory": trajectories, "time": points}
    np.testing.assert_allclose(sample["time"], dt * np.arange(points), rtol=1e-15)
    residual = off_the_flow(sample)
    if name == "noisy":  # noise of a state, and of the one before carried along the flow
        assert residual.std() == pytest.approx(np.sqrt(2) * 1e-3, rel=0.2)
    else:
        assert abs(residual).max() < 1e-12


def test_no_two_samples_share_a_trajectory():
    first = np.concatenate([states(open_sample(f"lorenz63/{name}"))[:, 0] for name in SAMPLES])
    assert len(np.unique(first.round(6), axis=0)) == sum(trajectories for trajectories, _, _ in SAMPLES.values())


def test_every_shipped_file_has_a_checksum():
    folder = data_folder() / "lorenz63"
    listed = [line.split()[1] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    assert listed == sorted(path.name for path in folder.glob("*.nc"))
