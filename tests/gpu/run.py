"""``make gpu``: everything that CUDA must show, in one table and docs/results/bench-gpu.json."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torchdiffeq

import geodl
from geodl.core.contract import Claim, Family, families, mean_squared_error
from geodl.core.pack import pack
from geodl.core.schema import check
from geodl.core.surrogate import Surrogate
from geodl.dynamics.fields import MLPField
from geodl.dynamics.ode.checks import METHODS
from geodl.dynamics.ode.solve import odeint
from geodl.reproduction import Results
from geodl.train.config import FitConfig
from geodl.train.loop import Run
from geodl.train.split import split
from tests.bench.dynamics import Dense, gradient_step
from tests.bench.training import OneTensor, problem
from tests.gpu import flow

RESULTS = Path(__file__).parents[2] / "docs" / "results"
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-10}  # of the largest output; reductions differ in order
EPOCHS = 3
OPTIONS = {"flow": {"members": 2, "widths": (16, 32, 64)}}  # of what takes minutes on a CPU with the family's own
# cuDNN rounds the factors of convolutions to ten bits (TF32); gradients of bilinear fields are summed in any order.
LOOSER = {"flow": 5e-3}


def trained(family: Family, device: str) -> Surrogate:
    """A surrogate after a few epochs on the family's example data."""
    parts = split(family.example(0), family.group)
    config = FitConfig.parse({**family.settings, "epochs": EPOCHS, "device": device})
    return geodl.fit(family, parts.train, parts.valid, config=config, seed=0)


def difference(one: Surrogate, other: Surrogate, family: Family) -> float:
    """Largest difference of the outputs of two surrogates, relative to the largest output."""
    inputs, schema = family.samples(family.example(1))[0], family.schema
    tensors = pack(check(inputs, schema.inputs, axes=schema.axes), schema.inputs, one.core.at()[0])
    outputs = [s.core(*(x.to(s.core.at()[1]) for x in tensors)) for s in (one, other)]
    pairs = [(a.detach().cpu(), b.detach().cpu()) for a, b in zip(*outputs, strict=True)]
    return max(float((a - b).abs().max() / a.abs().max()) for a, b in pairs)


def family_claims(name: str, device: str) -> list[Claim]:
    """The same weights give the same answers, training agrees, and a seed repeats itself bit for bit."""
    family = geodl.family(name, **OPTIONS.get(name, {}))
    on_cpu, on_gpu, again = trained(family, "cpu"), trained(family, device), trained(family, device)
    bound = LOOSER.get(name, TOLERANCE[on_cpu.core.at()[0]])
    moved = difference(on_cpu, on_cpu.to(device), family)
    repeated = float(on_gpu.to("cpu").to_bytes() == again.to("cpu").to_bytes())
    return [
        Claim(f"{name}: same weights, {device} against cpu", moved, "1", bar=("<=", bound)),
        Claim(f"{name}: trained on {device} against trained on cpu", difference(on_cpu, on_gpu, family), "1"),
        Claim(f"{name}: same seed on {device}, same bytes", repeated, "1", None if name in LOOSER else (">=", 1.0)),
    ]


def step_claims(device: str) -> list[Claim]:
    """Time of a training step of the small benchmark network at two batch sizes, and its ratio to the CPU's."""
    claims = []
    for batch in (256, 25_600):
        seconds = {place: step_seconds(place, batch) for place in ("cpu", device)}
        claims.append(Claim(f"MLP 10-64-64-5, batch {batch}: step on {device}", seconds[device] * 1e6, "µs"))
        ratio = seconds["cpu"] / seconds[device]
        claims.append(Claim(f"MLP 10-64-64-5, batch {batch}: step on cpu over step on {device}", ratio, "1"))
    return claims


def step_seconds(device: str, batch: int, steps: int = 200) -> float:
    """Mean time of a step after a warm-up."""
    pair = tuple((tensor.to(device),) for tensor in problem())
    run = Run(OneTensor().to(device), mean_squared_error, pair, pair, FitConfig(batch_size=batch), seed=0)
    part = tuple((side[0][:batch],) for side in pair)
    for _ in range(20):
        run.advance(*part)
    _wait(device)
    begin = time.perf_counter()
    for _ in range(steps):
        run.advance(*part)
    _wait(device)
    return (time.perf_counter() - begin) / steps


def gradient_claims(batch: int, bar: float, device: str) -> list[Claim]:
    """A gradient step through rk4, and torchdiffeq's time over ours."""
    field = MLPField(3, 64, 2, "tanh").to(device)
    dense, y0, t = Dense(field), torch.randn(batch, 3).to(device), torch.linspace(0, 2, 21, device=device)
    ours = mean_seconds(gradient_step(field, lambda: odeint(field, y0, t, method="rk4_38")), device)
    theirs = mean_seconds(gradient_step(dense, lambda: torchdiffeq.odeint(dense, y0, t, method="rk4")), device)
    return [
        Claim(f"batch {batch}: gradient step on {device}", ours * 1e3, "ms"),
        Claim(f"batch {batch}: torchdiffeq, time over ours on {device}", theirs / ours, "1", bar=(">=", bar)),
    ]


def path_claims(device: str) -> list[Claim]:
    """Largest relative difference of paths on the device and on the CPU, every scheme in float64."""
    field, worst = MLPField(3, 64, 2, "tanh").double(), 0.0
    y0, t = torch.randn(50, 3, dtype=torch.float64), torch.linspace(0, 2, 9, dtype=torch.float64)
    for method in METHODS:
        on_cpu = odeint(field.cpu(), y0, t, method=method).detach()
        moved = odeint(field.to(device), y0.to(device), t.to(device), method=method).detach().cpu()
        worst = max(worst, float((moved - on_cpu).abs().max() / on_cpu.abs().max()))
    return [Claim(f"odeint, every scheme: {device} against cpu", worst, "1", bar=("<=", 1e-10))]


def mean_seconds(call: Callable[[], object], device: str, calls: int = 20) -> float:
    """Mean time of a call after a warm-up."""
    for _ in range(3):
        call()
    _wait(device)
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    _wait(device)
    return (time.perf_counter() - begin) / calls


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS / "bench-gpu.json")
    parser.add_argument("--device", default="cuda", help="cpu tries the commands without a GPU")
    arguments = parser.parse_args()
    if arguments.device != "cpu" and not torch.cuda.is_available():
        sys.exit("no CUDA device is visible to torch: make gpu needs one")
    begin = time.perf_counter()
    claims = [claim for name in families() for claim in family_claims(name, arguments.device)]
    claims += [*step_claims(arguments.device), *path_claims(arguments.device), *flow.claims(arguments.device)]
    for batch, bar in ((1, 20.0), (1000, 20.0), (100_000, 3.0)):
        claims += gradient_claims(batch, bar, arguments.device)
    for claim in claims:
        bar = claim.row()["bar"] or ""
        print(f"{claim.claim:70s} {claim.measured:10.3g} {claim.unit:4s} {bar:10s} {claim.passed}")
    seconds = time.perf_counter() - begin
    Results("bench-gpu", "make gpu", (0,), seconds, torch.get_num_threads(), tuple(claims)).write(arguments.out)
    sys.exit(any(claim.passed is False for claim in claims))


if __name__ == "__main__":
    main()
