"""The state of a batch in a file: no pickle, every bit exact, bound to the problem that it belongs to."""

import hashlib
from dataclasses import fields
from pathlib import Path

from torch import Tensor

from geodl.core import files, store
from geodl.errors import BundleError, ResumeError
from geodl.flow.lattice.batch import Batch
from geodl.flow.lattice.steady import State


def save(path: Path, batch: Batch, state: State) -> None:
    """Write the state atomically, over an earlier one.

    Raises:
        OutputError: the file cannot be written.
    """
    tensors = {name: tensor.cpu().contiguous() for name, tensor in state.as_dict().items()}
    files.write_bytes(path, store.to_bytes(tensors, {"problem": fingerprint(batch)}), overwrite=True)


def load(path: Path, batch: Batch) -> State:
    """Read a state for this batch, to its device.

    Raises:
        BundleError: the file is no state, or is corrupted.
        ResumeError: the state belongs to another problem.
    """
    tensors, content = store.from_bytes(store.read(path))
    if set(tensors) != {field.name for field in fields(State)}:
        raise BundleError(f"{path} holds {sorted(tensors)}, which is not the state of a flow")
    if content.get("problem") != fingerprint(batch):
        raise ResumeError(
            f"{path} belongs to other bodies, Reynolds numbers, sides or settings. Build the solver as it was when the "
            "file was saved, or start anew."
        )
    return State(**{name: tensor.to(batch.cells.device) for name, tensor in tensors.items()})


def fingerprint(batch: Batch) -> str:
    """SHA-256 of all numbers that make the problem."""
    problem = batch.problem
    parts: list[Tensor] = [problem.relaxation_time, problem.solid, problem.force, batch.cells]
    parts += [getattr(links, field.name) for links in (problem.links, problem.outlets) for field in fields(links)]
    digest = hashlib.sha256(repr((batch.speed, problem.magic)).encode())
    for part in parts:
        digest.update(repr((part.dtype, tuple(part.shape))).encode() + part.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
