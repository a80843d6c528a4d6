"""Provenance: what a surrogate was made from, how, by which versions, and how to cite it."""

import dataclasses
import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import xarray as xr

import geodl


@dataclasses.dataclass(frozen=True)
class Record:
    """All plain JSON values. No date and no duration: the same seed must give the same bytes.

    ``history`` has one entry per epoch: epoch, train loss, validation loss, learning rate.
    """

    seed: int
    settings: Mapping[str, Any]
    data: Mapping[str, Mapping[str, Any]]
    history: Sequence[Mapping[str, float]]
    citations: Sequence[str] = ()
    licence: str = "not stated"
    versions: Mapping[str, str] = dataclasses.field(default_factory=lambda: versions())


def versions() -> dict[str, str]:
    """Versions of what shapes the numbers."""
    return {"geodl": geodl.__version__} | {name: importlib.metadata.version(name) for name in ("torch", "numpy")}


def fingerprint(tensors: Sequence[torch.Tensor]) -> str:
    """SHA-256 of tensors, their shapes and dtypes: which data a surrogate has seen."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def describe_data(ds: xr.Dataset, inputs: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]) -> dict[str, Any]:
    """Entry of ``Record.data`` for one part of the data."""
    words = {
        key: str(ds.attrs[key]) for key in ("title", "source", "license", "licence", "references") if key in ds.attrs
    }
    return words | {"samples": int(inputs[0].shape[0]), "sha256": fingerprint([*inputs, *outputs])}
