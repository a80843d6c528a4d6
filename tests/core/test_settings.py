"""Settings mean what they say: unknown keys and wrong types are refused, nothing is rounded or guessed."""

import datetime
import math
from typing import Annotated, Literal

import numpy as np
import pydantic
import pytest
from pydantic import Field

from geodl.core.settings import Settings
from geodl.errors import DataFileError, GeodlError, OptionError, UnknownNameError
from geodl.testing import assert_refused
from geodl.train.config import FitConfig


class Options(Settings):
    width: Annotated[int, Field(gt=0)] = 8
    rate: Annotated[float, Field(gt=0)] = 0.1
    kind: Literal["mlp", "cnn"] = "mlp"
    sizes: tuple[int, ...] = (1, 2)


def test_toml_is_read_as_written_and_overrides_win(tmp_path):
    (tmp_path / "a.toml").write_text('width = 16\nrate = 1\nkind = "cnn"\nsizes = [3, 4]\n')
    assert Options.from_toml(tmp_path / "a.toml", width=2) == Options(width=2, rate=1.0, kind="cnn", sizes=(3, 4))


def test_settings_come_back_from_their_json_form():
    options = Options(width=3, rate=1e-7, sizes=(5,))
    assert Options.parse(options.jsonable()) == options


@pytest.mark.parametrize("make", [Options.parse, lambda values: Options(**values)], ids=["parsed", "called"])
def test_an_unknown_key_is_named_with_the_nearest_one(make):
    assert_refused(UnknownNameError, lambda: make({"widht": 3}), "'widht'", "Did you mean 'width'?")


WRONG = [
    {"width": "8"}, {"width": 8.5}, {"width": True}, {"width": 0}, {"width": None}, {"rate": "fast"}, {"rate": -1.0},
    {"rate": math.nan}, {"rate": math.inf}, {"kind": "gan"}, {"sizes": 3}, {"sizes": ["1"]},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_type_or_value_is_named(wrong):
    (key, value), *_ = wrong.items()
    assert_refused(OptionError, lambda: Options.parse(wrong), f"option '{key}", str(value)[:4].strip("['"))
    with pytest.raises(OptionError, match=key):
        Options(**wrong)


def test_numbers_of_numpy_are_numbers():
    given = {"width": np.int64(3), "rate": np.float32(0.5), "sizes": np.array([4, 5])}
    assert Options.parse(given) == Options(width=3, rate=0.5, sizes=(4, 5))


@pytest.mark.parametrize("value", [datetime.date(2024, 1, 1), {1, 2}, object()], ids=lambda value: type(value).__name__)
def test_what_neither_toml_nor_a_bundle_could_say_is_refused(value):
    assert_refused(OptionError, lambda: Options.parse({"width": value}), repr(value), type(value).__name__)


def test_settings_cannot_be_changed():
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        Options().width = 9


@pytest.mark.parametrize("content", [b"width = ", b"width = 1\nwidth = 2", b"# \xff"])
def test_what_is_not_toml_is_refused(content, tmp_path):
    (tmp_path / "a.toml").write_bytes(content)
    assert_refused(OptionError, lambda: Options.from_toml(tmp_path / "a.toml"), "a.toml", "not TOML")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert_refused(DataFileError, lambda: Options.from_toml(tmp_path / "b.toml"), "b.toml", "No such file")


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"coverage": 1.0}, {"optimizer": "sgd"}, {"learning_rate": 0.0}, {"epoch": 3}], ids=str
)
def test_training_settings_are_checked_before_training(wrong):
    with pytest.raises(GeodlError, match=next(iter(wrong))):
        FitConfig.parse(wrong)


@pytest.mark.parametrize(
    ("optimizer", "rate", "schedule"), [("adam", 1e-3, "cosine"), ("adamw", 1e-3, "cosine"), ("lbfgs", 1.0, "constant")]
)
def test_the_usual_learning_rate_and_schedule_follow_from_the_optimiser(optimizer, rate, schedule):
    usual = FitConfig.parse({"optimizer": optimizer})
    assert (usual.learning_rate, usual.schedule) == (rate, schedule)
    chosen = FitConfig(optimizer=optimizer, learning_rate=0.5, schedule="exponential")
    assert (chosen.learning_rate, chosen.schedule) == (0.5, "exponential")
