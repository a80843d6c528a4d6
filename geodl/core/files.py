"""Open, verify and find data files; write results so that a reader sees all of a file or none of it."""

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import xarray as xr

from geodl.core.progress import progress
from geodl.errors import DataFileError, MissingPackageError, OutputError, UnknownNameError, did_you_mean

READ_TIMEOUT = 120  # seconds: a reader that hangs on a broken file is ended
_HDF5, _CLASSIC = b"\x89HDF\r\n\x1a\n", (b"CDF\x01", b"CDF\x02")
_ENCODING: dict[str, object] = {"zlib": True, "complevel": 4, "fletcher32": True}

# Runs in a child process, because a broken file can crash or hang the C library that reads it.
# scipy reads the classic format strictly; the C library takes a truncated one for a whole one.
_PROBE = """
import sys
path, classic = sys.argv[1], sys.argv[2] == "classic"
if classic:
    from scipy.io import netcdf_file
    with netcdf_file(path, mmap=False): pass
else:
    import netCDF4
    def read(group):
        for variable in group.variables.values(): variable[...]
        for child in group.groups.values(): read(child)
    with netCDF4.Dataset(path) as file: read(file)
"""


def data_folder() -> Path:
    """Where samples and pretrained bundles lie: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    return package / "data" if (package / "data").is_dir() else package.parent / "data"


def open_data(path: str | Path) -> xr.Dataset:
    """A NetCDF file or Zarr store as a Dataset; a NetCDF file is read whole in a child process first.

    Raises:
        DataFileError: missing, a folder, truncated, corrupted, or not NetCDF.
        MissingPackageError: a Zarr store without the extra that reads it.
    """
    path = Path(path)
    if not path.exists():
        raise DataFileError(f"there is no file {path}. {_instead(path)}")
    if path.is_dir():
        return _open_zarr(path)
    _probe(path)
    try:
        with xr.open_dataset(path, engine="netcdf4") as ds:
            if not ds.variables:
                raise DataFileError(f"{path} holds no variables, or only inside groups: write them at its root")
            return ds.load()
    except ValueError as error:  # such as a time axis that cannot be decoded
        raise DataFileError(f"{path} is NetCDF, but not as CF says: {error}") from error


def _instead(path: Path) -> str:
    """What a folder offers in the place of a file that is not there."""
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either."
    known = [found.name for found in path.parent.glob("*.nc")]
    return did_you_mean(path.name, known) if known else "Its folder has no NetCDF file."


def _open_zarr(path: Path) -> xr.Dataset:
    if not any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zmetadata")):
        raise DataFileError(f"{path} is a folder, expected a NetCDF file or a Zarr store")
    try:
        return xr.open_zarr(path)
    except ImportError as error:
        raise MissingPackageError("reading Zarr needs the extra: pip install 'geodl[zarr]'") from error
    except Exception as error:  # zarr and its codecs raise many classes
        raise DataFileError(f"{path} is not a Zarr store that can be read: {error}") from error


def _probe(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(8)
    except OSError as error:
        raise DataFileError(f"cannot read {path}: {error.strerror}") from error
    classic = magic[:4] in _CLASSIC
    if not (classic or magic == _HDF5):
        raise DataFileError(
            f"{path} is not NetCDF-4 and not classic NetCDF: it begins with {magic!r}. "
            f"Rewrite it with ds.to_netcdf(path, format='NETCDF4')."
        )
    command = [sys.executable, "-c", _PROBE, str(path.resolve()), "classic" if classic else "hdf5"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=READ_TIMEOUT, cwd=tempfile.gettempdir())
    except subprocess.TimeoutExpired as error:
        raise DataFileError(f"{path} could not be read within {READ_TIMEOUT} s: it is corrupted") from error
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"the reader died ({done.returncode})"
        raise DataFileError(f"{path} is truncated or corrupted: {reason.rstrip('.')}. Copy it or write it again.")


def open_sample(name: str) -> xr.Dataset:
    """A small data set that comes with the library, by "set/file"; its checksum is verified.

    Raises:
        UnknownNameError: there is no such sample.
        DataFileError: the file differs from its entry in SHA256SUMS.
    """
    known = {f"{path.parent.name}/{path.stem}": path for path in data_folder().glob("*/*.nc")}
    if name not in known:
        raise UnknownNameError(f"there is no sample {name!r}. {did_you_mean(name, known)}")
    path = known[name]
    sums = dict(line.split()[::-1] for line in (path.parent / "SHA256SUMS").read_text().splitlines())
    if sums.get(path.name) != hashlib.sha256(path.read_bytes()).hexdigest():
        raise DataFileError(f"{path} differs from its checksum in SHA256SUMS: get the file again")
    return open_data(path)


def refuse_existing(path: str | Path, *, overwrite: bool) -> None:
    """Find out before the work begins whether its result may be written.

    Raises:
        OutputError: the file exists without ``overwrite``, or its folder does not.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder, expected the name of a file")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists. Choose another name, or say overwrite=True (--overwrite).")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"the folder {path.absolute().parent} does not exist: make it first")


@contextlib.contextmanager
def replacing(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary path in the same folder that becomes ``path`` when the block ends well, and vanishes when not.

    Raises:
        OutputError: ``path`` exists without ``overwrite``, or cannot be written.
    """
    path = Path(path)
    refuse_existing(path, overwrite=overwrite)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}. What was there before is untouched."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not every file system can; the file is whole either way
        _fsync_folder(path.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: str | Path, content: bytes, *, overwrite: bool = False) -> None:
    """Write a file atomically."""
    with replacing(path, overwrite=overwrite) as part:
        part.write_bytes(content)


def write_data(ds: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> None:
    """Write NetCDF-4 atomically, compressed and with checksums that make corruption show."""
    encoding = {str(name): _encoding(array, name in ds.coords) for name, array in ds.variables.items()}
    with replacing(path, overwrite=overwrite) as part:
        try:
            ds.to_netcdf(part, engine="netcdf4", encoding=encoding)
        except RuntimeError as error:  # what the C library makes of a full disk
            raise OSError(f"the NetCDF library gave up ({error}), as it does on a full disk") from error


def write_folder(datasets: Mapping[str, xr.Dataset], folder: str | Path, *, overwrite: bool = False) -> list[Path]:
    """Write each Dataset to <name>.nc of a folder, which is made if need be; nothing is written if a file exists.

    Raises:
        OutputError: ``folder`` is a file, cannot be made, or holds one of the files without ``overwrite``.
    """
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder} for {len(datasets)} files: {error.strerror}") from error
    paths = {folder / f"{name}.nc": ds for name, ds in datasets.items()}
    for path in paths:
        refuse_existing(path, overwrite=overwrite)
    with progress("writing", len(paths)) as advance:
        for done, (path, ds) in enumerate(paths.items()):
            advance(done, path.name)
            write_data(ds, path, overwrite=overwrite)
    return list(paths)


def _encoding(array: xr.Variable, coordinate: bool) -> dict[str, object]:
    if _is_text(array):  # characters: NetCDF never compresses strings, and reads and writes them one by one
        return {**_ENCODING, "dtype": "S1"}
    packed = _ENCODING if array.ndim and array.dtype.kind in "iufb" else {}
    return {**packed, "_FillValue": None} if coordinate else packed  # CF: a coordinate has no missing values


def _is_text(array: xr.Variable) -> bool:
    if not (array.ndim and array.size) or array.chunks is not None:
        return False
    return array.dtype.kind == "U" or (array.dtype.kind == "O" and all(isinstance(v, str) for v in array.values.flat))
