"""The layout of Deep-Flow-Prediction, in files that the tests write."""

from pathlib import Path

import numpy as np
import pytest

from geodl.errors import DataFileError
from geodl.flow.data.airfoil_arrays import GRID, SIZE, read_airfoil_arrays
from geodl.flow.data.generate import generate
from geodl.flow.geometry.airfoil import Airfoil
from geodl.flow.geometry.signed_distance import signed_distance
from geodl.testing import assert_refused

AIRFOIL = Airfoil("0020", 1.0, (0.5, 0.0))


def flow() -> np.ndarray:
    """Channels [6, x, y]: free stream, mask, pressure, velocity."""
    solid = (signed_distance(AIRFOIL, GRID) < 0).numpy()
    x, y = np.meshgrid(GRID.x, GRID.y)
    channels = [np.where(solid, 0, 30.0), np.where(solid, 0, -40.0), solid, 100 * x, 30 + y, -40 + x * y]
    return np.stack(channels).swapaxes(1, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("naca0020_3000_-4000", "e473_hm_5842_1234"):
        np.savez_compressed(tmp_path / name, a=flow())
    return tmp_path


def test_the_points_are_those_that_were_sampled():
    x = np.arange(SIZE) / SIZE
    np.testing.assert_allclose(GRID.x, (x - 0.5) * 2 + 0.5, atol=1e-15)
    np.testing.assert_allclose(GRID.y, (x - 0.5) * 2, atol=1e-15)


def test_a_folder_becomes_one_data_set(folder):
    ds = read_airfoil_arrays(folder)
    assert dict(ds.sizes) == {"sample": 2, "y": SIZE, "x": SIZE}
    assert ds["shape"].values.tolist() == ["e473_hm", "naca0020"]
    assert ds["inflow_u"].values.tolist() == [30, 30]
    assert ds["inflow_v"].values.tolist() == [-40, -40]
    np.testing.assert_allclose(ds["reynolds"], 50 / 1e-5)
    fluid = ds["mask"][0] == 0
    np.testing.assert_allclose(ds["u"][0].where(fluid, 0), (30 + ds["y"] + 0 * ds["x"]).where(fluid, 0), rtol=1e-6)
    assert float(np.abs(ds["u"].where(ds["mask"] == 1)).max()) == 0
    assert generate(source=folder).identical(ds)


def test_the_distance_is_that_of_the_mask_and_close_to_the_airfoil(folder):
    error = np.abs(read_airfoil_arrays(folder)["sdf"][0] - signed_distance(AIRFOIL, GRID).numpy())
    assert float(error.max()) < 1.5 * GRID.spacing  # the thin trailing edge is lost
    assert float(error.mean()) < 0.5 * GRID.spacing


def test_arrays_that_are_something_else_are_refused(folder):
    grey, holes = flow(), flow()
    grey[2] = 0.5
    holes[4, 3, 3] = np.nan
    for name, array, word in (
        ("shape", flow()[:5], "[6, 128, 128]"),
        ("grey", grey, "mask"),
        ("holes", holes, "channel 4"),
    ):
        bad = folder / name
        bad.mkdir()
        np.savez(bad / "one.npz", a=array)
        assert_refused(DataFileError, lambda bad=bad: read_airfoil_arrays(bad), "one.npz", word)


def test_broken_several_and_pickled_arrays_are_refused(folder, tmp_path):
    whole = next(folder.glob("*.npz")).read_bytes()
    made = {"cut": whole[:3000], "text": b"not a zip", "none": b""}
    for name, content in made.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.npz").write_bytes(content)
        assert_refused(DataFileError, lambda name=name: read_airfoil_arrays(tmp_path / name), "a.npz")
    (tmp_path / "two").mkdir()
    np.savez(tmp_path / "two" / "a.npz", a=flow(), b=flow())
    assert_refused(DataFileError, lambda: read_airfoil_arrays(tmp_path / "two"), "expected one")
    (tmp_path / "objects").mkdir()
    np.savez(tmp_path / "objects" / "a.npz", a=np.array([None], dtype=object))
    assert_refused(DataFileError, lambda: read_airfoil_arrays(tmp_path / "objects"), "a.npz")


def test_a_folder_without_flows_is_refused(tmp_path):
    assert_refused(DataFileError, lambda: read_airfoil_arrays(tmp_path), "no .npz")
