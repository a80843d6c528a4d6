"""The layout of DeepCFD, in files that the tests write; pickles that ask for code are not obeyed."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from geodl.errors import DataFileError
from geodl.flow.data.arrays import read_array
from geodl.flow.data.deepcfd import GRID, NX, NY, read_deepcfd
from geodl.flow.data.generate import generate
from geodl.testing import assert_refused


def flows(n: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Channels with a box, with distances in millimetres that are positive everywhere."""
    x, y = np.meshgrid(GRID.x, GRID.y, indexing="ij")
    outside = np.hypot(np.maximum(np.abs(x - 0.08) - 0.02, 0), np.maximum(np.abs(y - 0.06) - 0.015, 0))
    inside = np.minimum(0.02 - np.abs(x - 0.08), 0.015 - np.abs(y - 0.06))
    region = np.where(inside > 0, 0, 1)
    region[:, [0, -1]], region[0], region[-1] = 2, 3, 4
    wall = np.minimum(y, 0.12 - y)
    data_x = np.stack([1e3 * np.maximum(outside, inside), region, 1e3 * wall])
    data_y = np.stack([0.1 * (inside <= 0) * y, x * 0.01, 1e-3 * (0.26 - x)])
    return np.stack([data_x] * n).astype(np.float32), np.stack([data_y] * n).astype(np.float32)


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_pickles_of_every_protocol_give_the_arrays_of_npy(tmp_path, protocol):
    array = flows()[0]
    for name, written in (
        ("c", array),
        ("f", np.asfortranarray(array)),
        ("big", array.astype(">f8")),
        ("i", array.astype("i4")),
    ):
        path = tmp_path / f"{name}.pkl"
        path.write_bytes(pickle.dumps(written, protocol=protocol))
        np.testing.assert_array_equal(read_array(path), written)


def test_both_files_become_one_data_set_in_metres(tmp_path):
    data_x, data_y = flows()
    (tmp_path / "dataX.pkl").write_bytes(pickle.dumps(data_x))
    np.save(tmp_path / "dataY.npy", data_y)
    ds = read_deepcfd(tmp_path / "dataX.pkl", tmp_path / "dataY.npy")
    assert dict(ds.sizes) == {"sample": 2, "y": NY, "x": NX}
    np.testing.assert_array_equal(ds["u"][0], data_y[0, 0].T)
    assert ds["u"].attrs["units"] == "m s-1"
    assert ds["p"].attrs["units"] == "m2 s-2"
    np.testing.assert_array_equal(ds["mask"], ds["region"] == 0)
    assert bool(((ds["sdf"] < 0) == (ds["mask"] == 1)).all())
    outside = np.hypot(np.maximum(np.abs(ds["x"] - 0.08) - 0.02, 0), np.maximum(np.abs(ds["y"] - 0.06) - 0.015, 0))
    np.testing.assert_allclose(ds["sdf"][0].where(ds["mask"][0] == 0, 0), outside.T, atol=2e-5)
    assert float(ds["wall_distance"].max()) == pytest.approx(0.06, rel=0.01)
    assert generate(source=tmp_path).identical(ds)


class Evil:
    def __reduce__(self):
        return os.system, ("touch pwned",)


class EvilArray(np.ndarray):
    def __reduce__(self):
        return eval, ("__import__('os').system('touch pwned')",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Evil()),
        pickle.dumps(np.zeros(3).view(EvilArray)),
        pickle.dumps([np.zeros(3), Evil()]),
        pickle.dumps(np.array([Evil(), None], dtype=object)),
        pickle.dumps(np.load),
        b"cnumpy.testing._private.utils\nrunstring\n(S'import os'\nS''\ntR.",
        b"\x80\x04\x8c\x05numpy\x8c\x0ef2py.os.system.\x93.",
        b"cbuiltins\nexec\n(S'import os'\ntR.",
    ],
    ids=["system", "subclass", "list", "object array", "function", "numpy's own exec", "dotted name", "exec"],
)
def test_a_pickle_that_asks_for_code_is_refused(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dataX.pkl").write_bytes(content)
    assert_refused(DataFileError, lambda: read_array(tmp_path / "dataX.pkl"), "dataX.pkl")
    assert not (tmp_path / "pwned").exists()


def test_pickles_of_something_else_and_broken_ones_are_refused(tmp_path):
    whole = pickle.dumps(flows()[0])
    broken = {
        "list": pickle.dumps([1, 2]), "cut": whole[:1000], "text": b"hello", "none": b"",
        "dtype": pickle.dumps(np.dtype("f4")), "complex": pickle.dumps(np.zeros(3, complex)),
        "struct": pickle.dumps(np.zeros(3, "f4,f8")),
        "words": pickle.dumps(np.array(["a"])), "objects": pickle.dumps(np.array([None, 1], dtype=object)),
    }  # fmt: skip
    for name, content in broken.items():
        path = tmp_path / f"{name}.pkl"
        path.write_bytes(content)
        assert_refused(DataFileError, lambda path=path: read_array(path), f"{name}.pkl")


def test_damaged_pickles_raise_nothing_else(tmp_path):
    content = bytearray(pickle.dumps(np.arange(6.0).reshape(2, 3)))
    rng, path = np.random.default_rng(0), tmp_path / "damaged.pkl"
    for _ in range(300):
        damaged = content.copy()
        for place in rng.integers(0, len(content), 3):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_array(path)
        except DataFileError:
            continue


def test_object_arrays_in_npy_are_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    assert_refused(DataFileError, lambda: read_array(tmp_path / "a.npy"), "a.npy")


def test_arrays_of_another_shape_or_with_holes_are_refused(tmp_path):
    data_x, data_y = flows()
    good = tmp_path / "good.npy"
    np.save(good, data_y)
    holes, free = data_x.copy(), data_x.copy()
    holes[1, 0, 5, 5] = np.nan
    free[1, 1] = 1
    cases = {"turned": (data_x.swapaxes(2, 3), "[sample, 3, 172, 79]"), "short": (data_x[:1], "1 samples"),
             "holes": (holes, "NaN"), "free": (free, "no obstacle")}  # fmt: skip
    for name, (array, word) in cases.items():
        np.save(tmp_path / f"{name}.npy", array)
        assert_refused(DataFileError, lambda name=name: read_deepcfd(tmp_path / f"{name}.npy", good), word)


def test_what_is_not_there_or_unknown_is_refused(tmp_path):
    assert_refused(DataFileError, lambda: read_array(tmp_path / "none.npy"), "none.npy")
    (tmp_path / "a.mat").touch()
    assert_refused(DataFileError, lambda: read_array(tmp_path / "a.mat"), "numpy.save")
    assert_refused(DataFileError, lambda: generate(source=tmp_path), "neither")
    assert_refused(DataFileError, lambda: generate(source=Path("nowhere")), "nowhere")
