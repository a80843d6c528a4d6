"""Seconds of a work count in all its tries, also of one that was killed."""

import json
import os
import time

import pytest

from geodl.core.stopwatch import TRIES, timed
from geodl.errors import OutputError
from geodl.testing import assert_refused


def test_what_the_work_gives_comes_back_with_its_seconds():
    found, seconds = timed(lambda: time.sleep(0.05) or "done")
    assert found == "done"
    assert 0.05 <= seconds < 5


def test_finished_tries_add_up(tmp_path):
    (tmp_path / TRIES).write_text(json.dumps([[100.0, 130.0]]))
    assert timed(lambda: None, tmp_path)[1] == pytest.approx(30, abs=1)


def test_a_killed_try_counts_until_its_last_file(tmp_path):
    (tmp_path / TRIES).write_text(json.dumps([[1000.0, None]]))
    (tmp_path / "part.nc").touch()
    os.utime(tmp_path / "part.nc", (1040.0, 1040.0))
    assert timed(lambda: None, tmp_path)[1] == pytest.approx(40, abs=1)
    assert timed(lambda: None, tmp_path)[1] == pytest.approx(40, abs=1)  # and does not grow


def test_parts_that_were_made_on_their_own_count_and_those_within_a_try_do_not_count_twice(tmp_path):
    for name, tries in {".": [[100.0, 130.0]], "seed-0": [[105.0, 125.0]], "seed-1/part": [[120.0, 140.0]]}.items():
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / TRIES).write_text(json.dumps(tries))
    assert timed(lambda: None, tmp_path)[1] == pytest.approx(40, abs=1)


def test_a_try_that_finished_nothing_counts_nothing(tmp_path):
    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        timed(fail, tmp_path)
    assert timed(lambda: None, tmp_path)[1] < 1


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    assert_refused(OutputError, lambda: timed(lambda: None, tmp_path / "file" / "folder"), "file")
