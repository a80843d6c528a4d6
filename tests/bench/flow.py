"""The flow solver: how exact it is on flows with known answers, and how many cells it updates in a second."""

import ctypes
import statistics
from collections.abc import Callable, Mapping

import torch

from geodl.core.compiler import build
from geodl.core.contract import Claim
from geodl.flow.cases import cavity, schaefer_turek
from geodl.flow.cases.poiseuille import poiseuille
from geodl.flow.cases.taylor_green import taylor_green
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.lattice_boltzmann import LatticeBoltzmann
from geodl.testing import observed_order
from tests.bench.timing import interleaved, median_ratio

GRIDS = {"256x128": 25.0, "1024x512": 20.0}  # MLUPS demanded of one core
UPDATES = {"c": 2e8, "compiled": 4e6, "torch": 2e6}  # cells updated in one block, about a fifth of a second
CALLED = {"c": "C", "compiled": "compiled torch", "torch": "eager torch"}
ARITHMETIC, BYTES = 54, 72  # of one update of a cell: instructions of a lane, and bytes if two float32 arrays are swept
ROUNDS = 7


def claims() -> list[Claim]:
    """One thread."""
    return [*channel_claims(), *cavity_claims(), *steady_claims(), *periodic_claims(), *speed_claims()]


# ---- exactness ----


def channel_claims() -> list[Claim]:
    worst = max(poiseuille(tau) for tau in (0.55, 0.8, 2.0))
    cells = (32, 64, 128)
    order = observed_order([taylor_green(n) for n in cells], [1 / n for n in cells])
    return [
        Claim("Poiseuille, 8 cells, three relaxation times: largest relative error", worst, "1", bar=("<=", 1e-6)),
        *(
            Claim(f"Taylor-Green, {a} to {b} cells: observed order", value, "1", bar=(">=", 1.9))
            for a, b, value in zip(cells, cells[1:], order, strict=False)
        ),
    ]


def cavity_claims() -> list[Claim]:
    found, limit = cavity.cavity(129), ("<=", 0.01)
    return [
        *(
            Claim(f"cavity, 129 x 129, Re {name}: largest deviation from Ghia", found[name].worst, "1", bar=limit)
            for name in ("100", "400", "1000")
        ),
        Claim("cavity, Re 1000: largest deviation from Botella and Peyret", found["exact"].worst, "1", bar=limit),
        Claim("cavity, Re 1000: largest deviation of Ghia from Botella and Peyret", cavity.published_error(), "1"),
        Claim("cavity, Re 400: deviation at the suspect value, left out", abs(found["400"].suspect or 0.0), "1"),
    ]


def steady_claims() -> list[Claim]:
    """2D-1; each grid begins from the flow of the coarser one."""
    found: dict[int, schaefer_turek.SteadyCylinder] = {}
    flow = None
    for cells in (10, 20, 40):
        found[cells] = schaefer_turek.steady_cylinder(cells, start=flow)
        flow = found[cells].flow
    bands = schaefer_turek.STEADY_BANDS
    inside = [low <= getattr(found[40], name) <= high for name, (low, high) in bands.items()]
    rows = []
    for name, exact in schaefer_turek.STEADY_SPECTRAL.items():
        label = f"cylinder 2D-1, {name.replace('_', ' ')}"
        values = {cells: getattr(case, name) for cells, case in found.items()}
        rows += [Claim(f"{label}, D = {n}", value, "1", published=exact) for n, value in values.items()]
        order = observed_order([abs(value - exact) for value in values.values()], [1 / n for n in values])
        rows += [
            Claim(f"{label}: observed order, D = {n}", x, "1") for n, x in zip(("10-20", "20-40"), order, strict=True)
        ]
    return [*rows, Claim("cylinder 2D-1, D = 40: numbers inside their bands, of 3", sum(inside), "1", bar=(">=", 3))]


def periodic_claims() -> list[Claim]:
    found = schaefer_turek.periodic_cylinder(20)
    low, high = schaefer_turek.PERIODIC_BANDS["strouhal"]
    return [
        Claim("vortex street 2D-2, D = 20: Strouhal number", found.strouhal, "1", bar=(">=", low)),
        Claim("vortex street 2D-2, D = 20: the same", found.strouhal, "1", bar=("<=", high)),
        Claim("vortex street 2D-2, D = 20: largest drag", found.drag, "1", published=3.23),
        Claim("vortex street 2D-2, D = 20: largest lift", found.lift, "1", published=1.0),
        Claim("vortex street 2D-2, D = 20: pressure drop", found.pressure_drop, "1", published=2.48),
    ]


# ---- speed ----


def stream(size: str, engine: str, batch: int = 1) -> LatticeBoltzmann:
    """Inlet, outlet, slip, and a cylinder of another size in every sample; float32."""
    grid = Grid.parse(size)
    bodies = [Circle((2.5, 2.0), 0.3 + 0.2 * n / batch) for n in range(batch)]
    return LatticeBoltzmann(bodies, grid, reynolds=20.0, engine=engine)


def block(flow: LatticeBoltzmann, updates: float) -> tuple[Callable[[], None], int]:
    """Steps and then forces, with how many cells they update."""
    steps = max(16, round(updates / flow.solid.numel()))

    def run() -> None:
        flow.advance(steps)
        flow.forces()

    return run, steps * flow.solid.numel()


def rates(
    blocks: Mapping[str, tuple[Callable[[], None], int]],
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """MLUPS of every round, and seconds for a million updates."""
    seconds = interleaved({name: run for name, (run, _) in blocks.items()}, ROUNDS)
    each = {name: [1e6 * t / blocks[name][1] for t in times] for name, times in seconds.items()}
    return {name: [1 / t for t in times] for name, times in each.items()}, each


def speed_claims() -> list[Claim]:
    arithmetic, copying = _arithmetic_rate(), _copy_rate()
    found = []
    for size, bar in GRIDS.items():
        engines, _ = rates({name: block(stream(size, name), updates) for name, updates in UPDATES.items()})
        for name, values in engines.items():
            median, demanded = statistics.median(values), (">=", bar) if name == "c" else None
            found.append(Claim(f"{size}, {CALLED[name]}: median of {ROUNDS}", median, "MLUPS", bar=demanded))
            found.append(Claim(f"{size}, {CALLED[name]}: best of {ROUNDS}", max(values), "MLUPS"))
        best = 1e6 * max(engines["c"])
        found.append(
            Claim(f"{size}, C: share of the time that its arithmetic needs", best * ARITHMETIC / arithmetic, "1")
        )
        found.append(
            Claim(f"{size}, C: rate over what copying {BYTES} B per update allows", best * BYTES / copying, "1")
        )
    return [*found, *batch_claims()]


def batch_claims() -> list[Claim]:
    """32 shapes at once against one, with as many steps in a call."""
    flows = {"batch": stream("256x128", "c", 32), "single": stream("256x128", "c")}
    steps = UPDATES["c"] / flows["batch"].solid.numel()
    values, each = rates({name: block(flow, steps * flow.solid.numel()) for name, flow in flows.items()})
    return [
        Claim("256x128, C, batch of 32 shapes: median", statistics.median(values["batch"]), "MLUPS"),
        Claim(
            "256x128, C, batch of 32 over a single shape", median_ratio(each, "single", "batch"), "1", bar=(">=", 1.0)
        ),
    ]


PEAK = """
typedef float vec __attribute__((vector_size(64)));
float peak(long count, float x, float y)
{
    vec sums[12];
    for (int i = 0; i < 12; i++) sums[i] = (vec){0} + (float)i; /* all different, or one would do for all */
    while (count--)
        _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) sums[i] = sums[i] * x + y;
    for (int i = 1; i < 12; i++) sums[0] += sums[i];
    return sums[0][0];
}
"""


def _arithmetic_rate() -> float:
    """Multiply-adds per second that depend on nothing but registers, all lanes counted."""
    peak, count = ctypes.CDLL(str(build(PEAK))).peak, 1_000_000
    peak.restype, peak.argtypes = ctypes.c_float, [ctypes.c_long, ctypes.c_float, ctypes.c_float]
    return 12 * 16 * count / min(interleaved({"": lambda: peak(count, 0.5, 1.0)}, 10)[""])


def _copy_rate() -> float:
    """Bytes per second read and written by a copy that no cache holds."""
    a = torch.zeros(2**26)
    b = torch.zeros_like(a)
    return 2 * a.nbytes / min(interleaved({"": lambda: b.copy_(a)}, 5)[""])
