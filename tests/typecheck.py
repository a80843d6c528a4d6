"""The checker behind annotations: what a test calls must be given, and give back, what its signature says."""

from collections.abc import Callable
from typing import Any, Self

from beartype import BeartypeConf, beartype

_check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int stands for a float


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check every call, except where a signature names what only type checkers import, or ``Self``."""
    hints = getattr(function, "__annotations__", {}).values()
    beyond = any(isinstance(hint, str) or hint is Self for hint in hints)
    return function if beyond else _check(function)
