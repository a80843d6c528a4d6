"""Settings that come from a person: typed, frozen, unknown keys refused with the near one named."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pydantic

from geodl.errors import DataFileError, OptionError, UnknownNameError, did_you_mean


class Settings(pydantic.BaseModel):
    """Base of every set of options; subclasses only list their fields."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except pydantic.ValidationError as error:
            raise self._taught(error) from None

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Settings from JSON-like values: lists stand for tuples, as they come out of TOML and bundles.

        Raises:
            UnknownNameError: a key that does not exist.
            OptionError: a value of the wrong type or out of bounds.
        """
        try:
            return cls.model_validate_json(json.dumps(dict(values)))
        except pydantic.ValidationError as error:
            raise cls._taught(error) from None

    @classmethod
    def from_toml(cls, path: str | Path, **overrides: Any) -> Self:
        """Settings from a TOML file; ``overrides`` win over the file."""
        try:
            values = tomllib.loads(Path(path).read_text())
        except OSError as error:
            raise DataFileError(f"cannot read the settings {path}: {error.strerror}") from error
        except tomllib.TOMLDecodeError as error:
            raise OptionError(f"{path} is not TOML: {error}") from error
        return cls.parse(values | overrides)

    @classmethod
    def _taught(cls, error: pydantic.ValidationError) -> OptionError | UnknownNameError:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            return UnknownNameError(f"there is no option '{key}'. {did_you_mean(key, cls.model_fields)}")
        return OptionError(f"option '{key}' is {first['input']!r}: {first['msg'].lower()}")

    def jsonable(self) -> dict[str, Any]:
        """The settings as plain JSON values, to be kept in a bundle."""
        return self.model_dump(mode="json")
