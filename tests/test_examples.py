"""The examples run as they stand, are short, and every figure says what it shows."""

import runpy
import tempfile
import time
from pathlib import Path

import matplotlib as mpl
import pytest

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("plot_*.py"))
LONGEST = 60.0  # seconds, on two cores


@pytest.fixture
def figures_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A backend without a screen, ``show`` that leaves figures open, and files in a folder of the test's own."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    plt.close("all")
    monkeypatch.setattr(plt, "show", lambda: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield
    plt.close("all")


@pytest.mark.usefixtures("figures_are_kept")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_within_a_minute_and_labels_every_axis_with_units(path: Path):
    import matplotlib.pyplot as plt

    begin = time.perf_counter()
    runpy.run_path(str(path))
    assert time.perf_counter() - begin < LONGEST
    figures = [plt.figure(number) for number in plt.get_fignums()]
    assert figures, f"{path.name} draws nothing"
    for axes in (axes for figure in figures for axes in figure.axes):
        assert axes.has_data()
        for label in (axes.get_xlabel(), axes.get_ylabel()):
            assert label.endswith("]"), f"{path.name} has an axis labelled {label!r}, expected a name and [units]"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_what_for_and_what_not_for(path: Path):
    text = path.read_text()
    assert len(text.splitlines()) < 80
    for words in ("**Question.**", "**You will see**", "**When not to use this.**"):
        assert words in text
    assert "# %%" in text


def test_there_are_examples_and_their_numbers_are_their_order():
    assert [path.name[:8] for path in EXAMPLES] == [f"plot_{i + 1:02d}_" for i in range(len(EXAMPLES))]
    assert EXAMPLES
