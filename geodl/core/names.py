"""Public names of a package that are found on first use, so that one part does not import all others."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def public_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package whose names live in the modules ``homes`` below it."""

    def found(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"{package} has no name {name!r}; the public names are {', '.join(homes)}")
        value = getattr(importlib.import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return found, listed
