"""Data made in parts: over processes, kept in a folder as they are finished, and gone on with after a stop."""

import contextlib
import functools
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import torch
import xarray as xr

from geodl.core.files import write_data
from geodl.core.progress import progress
from geodl.errors import OptionError, OutputError, ResumeError

Make = Callable[[range], xr.Dataset]


def make_parts(
    make: Make, parts: Sequence[range], *, identity: str, folder: str | Path | None, workers: int, about: str
) -> list[xr.Dataset]:
    """One Dataset for each range of numbers, in order.

    Args:
        make: a function that other processes can import, or a partial of one.
        identity: what two runs share that may go on with each other's parts.
        folder: keeps finished parts; None keeps nothing.
        about: what is made, for the progress bar.
    Raises:
        OutputError: the folder cannot be made.
        ResumeError: it holds parts of another run.
        OptionError: a process died.
    """
    with _kept(folder) as kept:
        missing = [numbers for numbers in parts if not _finished(_path(kept, numbers), identity, len(numbers))]
        total = sum(map(len, parts))
        done = total - sum(map(len, missing))
        write = functools.partial(_write, make, kept, identity)
        with progress(about, total) as advance:
            advance(done)
            for numbers in _over_processes(write, missing, workers):
                done += len(numbers)
                advance(done, f"{done} of {total}")
        return [xr.load_dataset(_path(kept, numbers)) for numbers in parts]


@contextlib.contextmanager
def _kept(folder: str | Path | None) -> Iterator[Path]:
    """The folder of finished parts, or one that vanishes."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="geodl-parts-") as name:
            yield Path(name)
        return
    try:
        Path(folder).mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder} for finished parts: {error.strerror}") from error
    yield Path(folder)


def _path(folder: Path, numbers: range) -> Path:
    return folder / f"from-{numbers.start:06d}.nc"


def _finished(path: Path, identity: str, size: int) -> bool:
    """Whether a part is there whole."""
    try:
        with xr.open_dataset(path) as ds:
            found, numbers = ds.attrs.get("identity"), ds.attrs.get("numbers")
    except (OSError, ValueError):  # missing, or broken by whatever killed the machine
        return False
    if found != identity:
        raise ResumeError(
            f"{path} belongs to the plan {found}, not to {identity}. Choose another folder, or delete this one."
        )
    return bool(numbers == size)


def _over_processes(write: Callable[[range], range], missing: list[range], workers: int) -> Iterator[range]:
    """Numbers of each part as it is finished."""
    if min(workers, len(missing)) <= 1:
        yield from map(write, missing)
        return
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit threads and locks of torch
    with ProcessPoolExecutor(workers, spawn, torch.set_num_threads, (1,)) as pool:
        futures = [pool.submit(write, numbers) for numbers in missing]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise OptionError(
                "a process died. In a script, call generate below `if __name__ == '__main__':`; where memory is short, "
                "say workers=1."
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _write(make: Make, folder: Path, identity: str, numbers: range) -> range:
    ds = make(numbers).assign_attrs(identity=identity, numbers=len(numbers))
    write_data(ds, _path(folder, numbers), overwrite=True)
    return numbers
