"""The flow solver on a GPU: the steps of a CPU, as a graph and without, and how many cells it updates in a second."""

import time

import torch
from torch import Tensor

from geodl.core.contract import Claim
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.lattice.sides import ConvectiveOutlet, Inlet, NoSlip, Sides, Slip
from geodl.flow.lattice.torch_engine import TorchEngine
from geodl.flow.lattice_boltzmann import LatticeBoltzmann

STEPS = 51  # odd: a graph replays two at a time
GLUPS = 36.0  # demanded of one H200 with 256 grids


def claims(device: str) -> list[Claim]:
    """On the CPU nothing is captured or fused, and fewer grids are timed."""
    return [*step_claims(device), steady_claim(device), speed_claim(device)]


def solver(device: str) -> LatticeBoltzmann:
    """Two bodies and every kind of link, float64."""
    sides = Sides(Inlet(torch.linspace(0.9, 1.1, 16)), ConvectiveOutlet(), NoSlip(), Slip())
    bodies = [Circle((2.0, 2.0), 0.4), Circle((2.5, 1.7), 0.55)]
    return LatticeBoltzmann(
        bodies, Grid.parse("40x16"), reynolds=10.0, sides=sides, force=(0.0, 0.01), dtype=torch.float64, device=device,
        engine="torch",
    )  # fmt: skip


def advanced(device: str, *, graph: bool, compiled: bool = False) -> Tensor:
    """Populations after some steps, which were asked for in two parts."""
    flow = solver(device)
    engine = TorchEngine(flow._batch.problem, graph=graph, compiled=compiled)
    return engine.advance(engine.advance(flow.state.populations, STEPS), STEPS).cpu()


def step_claims(device: str) -> list[Claim]:
    """Largest difference of populations, which are of order 0.1."""
    fast, here = device != "cpu", advanced("cpu", graph=False)
    eager = advanced(device, graph=False)
    rows = {
        f"eager steps on {device} against cpu": (eager, here, 1e-14),
        "steps as a graph against eager ones": (advanced(device, graph=fast), eager, 0.0),
        "compiled steps as a graph against eager ones": (advanced(device, graph=fast, compiled=fast), eager, 1e-14),
    }
    return [
        Claim(f"flow, float64: {words}", float((a - b).abs().max()), "1", bar=("<=", bound))
        for words, (a, b, bound) in rows.items()
    ]


def steady_claim(device: str) -> Claim:
    """Drag of steady flows, float32, with the engine that is chosen there."""
    bodies = [Circle((2.5, 2.0), radius) for radius in (0.3, 0.45)]
    runs = [
        LatticeBoltzmann(bodies, Grid.parse("96x48"), reynolds=20.0, device=place).run(show=False)
        for place in ("cpu", device)
    ]
    error = float((runs[1].drag.cpu() / runs[0].drag - 1).abs().max())
    return Claim(f"flow: drag of steady flows, {device} against cpu", error, "1", bar=("<=", 1e-3))


def speed_claim(device: str) -> Claim:
    """Inlet, outlet, slip, and a cylinder of another size in every sample, 256 x 128 cells, float32."""
    batch, steps = (256, 2000) if device != "cpu" else (2, 20)
    bodies = [Circle((2.5, 2.0), 0.3 + 0.2 * n / batch) for n in range(batch)]
    flow = LatticeBoltzmann(bodies, Grid.parse("256x128"), reynolds=20.0, device=device)
    flow.advance(10)  # whatever is compiled or captured
    _wait(device)
    begin = time.perf_counter()
    flow.advance(steps)
    _wait(device)
    rate = flow.solid.numel() * steps / (time.perf_counter() - begin) / 1e9
    bar = (">=", GLUPS) if device != "cpu" else None
    return Claim(f"flow: {batch} grids of 256 x 128 cells, float32, on {device}", rate, "GLUPS", bar=bar)


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()
