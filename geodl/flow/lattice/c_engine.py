"""The steps of a batch in C on one core: several of them per pass over the memory, float32 and float64."""

import ctypes
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from geodl.core.compiler import build, find_compiler
from geodl.errors import OptionError
from geodl.flow.lattice.collision import antisymmetric_time
from geodl.flow.lattice.links import Links, Outlets
from geodl.flow.lattice.problem import Problem
from geodl.flow.lattice.velocities import CY, SPEEDS

SOURCE = Path(__file__).with_name("sweep.c")
# Rings beyond the second-level cache still pay: 1024 x 512, float64, Zen 5: 145 MLUPS with 1 step per wave, 275 with 3
# (0.9 MB), 515 with 16 (3.8 MB).
WAVE_BYTES, WAVE_STEPS = 2**22, 16
FARTHEST = 2  # rows from a link to its sources; one that looks farther ends the wave at every step

_REALS = {torch.float32: "float", torch.float64: "double"}
_LINK = (("target", "first", "second", "third"), ("a", "b", "c", "constant"))
_COPY = (("target", "first"), ("constant",))
_OUTLET = (("target", "opposite", "inner", "cell", "behind", "direction"), ("keep", "follow", "anchor", "density"))
_SPAN = (("column", "count"), ())
_KINDS = ("links", "copies", "outlets", "solids", "far")

Columns = Mapping[str, np.ndarray]
Kind = tuple[tuple[str, ...], tuple[str, ...]]  # members of a struct of sweep.c: indices, then numbers


class CEngine:
    """Advances the populations of a `Problem` on the CPU; the array given to ``advance`` is consumed.

    What becomes of a sample does not depend on the others in its batch, to the last bit. Results differ from those of
    `TorchEngine` by rounding.

    Raises:
        OptionError: the engine cannot run this problem, see `why_not_c`.
        CompilerError: see `geodl.core.compiler.build`.
    """

    def __init__(self, problem: Problem):
        reason = why_not_c(problem)
        if reason is not None:
            raise OptionError(f"the C engine cannot run this: {reason}")
        self.problem = problem
        self._library = _library(problem.links.a.dtype)
        self._lists = _Lists(problem, self._library.sweep_line(), self._library.sweep_lanes())

    @torch.no_grad()
    def advance(self, populations: Tensor, steps: int) -> Tensor:
        """The populations [batch, 9, ny + 2, nx + 2] after ``steps`` times boundaries, streaming and collision.

        Raises:
            OptionError: the populations are not those of the problem, or not contiguous on the CPU.
        """
        self._check(populations)
        lists, flat = self._lists, populations.view(-1)
        lists.memory.copy_(flat[lists.remembered])
        self._library.sweep_advance(lists.problem, steps, populations.data_ptr(), lists.rings.data_ptr())
        flat[lists.remembered] = lists.memory
        return populations

    def _check(self, populations: Tensor) -> None:
        batch, ny, nx = self.problem.solid.shape
        shape, dtype = (batch, SPEEDS, ny + 2, nx + 2), self.problem.links.a.dtype
        if tuple(populations.shape) != shape or populations.dtype != dtype:
            raise OptionError(
                f"populations are {populations.dtype} {tuple(populations.shape)}, expected {dtype} {shape}: an engine "
                "advances the batch of its own problem"
            )
        if populations.device.type != "cpu" or not populations.is_contiguous():
            raise OptionError(
                f"populations lie on {populations.device} with strides {populations.stride()}, expected a contiguous "
                "tensor on the CPU: give populations.cpu().contiguous()"
            )


def why_not_c(problem: Problem) -> str | None:
    """Why `CEngine` cannot take this problem, or None if it can."""
    if problem.links.a.dtype not in _REALS:
        return f"it got {problem.links.a.dtype}, expected torch.float32 or torch.float64"
    if problem.solid.device.type != "cpu":
        return f"it got tensors on {problem.solid.device}, expected all on the CPU"
    if find_compiler() is None:
        return "there is no C compiler: install gcc or clang, or set CC to its path"
    return None


class _Problem(ctypes.Structure):
    """As in sweep.c."""

    _fields_ = (
        *((name, ctypes.c_long) for name in ("batch", "ny", "nx", "pitch", "reach", "levels")),
        *((name, ctypes.c_void_p) for kind in _KINDS for name in (kind, f"{kind}_start")),
        *((name, ctypes.c_void_p) for name in ("memory", "rates")),
    )


@functools.cache
def _library(dtype: torch.dtype) -> ctypes.CDLL:
    library = ctypes.CDLL(str(build(SOURCE, [f"-DREAL={_REALS[dtype]}"])))
    pointer, number = ctypes.c_void_p, ctypes.c_long
    library.sweep_advance.restype = None
    library.sweep_advance.argtypes = [ctypes.POINTER(_Problem), number, pointer, pointer]
    for size in (library.sweep_line, library.sweep_lanes):
        size.restype, size.argtypes = number, []
    return library


@dataclass(frozen=True)
class _Layout:
    """Where sweep.c keeps what torch has in ``populations``; sizes count numbers."""

    ny: int
    nx: int
    reach: int
    line: int
    lanes: int

    @property
    def pitch(self) -> int:
        """From one population of a row to the next: an odd number of cache lines, or all nine would share one set."""
        cells = -(-self.nx // self.lanes) * self.lanes
        return (-(-(self.line + cells + 1) // self.line) | 1) * self.line

    @property
    def ring(self) -> int:
        return (2 * self.reach + 1) * SPEEDS * self.pitch

    def split(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Sample, slot, row and column of flat indices of ``populations``."""
        rest, column = np.divmod(flat, self.nx + 2)
        rest, row = np.divmod(rest, self.ny + 2)
        return *np.divmod(rest, SPEEDS), row, column

    def in_ring(self, flat: np.ndarray) -> np.ndarray:
        _, slot, row, column = self.split(flat)
        return (row % (2 * self.reach + 1) * SPEEDS + slot) * self.pitch + column + self.line - 1

    def in_sample(self, flat: np.ndarray) -> np.ndarray:
        return flat % (SPEEDS * (self.ny + 2) * (self.nx + 2))

    def due(self, target: np.ndarray) -> np.ndarray:
        """The row whose sweep pulls each target, counted through all samples, ny + 3 rows to each."""
        sample, slot, row, _ = self.split(target)
        return sample * (self.ny + 3) + row + np.array(CY)[slot]

    def distance(self, links: Columns, sources: Sequence[str]) -> np.ndarray:
        """Rows from where each link is due to the farthest of its sources."""
        due = self.due(links["target"]) % (self.ny + 3)
        return np.max([abs(self.split(links[name])[2] - due) for name in sources], axis=0)


class _Lists:
    """Everything that sweep.c reads, in its order: by sample, then by the row where it is due."""

    def __init__(self, problem: Problem, line: int, lanes: int):
        batch, ny, nx = problem.solid.shape
        links, outlets = _columns(problem.links), _columns(problem.outlets)
        layout = _Layout(ny, nx, 1, line, lanes)
        distance = layout.distance(links, _LINK[0][1:])
        far = distance > FARTHEST
        near = [distance[~far], layout.distance(outlets, ("inner", "cell", "behind"))]
        reach = int(np.concatenate(near).max(initial=1))
        self._layout = layout = _Layout(ny, nx, reach, line, lanes)
        self._rows, self._dtype = batch * (ny + 3), problem.links.a.dtype
        self._held: dict[str, np.ndarray] = {}

        same = ~far & (links["a"] == 1) & (links["b"] == 0) & (links["c"] == 0)
        self._add("links", _LINK, _chosen(links, ~far & ~same))
        self._add("copies", _COPY, _chosen(links, same))
        order = self._add("outlets", _OUTLET, outlets)
        self._add_solids(problem.solid.numpy())
        self._add_far(_chosen(links, far), batch)
        self._held["rates"] = _rates(problem)

        self.remembered = torch.from_numpy(outlets["target"][order])
        self.memory = torch.empty(len(order), dtype=self._dtype)
        fitting = WAVE_BYTES // (layout.ring * self._dtype.itemsize) - 1
        levels = 1 if far.any() else max(1, min(WAVE_STEPS, fitting))
        self.rings = _aligned((levels + 1) * layout.ring, self._dtype)
        addresses = {name: array.ctypes.data for name, array in self._held.items()}
        self.problem = _Problem(batch, ny, nx, layout.pitch, reach, levels, memory=self.memory.data_ptr(), **addresses)

    def _add(self, name: str, kind: Kind, columns: Columns) -> np.ndarray:
        """One list, sorted so that links of one cell follow each other; returns the order."""
        due = self._layout.due(columns["target"])
        order = np.lexsort((columns.get("cell", columns["target"]), due))
        self._hold(name, self._table(kind, _chosen(columns, order), self._layout.in_ring), due, self._rows)
        return order

    def _add_far(self, columns: Columns, batch: int) -> None:
        sample = self._layout.split(columns["target"])[0]
        columns = _chosen(columns, np.argsort(sample, kind="stable"))
        self._hold("far", self._table(_LINK, columns, self._layout.in_sample), sample, batch)

    def _add_solids(self, solid: np.ndarray) -> None:
        """Runs of solid cells along x: from where the flag rises to where it falls."""
        edges = np.diff(np.pad(solid, ((0, 0), (0, 0), (1, 1))).astype(np.int8), axis=-1)
        sample, row, column = np.nonzero(edges > 0)
        columns = {"column": column, "count": np.nonzero(edges < 0)[2] - column}
        due = sample * (self._layout.ny + 3) + row + 1
        self._hold("solids", self._table(_SPAN, columns, lambda flat: flat), due, self._rows)

    def _table(self, kind: Kind, columns: Columns, place: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Structs of sweep.c; ``place`` turns flat indices of ``populations`` into what C counts."""
        indices, numbers = kind
        real = torch.empty(0, dtype=self._dtype).numpy().dtype
        members = [(name, np.dtype(np.int32)) for name in indices] + [(name, real) for name in numbers]
        table = np.empty(len(columns[indices[0]]), np.dtype(members, align=True))
        for name in (*indices, *numbers):
            table[name] = columns[name] if name in ("direction", *numbers) else place(columns[name])
        return table

    def _hold(self, name: str, table: np.ndarray, due: np.ndarray, rows: int) -> None:
        """Keeps a sorted table, and where in it each row begins."""
        self._held[name] = table
        self._held[f"{name}_start"] = np.searchsorted(np.sort(due), np.arange(rows + 1)).astype(np.int32)


def _columns(links: Links | Outlets) -> dict[str, np.ndarray]:
    return {field.name: getattr(links, field.name).numpy() for field in fields(links)}


def _chosen(columns: Columns, keep: np.ndarray) -> dict[str, np.ndarray]:
    return {name: column[keep] for name, column in columns.items()}


def _rates(problem: Problem) -> np.ndarray:
    """1/tau+, 1/tau-, and the force of each sample, in float64."""
    tau = problem.relaxation_time.double()
    pair = [1 / tau, 1 / antisymmetric_time(tau, problem.magic)]
    return torch.cat([torch.stack(pair, -1), problem.force.double()], -1).contiguous().numpy()


def _aligned(count: int, dtype: torch.dtype) -> Tensor:
    """Zeros that begin on a cache line of 64 bytes."""
    spare = torch.zeros(count + 64 // dtype.itemsize, dtype=dtype)
    return spare[-spare.data_ptr() % 64 // dtype.itemsize :]
