"""Settings that come from a person: typed, frozen, unknown keys refused with the near one named."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pydantic

from geodl.errors import DataFileError, OptionError, UnknownNameError, did_you_mean


def read_toml(path: str | Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        DataFileError: it cannot be read.
        OptionError: it is not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataFileError(f"cannot read the settings {path}: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise OptionError(f"{path} is not TOML: {error}. Expected lines such as: epochs = 500") from error


def _json(key: str, value: Any) -> str:
    try:
        return json.dumps(value, default=lambda array: array.tolist())  # numbers and arrays of NumPy
    except (TypeError, AttributeError) as error:
        raise OptionError(
            f"option '{key}' is {value!r}, which has the type {type(value).__name__}: "
            f"expected a plain number, text, true, false, list or table"
        ) from error


def brief(option: Any) -> Any:
    """An option as people read it: by its name where it is a whole record."""
    return option.get("name", "a record") if isinstance(option, Mapping) else option


class Settings(pydantic.BaseModel):
    """Base of every set of options; subclasses only list their fields."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except pydantic.ValidationError as error:
            raise self._taught(error, values) from None

    # pydantic must not come back here from `parse`, where it reads JSON: lists would no longer stand for tuples.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Settings from JSON-like values: lists stand for tuples, as they come out of TOML and bundles.

        Raises:
            UnknownNameError: a key that does not exist.
            OptionError: a value of the wrong type or out of bounds.
        """
        text = ",".join(f"{json.dumps(key)}:{_json(key, value)}" for key, value in values.items())
        try:
            return cls.model_validate_json(f"{{{text}}}")
        except pydantic.ValidationError as error:
            raise cls._taught(error, values) from None

    @classmethod
    def from_toml(cls, path: str | Path, **overrides: Any) -> Self:
        """Settings from a TOML file; ``overrides`` win over the file."""
        return cls.parse(read_toml(path) | overrides)

    @classmethod
    def _taught(cls, error: pydantic.ValidationError, values: Mapping[str, Any]) -> OptionError | UnknownNameError:
        first = error.errors()[0]
        if not first["loc"]:  # options that are good one by one but not together
            return OptionError(first["msg"].removeprefix("Value error, "))
        key, *inside = map(str, first["loc"])
        if first["type"] == "extra_forbidden":
            return UnknownNameError(f"there is no option '{key}'. {did_you_mean(key, cls.model_fields)}")
        where = f" at '{'.'.join(inside)}'" if inside else ""
        ours = first["type"] == "value_error"  # said by a validator of the library
        words = first["msg"].removeprefix("Value error, ") if ours else first["msg"].lower()
        return OptionError(f"option '{key}' is {values.get(key)!r}: {words}{where}")

    def jsonable(self) -> dict[str, Any]:
        """The settings as plain JSON values, to be kept in a bundle."""
        return self.model_dump(mode="json")
