"""Where the data sets lie that a user has downloaded."""

import os
from pathlib import Path

from geodl.errors import DataFileError

VARIABLE = "GEODL_TURBULENCE_DATA"


def find(name: str) -> Path | None:
    """The folder of a data set, such as "closure_challenge", inside the folder that $GEODL_TURBULENCE_DATA names.

    None without the variable or without the folder. What comes with the library opens with ``geodl.open_sample``.
    """
    root = os.environ.get(VARIABLE)
    folder = Path(root) / name if root else None
    return folder if folder is not None and folder.is_dir() else None


def provided(name: str) -> Path:
    """As ``find``, where there is no way without.

    Raises:
        DataFileError: the set is not there.
    """
    folder = find(name)
    if folder is None:
        held = os.environ.get(VARIABLE)
        where = f"there is no folder {name} in {held}" if held else f"${VARIABLE} is not set"
        raise DataFileError(f"the data set {name} is needed, but {where}: set {VARIABLE} to the folder that holds it")
    return folder
