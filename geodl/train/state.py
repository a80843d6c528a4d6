"""The state of a training run as one bundle-like file: no pickle, every number exact."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from geodl.core import files, store
from geodl.errors import BundleError

_TENSOR, _ITEMS = "$tensor", "$items"


def flatten_state(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Nested dicts and lists as JSON; each tensor moves to ``tensors`` and leaves its name behind.

    A dict becomes a list of pairs, because JSON would turn its integer keys into strings.
    """
    if isinstance(value, Tensor):
        name = f"{len(tensors)}:{name}"  # keys may hold dots or be integers: the path alone could name two tensors
        tensors[name] = value
        return {_TENSOR: name}
    if isinstance(value, Mapping):
        return {_ITEMS: [[key, flatten_state(item, f"{name}.{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [flatten_state(item, f"{name}.{i}", tensors) for i, item in enumerate(value)]
    return value


def restore_state(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of ``flatten_state``, with lists in the place of tuples."""
    if isinstance(value, list):
        return [restore_state(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        return tensors[value[_TENSOR]]
    return {key: restore_state(item, tensors) for key, item in value[_ITEMS]}


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a training state atomically over the previous one."""
    tensors: dict[str, Tensor] = {}
    content = flatten_state(state, "state", tensors)
    # Optimisers keep several views of one buffer; each is stored on its own.
    raw = store.to_bytes({name: tensor.clone() for name, tensor in tensors.items()}, {"state": content})
    files.write_bytes(path, raw, overwrite=True)


def load_state(path: Path) -> dict[str, Any]:
    """Read a training state.

    Raises:
        BundleError: the file is not one, or is corrupted.
    """
    try:
        tensors, content = store.from_bytes(store.read(path))
    except BundleError as error:
        raise type(error)(f"the checkpoint {path}: {error} Or delete it, or give fit another folder.") from error
    if "state" not in content:
        raise BundleError(f"{path} holds no training state. Give fit another folder.")
    restored: dict[str, Any] = restore_state(content["state"], tensors)
    return restored
