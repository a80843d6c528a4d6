"""The shipped closure as C: how far from Python, and how fast beside torch."""

import functools

import numpy as np
import torch

import geodl
from geodl.chemistry.cases.turns import in_turns, per_call
from geodl.core.contract import Claim
from geodl.core.pack import pack, samples_of
from geodl.core.surrogate import Surrogate
from geodl.exports.compiled import compiled
from geodl.turbulence.in_c import answer

BUNDLE, FLOW = "turbulence-anisotropy", "turbulence-rotated-hill/original"
CELLS, BLOCK, JITTER, SEED = 1_000_000, 50_000, 0.02, 0  # JITTER: relative, of every number of every cell
BATCHES, REPEATS = (1, 256, 4096), 7
HIGHEST, PARITY, PARITY_DOUBLE = 1.0, 1e-6, 1e-12  # us a cell; relative to the largest value
COMPARED = "anisotropy", "k_corrected", "anisotropy_remainder"


def claims() -> list[Claim]:
    """One thread."""
    surrogate, precise = geodl.load(BUNDLE), geodl.load(BUNDLE)
    precise.core.double()
    handle, handle_double = compiled(surrogate), compiled(precise)
    cells = jittered(surrogate)
    return [
        *compared(surrogate, handle, cells, PARITY, "float32"),
        *compared(precise, handle_double, cells, PARITY_DOUBLE, "float64"),
        of_batch(handle, cells),
        *speed(surrogate, handle, cells),
    ]


def jittered(surrogate: Surrogate) -> tuple[np.ndarray, ...]:
    """A million cells: those of a hill, each number of them changed a little."""
    random, schema = np.random.default_rng(SEED), surrogate.family.schema
    hill = surrogate.family.complete(geodl.open_sample(FLOW))
    rows = random.integers(hill.sizes["cell"], size=CELLS)
    packed = pack(hill, schema.inputs, torch.float64, samples=samples_of(hill, schema.inputs))
    return tuple(x.numpy()[rows] * (1 + JITTER * random.normal(size=(CELLS, *x.shape[1:]))) for x in packed)


def python(surrogate: Surrogate, cells: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    parts = [answer(surrogate, *(x[first : first + BLOCK] for x in cells)) for first in range(0, CELLS, BLOCK)]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def compared(
    surrogate: Surrogate, handle: geodl.Handle, cells: tuple[np.ndarray, ...], bar: float, dtype: str
) -> list[Claim]:
    """Largest differences to the same in Python where both trust it, over the largest value."""
    ours, theirs = handle(*cells), python(surrogate, cells)
    good = (ours[-1] == 0) & (theirs[-1] == 0)
    names = [a["name"] for a in handle.description["arguments"] if a["kind"] == "out"]
    words = f"{BUNDLE}, {dtype}, {CELLS} cells"
    errors = {
        name: float(np.abs(a[good] - b[good]).max() / np.abs(b[good]).max())
        for name, a, b in zip(names, ours, theirs, strict=False)
        if name in COMPARED
    }
    return [
        Claim(f"{words}: share in domain", float(good.mean()), "1"),
        Claim(f"{words}: status differs from that of Python", float((ours[-1] != theirs[-1]).mean()), "1"),
        *(Claim(f"{words}: {name}, largest error beside Python", e, "1", ("<=", bar)) for name, e in errors.items()),
    ]


def of_batch(handle: geodl.Handle, cells: tuple[np.ndarray, ...], count: int = 2100) -> Claim:
    """Cells whose bits change when they come in batches of 1, 7 and 100."""
    some = [x[:count] for x in cells]
    whole, differ = handle(*some), 0
    for size in (1, 7, 100):
        for first in range(0, count, size):
            made = handle(*(x[first : first + size] for x in some))
            differ += sum(not np.array_equal(a, b[first : first + size]) for a, b in zip(made, whole, strict=True))
    return Claim(f"{BUNDLE}: cells whose answer depends on the batch", float(differ), "1", ("<=", 0.0))


@torch.inference_mode()
def speed(surrogate: Surrogate, handle: geodl.Handle, cells: tuple[np.ndarray, ...]) -> list[Claim]:
    """Time per cell of the C and of torch, in turn."""
    runs = {}
    for size in BATCHES:
        some = [np.ascontiguousarray(x[:size]) for x in cells]
        given = tuple(torch.from_numpy(x).float() for x in some)
        call, _ = handle.bind(*some)
        runs[f"in C, batch of {size}"] = functools.partial(per_call, call)
        runs[f"torch eager, batch of {size}"] = functools.partial(per_call, functools.partial(surrogate.core, *given))
    taken = in_turns(runs, REPEATS)
    return [
        Claim(f"{BUNDLE}, {name}: time per cell", 1e6 * seconds / int(name.split()[-1]), "us",
              ("<=", HIGHEST) if name.startswith("in C") and not name.endswith(" 1") else None)
        for name, seconds in taken.items()
    ]  # fmt: skip
