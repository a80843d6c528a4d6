"""A file is read whole or refused by name; a write leaves the new file or the old one, never half of one."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from geodl.core import files
from geodl.errors import DataFileError, MissingPackageError, OutputError, UnknownNameError
from geodl.testing import assert_refused
from tests import child

FORMATS = {
    "NetCDF-4, zlib": {"format": "NETCDF4", "encoding": {"a": {"zlib": True}}},
    "NetCDF-4, unlimited": {"format": "NETCDF4", "unlimited_dims": ["x"]},
    "NetCDF-3": {"format": "NETCDF3_CLASSIC"},
    "NetCDF-3, unlimited": {"format": "NETCDF3_64BIT", "unlimited_dims": ["x"]},
}

# Reads many spoiled copies of a file in one process, as open_data reads each in one of its own.
READ_ALL = """
import json, sys
from geodl.core.files import _PROBE
probe, kind, accepted = compile(_PROBE, "probe", "exec"), sys.argv[1], []
for path in sys.argv[2:]:
    sys.argv = ["-c", path, kind]
    try: exec(probe, {})
    except Exception: pass
    else: accepted.append(path)
print(json.dumps(accepted))
"""


def accepted(paths: list[Path], classic: bool) -> list[Path]:
    out = child.python("-c", READ_ALL, "classic" if classic else "hdf5", *map(str, paths))
    return [Path(path) for path in json.loads(out)]


@pytest.fixture
def ds() -> xr.Dataset:
    """Odd sizes, so that the classic format has to pad."""
    values = np.random.default_rng(0).normal(size=(41, 5))
    attrs = {"units": "K"}
    arrays = {"a": (("x", "y"), values, attrs), "n": ("x", np.arange(41, dtype="i2")), "s": ("y", list("vwxyz"))}
    return xr.Dataset(arrays, {"x": np.arange(41.0)}, {"title": "t"})


@pytest.mark.parametrize("kind", FORMATS)
def test_what_was_written_is_read(kind, ds, tmp_path):
    ds.to_netcdf(tmp_path / "a.nc", engine="netcdf4", **FORMATS[kind])
    xr.testing.assert_equal(files.open_data(tmp_path / "a.nc"), ds)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_cut_anywhere_is_found(kind, ds, tmp_path):
    whole = tmp_path / "whole.nc"
    ds.to_netcdf(whole, engine="netcdf4", **FORMATS[kind])
    raw = whole.read_bytes()
    lengths = sorted({*range(8, len(raw), len(raw) // 100), *range(len(raw) - 9, len(raw))})
    cut = {tmp_path / f"{length}.nc": length for length in lengths}
    for path, length in cut.items():
        path.write_bytes(raw[:length])
    assert accepted([whole, *cut], classic="3" in kind) == [whole]
    assert_refused(DataFileError, lambda: files.open_data(list(cut)[50]), list(cut)[50].name, "truncated or corrupted")


def test_no_flipped_bit_changes_a_value_unseen(tmp_path):
    ds = xr.Dataset({"a": ("x", np.random.default_rng(0).normal(size=2000))})
    files.write_data(ds, tmp_path / "whole.nc")
    raw = (tmp_path / "whole.nc").read_bytes()
    for position in range(0, len(raw), len(raw) // 120):
        flipped = bytearray(raw)
        flipped[position] ^= 0x10
        (tmp_path / f"{position}.nc").write_bytes(flipped)
    read = accepted(sorted(tmp_path.glob("[0-9]*.nc")), classic=False)
    assert 0 < len(read) < 80  # where nothing is stored a flip harms nothing
    for path in read:
        with xr.open_dataset(path, engine="netcdf4") as spoiled:
            np.testing.assert_array_equal(spoiled["a"], ds["a"])


def test_a_file_that_is_not_there_is_named_with_the_nearest_one(tmp_path):
    (tmp_path / "lorenz63.nc").touch()
    missing = tmp_path / "lorenz36.nc"
    assert_refused(DataFileError, lambda: files.open_data(missing), "lorenz36.nc", "Did you mean 'lorenz63.nc'?")
    assert_refused(DataFileError, lambda: files.open_data(tmp_path / "no" / "a.nc"), "there is no file")


@pytest.mark.parametrize("content", [b"", b"CDF\x05" + bytes(60), b"time,a\n0,1\n", b"\x89HDF\r\n\x1a"])
def test_what_is_not_netcdf_is_refused_with_how_it_begins(content, tmp_path):
    (tmp_path / "a.nc").write_bytes(content)
    assert_refused(DataFileError, lambda: files.open_data(tmp_path / "a.nc"), "a.nc", repr(content[:8]), "to_netcdf")


def test_a_folder_is_refused(tmp_path):
    assert_refused(DataFileError, lambda: files.open_data(tmp_path), "is a folder")


def test_a_time_axis_that_cannot_be_decoded_is_refused(tmp_path):
    xr.Dataset({"t": ("x", [1.0], {"units": "days since yesterday"})}).to_netcdf(tmp_path / "a.nc")
    assert_refused(DataFileError, lambda: files.open_data(tmp_path / "a.nc"), "a.nc", "days since yesterday")


def test_a_reader_that_hangs_is_ended(ds, tmp_path, monkeypatch):
    files.write_data(ds, tmp_path / "a.nc")
    monkeypatch.setattr(files, "_PROBE", "import time; time.sleep(60)")
    monkeypatch.setattr(files, "READ_TIMEOUT", 0.2)
    assert_refused(DataFileError, lambda: files.open_data(tmp_path / "a.nc"), "within 0.2 s")


def test_a_reader_that_dies_is_reported(ds, tmp_path, monkeypatch):
    files.write_data(ds, tmp_path / "a.nc")
    monkeypatch.setattr(files, "_PROBE", "import os; os.abort()")
    assert_refused(DataFileError, lambda: files.open_data(tmp_path / "a.nc"), "the reader died (-6)")


def test_a_zarr_store_is_read_and_a_broken_one_refused(ds, tmp_path):
    pytest.importorskip("zarr")
    ds.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    xr.testing.assert_equal(files.open_data(tmp_path / "a.zarr").load(), ds)
    (tmp_path / "a.zarr" / ".zmetadata").write_text("{")
    assert_refused(DataFileError, lambda: files.open_data(tmp_path / "a.zarr"), "a.zarr", "Zarr")


def test_without_the_extra_a_zarr_store_names_it(tmp_path, monkeypatch):
    def absent(path: Path) -> None:
        raise ImportError("no zarr")

    (tmp_path / "zarr.json").touch()
    monkeypatch.setattr(xr, "open_zarr", absent)
    assert_refused(MissingPackageError, lambda: files.open_data(tmp_path), "geodl[zarr]")


@pytest.fixture
def samples(ds, tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    files.write_data(ds, folder / "small.nc")
    digest = hashlib.sha256((folder / "small.nc").read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  small.nc\n")
    monkeypatch.setattr(files, "data_folder", lambda: tmp_path)
    return folder


def test_a_sample_is_verified_against_its_checksum(samples, ds):
    xr.testing.assert_identical(files.open_sample("set/small"), ds)
    files.write_data(ds.assign(a=ds["a"] + 1), samples / "small.nc", overwrite=True)
    assert_refused(DataFileError, lambda: files.open_sample("set/small"), "small.nc", "SHA256SUMS")
    (samples / "SHA256SUMS").write_text("")
    assert_refused(DataFileError, lambda: files.open_sample("set/small"), "SHA256SUMS")


@pytest.mark.usefixtures("samples")
def test_an_unknown_sample_is_named_with_the_nearest_one():
    assert_refused(UnknownNameError, lambda: files.open_sample("set/smal"), "Did you mean 'set/small'?")


# Where a write can fail, and what fails there.
FAULTS = {"write": (Path, "write_bytes"), "fsync": (os, "fsync"), "rename": (os, "replace")}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(fault, tmp_path, monkeypatch):
    path = tmp_path / "result.bin"
    files.write_bytes(path, b"old")

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(*FAULTS[fault], fail)
        assert_refused(
            OutputError, lambda: files.write_bytes(path, b"new", overwrite=True), "No space left", "untouched"
        )
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["result.bin"]
    files.write_bytes(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.bin"
    files.write_bytes(path, b"old")

    def interrupted() -> None:
        with files.replacing(path, overwrite=True) as part:
            part.write_bytes(b"ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["result.bin"]


FULL_DISK = """
import resource, sys
import numpy as np, xarray as xr
from geodl.core import files
from geodl.errors import OutputError
path, big = sys.argv[1], xr.Dataset({"a": ("x", np.random.default_rng(0).normal(size=100_000))})
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
for write, content in ((files.write_data, big), (lambda b, p, **k: files.write_bytes(p, b, **k), bytes(10**6))):
    try: write(content, path, overwrite=True)
    except OutputError as error: assert "untouched" in str(error), error
    else: raise AssertionError("written beyond the limit")
"""


@pytest.mark.parametrize("limit", [50, 20_000, 300_000])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(limit, ds, tmp_path):
    files.write_data(ds, tmp_path / "result.nc")
    before = (tmp_path / "result.nc").read_bytes()
    child.python("-c", FULL_DISK, str(tmp_path / "result.nc"), str(limit))
    assert (tmp_path / "result.nc").read_bytes() == before
    assert os.listdir(tmp_path) == ["result.nc"]


def test_what_exists_is_not_overwritten_unasked(ds, tmp_path):
    files.write_data(ds, tmp_path / "a.nc")
    assert_refused(OutputError, lambda: files.write_data(ds, tmp_path / "a.nc"), "a.nc exists", "overwrite=True")
    assert_refused(OutputError, lambda: files.write_data(ds, tmp_path, overwrite=True), "is a folder")
    assert_refused(OutputError, lambda: files.write_data(ds, tmp_path / "no" / "a.nc"), "does not exist")


def test_a_folder_that_cannot_be_synced_does_not_lose_the_result(tmp_path, monkeypatch):
    def fail(folder: Path) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(files, "_fsync_folder", fail)
    files.write_bytes(tmp_path / "result.bin", b"new")
    assert (tmp_path / "result.bin").read_bytes() == b"new"


TEXTS = {
    "fixed width": np.array(["α_1", "", "b c "]),
    "objects": np.array(["α_1", "", "b c "], dtype=object),
    "two dimensions": np.array([["a", "bcd"], ["", "e"]]),
    "nothing but empty": np.array(["", ""]),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_come_back_as_they_were_and_can_be_written_again(kind, tmp_path):
    values = TEXTS[kind]
    ds = xr.Dataset({"t": (("x", "y")[: values.ndim], values)}, {"name": ("x", list("abc")[: len(values)])})
    files.write_data(ds, tmp_path / "once.nc")
    once = files.open_data(tmp_path / "once.nc")
    xr.testing.assert_identical(once, ds)
    files.write_data(once, tmp_path / "again.nc")
    xr.testing.assert_identical(files.open_data(tmp_path / "again.nc"), ds)


def test_a_label_for_every_cell_takes_next_to_no_room(tmp_path):
    flow = np.repeat([f"alpha_05_{length}_2024" for length in range(1000, 1010)], 5000)
    files.write_data(xr.Dataset(coords={"flow": ("cell", flow)}), tmp_path / "a.nc")
    assert (tmp_path / "a.nc").stat().st_size < flow.size
    np.testing.assert_array_equal(files.open_data(tmp_path / "a.nc")["flow"], flow)


def test_what_is_not_all_text_is_no_text(tmp_path):
    values = np.array(["2000-01-01", None], dtype=object)
    ds = xr.Dataset({"none": ("x", np.array([], dtype="<U3")), "mixed": ("y", values), "one": "text"})
    assert [files._encoding(array, False) for array in ds.variables.values()] == [{}, {}, {}]


def test_a_folder_of_files_is_written_whole_or_refused(ds, tmp_path):
    made = files.write_folder({"a": ds, "b": ds}, tmp_path / "out")
    assert made == [tmp_path / "out" / "a.nc", tmp_path / "out" / "b.nc"]
    xr.testing.assert_identical(files.open_data(made[1]), ds)
    made[0].unlink()
    assert_refused(OutputError, lambda: files.write_folder({"a": ds, "b": ds}, tmp_path / "out"), "b.nc exists")
    assert not made[0].exists()
    for folder, words in ((made[1], "File exists"), (tmp_path / "no" / "out", "No such file")):
        assert_refused(OutputError, lambda folder=folder: files.write_folder({"a": ds}, folder), str(folder), words)


def test_the_shipped_samples_are_the_ones_that_were_written():
    """Every sample in the checkout opens; a wheel carries the same files."""
    names = [f"{path.parent.name}/{path.stem}" for path in files.data_folder().glob("*/*.nc")]
    assert names
    for name in names:
        assert files.open_sample(name).sizes
