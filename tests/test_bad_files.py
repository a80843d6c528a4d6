"""Files that are broken, foreign, full or in the way: each is refused by name, and what was there before stays."""

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import xarray as xr

import geodl
from geodl.core import files, store
from geodl.errors import (
    BundleCorruptedError,
    BundleError,
    BundleVersionError,
    DataFileError,
    GeodlError,
    NonFiniteError,
    OutputError,
    UnknownNameError,
)
from geodl.testing import assert_refused
from tests import child

FAMILY = geodl.family("dynamics", leads=2)


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return FAMILY.example(0)


@pytest.fixture(scope="module")
def trained(ds: xr.Dataset) -> geodl.Surrogate:
    config = geodl.FitConfig.parse({**FAMILY.settings, "epochs": 1, "line_steps": 2})
    return geodl.fit(FAMILY, ds, ds, config=config, show=False)


FORMATS: dict[str, dict[str, Any]] = {
    "compressed": {"encoding": {name: {"zlib": True} for name in "xyz"}},
    "plain": {},
    "classic": {"format": "NETCDF3_CLASSIC"},
}


@pytest.mark.parametrize("cut", [0.02, 0.3, 0.9, 1.0], ids=["head", "third", "most", "last byte"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_cut_data_file_is_refused(kind: str, cut: float, ds: xr.Dataset, tmp_path):
    path = tmp_path / "run.nc"
    ds.to_netcdf(path, engine="netcdf4", **FORMATS[kind])
    raw = path.read_bytes()
    path.write_bytes(raw[: min(int(cut * len(raw)), len(raw) - 1)])
    assert_refused(DataFileError, lambda: geodl.open_data(path), str(path), "truncated or corrupted", "write it again")


def test_a_data_file_that_was_overwritten_in_the_middle_is_refused(ds: xr.Dataset, tmp_path):
    path = tmp_path / "run.nc"
    files.write_data(ds, path)
    raw = bytearray(path.read_bytes())
    quarter = len(raw) // 4
    raw[quarter:-quarter] = bytes(len(raw) - 2 * quarter)
    path.write_bytes(raw)
    assert_refused(DataFileError, lambda: geodl.open_data(path), str(path), "truncated or corrupted")


FOREIGN = {
    "text": (b"time,x\n0,1\n", ("not NetCDF-4 and not classic NetCDF", "b'time,x\\n0'", "to_netcdf")),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(99), ("not NetCDF-4", "PNG", "to_netcdf")),
    "nothing": (b"", ("not NetCDF-4", "begins with b''")),
    "the head of NetCDF alone": (b"\x89HDF\r\n\x1a\n", ("truncated or corrupted",)),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_not_netcdf_is_refused_with_how_it_begins(kind: str, tmp_path):
    content, words = FOREIGN[kind]
    (tmp_path / "run.nc").write_bytes(content)
    assert_refused(DataFileError, lambda: geodl.open_data(tmp_path / "run.nc"), "run.nc", *words)


def test_a_path_that_leads_nowhere_is_refused_with_what_is_there(tmp_path):
    assert_refused(DataFileError, lambda: geodl.open_data(tmp_path), f"{tmp_path} is a folder", "NetCDF file or a Zarr")
    assert_refused(DataFileError, lambda: geodl.open_data(tmp_path / "a.nc"), "no file", "folder has no NetCDF file")
    assert_refused(DataFileError, lambda: geodl.open_data(tmp_path / "no" / "a.nc"), "no folder", "no file")
    (tmp_path / "lorenz_run.nc").touch()
    assert_refused(DataFileError, lambda: geodl.open_data(tmp_path / "lorentz_run.nc"), "Did you mean 'lorenz_run.nc'?")


def test_masked_values_are_refused_in_training(ds: xr.Dataset, tmp_path):
    spoiled = ds.copy(deep=True)
    spoiled["y"][3, 1] = np.nan
    spoiled.to_netcdf(tmp_path / "run.nc", encoding={"y": {"_FillValue": -999.0}})
    masked = geodl.open_data(tmp_path / "run.nc")
    assert_refused(NonFiniteError, lambda: geodl.fit(FAMILY, masked, ds), "'y' has 1 of", "masked", "'trajectory': 3")


def test_a_file_with_nothing_at_its_root_is_refused(ds: xr.Dataset, tmp_path):
    ds.to_netcdf(tmp_path / "run.nc", group="inner")
    assert_refused(DataFileError, lambda: geodl.open_data(tmp_path / "run.nc"), "no variables", "groups", "root")


def test_dates_that_cannot_be_read_are_refused(ds: xr.Dataset, tmp_path):
    units = {"units": "days since the flood"}
    ds.assign_coords(time=("time", np.arange(3), units)).to_netcdf(tmp_path / "run.nc")
    assert_refused(DataFileError, lambda: geodl.open_data(tmp_path / "run.nc"), "run.nc", "days since the flood")


def test_a_sample_that_was_changed_is_refused(tmp_path, monkeypatch):
    shutil.copytree(files.data_folder() / "lorenz63", tmp_path / "lorenz63")
    monkeypatch.setattr(files, "data_folder", lambda: tmp_path)
    assert geodl.open_sample("lorenz63/dt001").sizes
    with (tmp_path / "lorenz63" / "dt001.nc").open("ab") as file:
        file.write(b"\0")
    assert_refused(DataFileError, lambda: geodl.open_sample("lorenz63/dt001"), "dt001.nc", "SHA256SUMS", "again")


Write = Callable[[Path], Any]


@pytest.fixture(params=["bundle", "report"])
def write(request: pytest.FixtureRequest, trained: geodl.Surrogate, ds: xr.Dataset) -> Callable[..., Any]:
    if request.param == "bundle":
        return trained.save
    return lambda path, **words: geodl.report(trained, ds, path, **words)


@pytest.mark.usefixtures("no_figures")
def test_what_exists_is_replaced_only_when_asked(write: Callable[..., Any], tmp_path):
    path = tmp_path / "result"
    path.write_bytes(b"old")
    assert_refused(OutputError, lambda: write(path), f"{path} exists", "overwrite=True", "--overwrite")
    assert path.read_bytes() == b"old"
    write(path, overwrite=True)
    assert path.read_bytes() != b"old"
    assert os.listdir(tmp_path) == ["result"]


@pytest.mark.usefixtures("no_figures")
def test_a_place_that_cannot_be_written_is_refused(write: Callable[..., Any], tmp_path):
    nowhere = tmp_path / "no" / "result"
    assert_refused(OutputError, lambda: write(nowhere), f"{nowhere.parent} does not exist", "make it first")
    assert_refused(OutputError, lambda: write(tmp_path), f"{tmp_path} is a folder", "name of a file")
    (tmp_path / "file").touch()
    assert_refused(OutputError, lambda: write(tmp_path / "file" / "result"), "does not exist")
    assert os.listdir(tmp_path) == ["file"]


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that costs nothing: what is measured here is the file."""
    monkeypatch.setattr("geodl.train.report.render", lambda *arguments: "page")


FULL_DISK = """
import resource, sys
import geodl
from geodl.core.files import write_data
from geodl.errors import OutputError
bundle, data = sys.argv[1:]
surrogate, ds = geodl.load(bundle), geodl.open_data(data)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
for write in (
    lambda: surrogate.save(bundle, overwrite=True),
    lambda: write_data(surrogate(ds), data, overwrite=True),
    lambda: geodl.fit(surrogate.family, ds, ds, config=geodl.FitConfig(epochs=1), folder=bundle + ".run", show=False),
):
    try: write()
    except OutputError as error: print(error)
    else: raise AssertionError("written beyond the limit")
"""


def test_a_full_disk_leaves_what_was_there(trained: geodl.Surrogate, ds: xr.Dataset, tmp_path):
    trained.save(tmp_path / "a.safetensors")
    files.write_data(ds, tmp_path / "a.nc")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    lines = child.python("-c", FULL_DISK, str(tmp_path / "a.safetensors"), str(tmp_path / "a.nc")).splitlines()
    for line, name in zip(lines, ("a.safetensors", "a.nc", "checkpoint.safetensors"), strict=True):
        assert "cannot write" in line
        assert name in line
        assert "untouched" in line
    assert "full disk" in lines[1]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


Change = Callable[[bytes], bytes]


def resigned(
    change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]] = lambda tensors: tensors, **entries: Any
) -> Change:
    """A bundle with other tensors or other entries, and a checksum that fits."""

    def made(raw: bytes) -> bytes:
        tensors, content = store.from_bytes(raw)
        del content["sha256"]
        return store.to_bytes(change(tensors), content | entries)

    return made


def one_byte(position: float) -> Change:
    def made(raw: bytes) -> bytes:
        broken = bytearray(raw)
        broken[int(position * (len(raw) - 1))] ^= 0x20
        return bytes(broken)

    return made


SHORTER = {"core.network.field.constant": slice(0, 2)}
BUNDLES: dict[str, tuple[Change, type[GeodlError], tuple[str, ...]]] = {
    **{
        f"one byte changed at {position:.0%}": (
            one_byte(position), BundleCorruptedError, ("checksum does not match", "save it again"),
        )
        for position in (0.2, 0.6, 1.0)
    },
    "cut in the middle": (lambda raw: raw[: len(raw) // 2], BundleCorruptedError, ("checksum does not match", "cut")),
    "cut in the header": (lambda raw: raw[:100], BundleError, ("not a geodl bundle", "surrogate.save")),
    "empty": (lambda raw: b"", BundleError, ("not a geodl bundle", "surrogate.save")),
    "of a newer format": (
        resigned(format=99, needs_geodl="7.1"), BundleVersionError, ("format 99", "up to 1", "Install geodl >= 7.1"),
    ),
    "safetensors of others": (
        lambda raw: safetensors.torch.save({"w": torch.zeros(3)}), BundleError,
        ("not a geodl bundle", "surrogate.save"),
    ),
    "of an unknown family": (
        resigned(family="dynamic"), BundleError, ("no family 'dynamic'", "Did you mean 'dynamics'?"),
    ),
    "of a family that is a module": (resigned(family="os.path"), BundleError, ("no family 'os.path'", "Known: chem")),
    "with an unknown option": (resigned(options={"lead": 2}), BundleError, ("'lead'", "Did you mean 'leads'?")),
    "with other options": (resigned(options={"leads": 3}), BundleError, ("schema", "'dynamics'", "options")),
    "with weights of another shape": (
        resigned(lambda tensors: {n: t[SHORTER[n]] if n in SHORTER else t for n, t in tensors.items()}), BundleError,
        ("weights do not fit the network", "network.field.constant", "[2]", "[3]"),
    ),
    "without weights": (
        resigned(lambda tensors: {n: t for n, t in tensors.items() if "field" not in n}), BundleError,
        ("weights do not fit the network", "Missing", "network.field.weights"),
    ),
    "without its guard": (
        resigned(lambda tensors: {n: t for n, t in tensors.items() if n != "guard.mean"}), BundleError,
        ("Guard", "'mean'"),
    ),
    "with an unknown baseline": (resigned(rivals=["best"]), BundleError, ("no baseline 'best'", "persistence")),
    "with a precision that does not exist": (resigned(dtype="save"), BundleError, ("wrong kind", "'save'")),
    "with a record of another kind": (resigned(record={"made": "by hand"}), BundleError, ("wrong kind",)),
}  # fmt: skip


@pytest.mark.parametrize("kind", BUNDLES)
def test_a_bundle_that_is_not_whole_is_refused(kind: str, trained: geodl.Surrogate, tmp_path):
    change, error, words = BUNDLES[kind]
    path = tmp_path / "model.safetensors"
    path.write_bytes(change(trained.to_bytes()))
    assert_refused(error, lambda: geodl.load(path), str(path), *words)


def test_the_length_of_a_header_never_makes_a_bundle_a_pickle(trained: geodl.Surrogate, tmp_path):
    """The file begins with the length of its header, and a pickle with the byte 0x80."""
    longer = (resigned(words="w" * extra)(trained.to_bytes()) for extra in range(256))
    (tmp_path / "model.safetensors").write_bytes(next(raw for raw in longer if raw[0] == 0x80))
    assert geodl.load(tmp_path / "model.safetensors").family.name == "dynamics"


class Payload:
    """What a pickle would run when opened: it makes a file."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.marker,))


def torch_saved(payload: Payload, path: Path) -> None:
    torch.save({"weights": torch.zeros(2), "payload": payload}, path)


PICKLES: dict[str, tuple[Callable[[Payload, Path], Any], tuple[str, ...]]] = {
    "pickle": (lambda payload, path: path.write_bytes(pickle.dumps(payload)), ("this is a pickle", "can run code")),
    "torch.save": (torch_saved, ("torch.save", "never opens pickles", "Expected a geodl bundle")),
}


@pytest.mark.parametrize("kind", PICKLES)
def test_what_a_pickle_holds_never_runs(kind: str, tmp_path):
    write, words = PICKLES[kind]
    write(Payload(tmp_path / "marker"), tmp_path / "model.pt")
    assert_refused(BundleError, lambda: geodl.load(tmp_path / "model.pt"), "model.pt", *words)
    assert not (tmp_path / "marker").exists()


def test_a_bundle_that_is_not_there_is_named_with_the_one_beside_it(trained: geodl.Surrogate, tmp_path):
    trained.save(tmp_path / "model.safetensors")
    missing = tmp_path / "model.safetensor"
    assert_refused(UnknownNameError, lambda: geodl.load(missing), str(missing), "Did you mean 'model.safetensors'?")
    assert_refused(BundleError, lambda: geodl.load(tmp_path), str(tmp_path), "directory")


@pytest.mark.parametrize(
    ("content", "words"), [(b"garbage", "not a geodl bundle"), (b"", "not a geodl bundle"), (None, "no training state")]
)
def test_a_checkpoint_that_is_none_is_refused(content, words, trained: geodl.Surrogate, ds: xr.Dataset, tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(trained.to_bytes() if content is None else content)
    resume = lambda: geodl.fit(FAMILY, ds, ds, folder=tmp_path, show=False)  # noqa: E731
    assert_refused(BundleError, resume, "checkpoint", words, "another folder")


def test_a_log_that_cannot_be_written_is_refused(ds: xr.Dataset, tmp_path):
    (tmp_path / "log.jsonl").mkdir()
    assert_refused(OutputError, lambda: geodl.fit(FAMILY, ds, ds, folder=tmp_path), "cannot write", "log.jsonl")


def test_a_folder_for_checkpoints_that_is_a_file_is_refused(ds: xr.Dataset, tmp_path):
    (tmp_path / "run").touch()
    for folder in (tmp_path / "run", tmp_path / "run" / "inner"):
        assert_refused(OutputError, lambda f=folder: geodl.fit(FAMILY, ds, ds, folder=f), "cannot make", str(folder))
