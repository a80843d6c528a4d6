"""Where the data sets are that may not be shipped: tests that need them are skipped by name where they are absent."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def provided(name: str) -> Path:
    """A folder of ``$GEODL_TURBULENCE_DATA``; by default of ``shared/data/turbulence`` beside the checkout."""
    folder = Path(os.environ.get("GEODL_TURBULENCE_DATA", ROOT.parent / "shared" / "data" / "turbulence")) / name
    if not folder.exists():
        pytest.skip(f"the data set {name} is not there: set GEODL_TURBULENCE_DATA to the folder that holds it")
    return folder
