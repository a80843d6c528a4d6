"""The bundle: one safetensors file with JSON inside and a SHA-256 over every byte. Loading it never runs code.

The digest is computed with its own 64 characters set to zero, and then written over them; so the file stays valid
safetensors, and a change of any byte, header included, is found before anything is parsed.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from geodl.errors import BundleCorruptedError, BundleError, BundleVersionError

FORMAT = 1
_NEEDS = "0.1.0"  # the oldest geodl that reads this format
_ZEROS = b"0" * 64
_DIGEST = re.compile(rb'"geodl":"\{\\"sha256\\":\\"([0-9a-f]{64})\\"')
_PICKLES = {b"PK\x03\x04": "a zip archive, as torch.save writes it", b"\x80": "a pickle"}


def to_bytes(tensors: Mapping[str, Tensor], content: Mapping[str, Any]) -> bytes:
    """Tensors and JSON content as the bytes of a bundle; equal arguments give equal bytes."""
    head = {"sha256": _ZEROS.decode(), "format": FORMAT, "needs_geodl": _NEEDS}
    text = json.dumps(head | dict(content), separators=(",", ":"), allow_nan=False)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    raw = safetensors.torch.save(plain, metadata={"geodl": text})
    return raw.replace(_ZEROS, hashlib.sha256(raw).hexdigest().encode(), 1)


def digest_of(raw: bytes) -> str:
    """The digest that a bundle carries.

    Raises:
        BundleCorruptedError: it does not match the bytes.
        BundleError: there is none; a pickle is recognised and never opened.
    """
    found = _DIGEST.search(raw, 0, min(8 + int.from_bytes(raw[:8], "little"), len(raw)))
    if not found:
        for magic, kind in _PICKLES.items():  # only now: the length of a good header may begin with the same byte
            if raw.startswith(magic):
                raise BundleError(
                    f"this is {kind}; geodl never opens pickles, because they can run code. Expected a geodl bundle."
                )
        raise BundleError(
            "no geodl header: this is not a geodl bundle, or its header is corrupted. "
            "Expected a file that surrogate.save wrote."
        )
    written = found.group(1)
    actual = hashlib.sha256(raw[: found.start(1)] + _ZEROS + raw[found.end(1) :]).hexdigest().encode()
    if written != actual:
        raise BundleCorruptedError(
            "the checksum does not match: the file was changed or cut after it was written. Copy it or save it again."
        )
    return written.decode()


def from_bytes(raw: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and JSON content of a bundle, after its checksum and format have been found good.

    Raises:
        BundleError: not a bundle; a pickle is recognised and never opened.
        BundleCorruptedError: the checksum does not match.
        BundleVersionError: written in a newer format.
    """
    digest_of(raw)
    try:
        header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
        content = json.loads(header["__metadata__"]["geodl"])
        tensors = safetensors.torch.load(raw)
    except (SafetensorError, ValueError, KeyError) as error:
        raise BundleError(f"the bundle cannot be read: {error}") from error
    if content["format"] > FORMAT:
        raise BundleVersionError(
            f"the bundle has format {content['format']}, this geodl reads up to {FORMAT}. "
            f"Install geodl >= {content['needs_geodl']}."
        )
    return tensors, content


def read(path: str | Path) -> bytes:
    """The bytes of a bundle file.

    Raises:
        BundleError: the file is missing or cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read the bundle {path}: {error.strerror}") from error


def take(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors below a prefix, under their names without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors with a prefix on every name."""
    return {prefix + name: tensor for name, tensor in tensors.items()}


def set_buffers(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give a module without trained weights the buffers of a bundle, whatever their shapes.

    Raises:
        BundleError: a buffer is missing or unknown.
    """
    expected = set(dict(module.named_buffers()))
    if expected != set(tensors):
        raise BundleError(
            f"expected the tensors {sorted(expected)} for {type(module).__name__}, found {sorted(tensors)}"
        )
    for name, tensor in tensors.items():
        setattr(module, name, tensor)
