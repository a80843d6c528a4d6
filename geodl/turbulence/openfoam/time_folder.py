"""Which time of a case is meant."""

import re
from pathlib import Path

from geodl.errors import DataFileError, did_you_mean

_NUMBER = re.compile(r"\d+(\.\d*)?(e[-+]?\d+)?", re.IGNORECASE)


def time_folder(case: Path, time: str | float = "latest") -> Path:
    """The folder of a time: the one of that name or number, or the largest number ("latest"; 0 if there is no other).

    Raises:
        DataFileError: no case, no such time, or results that lie in processor folders only.
    """
    if not case.is_dir():
        raise DataFileError(f"there is no folder {case}: name the case, the folder that holds 'constant' and 'system'")
    times = _times(case)
    if time == "latest":
        return _latest(case, times)
    if (case / str(time)).is_dir() and str(time) in times:
        return case / str(time)
    same = [name for name in times if _NUMBER.fullmatch(str(time)) and float(name) == float(time)]
    if not same:
        raise DataFileError(f"{case} has no time {str(time)!r}. {did_you_mean(str(time), times)}")
    return case / same[0]


def _times(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_dir() and _NUMBER.fullmatch(path.name)]


def _latest(case: Path, times: list[str]) -> Path:
    name = max(times, key=float, default="")
    parts = [path for path in case.glob("processor*") if path.is_dir()]
    last = max((float(time) for part in parts for time in _times(part)), default=-1.0)
    if parts and last > float(name or -1) and float(name or 0) == 0:
        raise DataFileError(
            f"{case} is decomposed: time {last:g} lies in {len(parts)} processor folders only. "
            f"Run reconstructPar -latestTime first."
        )
    if not name:
        raise DataFileError(
            f"{case} has no time folder: expected a folder with a number as its name, such as 0 or 5000"
        )
    return case / name
