"""Gradients through learned ODEs: speed beside torchdiffeq, torchode and diffrax, memory, exactness, robustness."""

import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping

import torch
import torchdiffeq
from torch import Tensor, nn

from geodl.core.contract import Claim
from geodl.dynamics.fields import MLPField
from geodl.dynamics.ode.solve import integrate, odeint
from tests import child
from tests.bench.rivals import diffrax_step, torchode_step
from tests.bench.timing import interleaved, median_ratio, repeated

SIZES, STEPS, STAGES = (3, 64, 64, 3), 20, 4
TIMES = torch.linspace(0, 2, STEPS + 1)
REPEATS = {1: 20, 256: 4, 4096: 1}  # calls in a row, as a training has them
EAGER = {1: (3.0, 6.0), 256: (1.6, 3.0), 4096: (1.25, 2.0)}  # times faster than odeint, than odeint_adjoint
FUSED = {1: (5.0, 10.0), 256: (3.5, 6.0), 4096: (2.5, 4.0)}
DIFFRAX = {1: 1 / 3, 256: 1.0, 4096: 1.0}


class Dense(nn.Module):
    """The same network as a user of torchdiffeq writes it."""

    def __init__(self, field: MLPField):
        super().__init__()
        self.network = field.network

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.network(y)


def gradient_step(field: nn.Module, solve: Callable[[], Tensor]) -> Callable[[], None]:
    """Forward, mean square of the path, backward to the parameters."""

    def step() -> None:
        for parameter in field.parameters():
            parameter.grad = None
        solve().square().mean().backward()

    return step


def rivals(batch: int) -> Mapping[str, Callable[[], object]]:
    """Gradient steps of the same network with the same scheme, start and number of steps."""
    field = MLPField(3, 64, 2, "tanh")
    dense, y0 = Dense(field), torch.randn(batch, 3, generator=torch.Generator().manual_seed(0))
    return {
        "eager": gradient_step(field, lambda: odeint(field, y0, TIMES, method="rk4_38")),
        "fused": gradient_step(field, lambda: odeint(field, y0, TIMES, method="rk4_38", engine="fused")),
        "odeint": gradient_step(dense, lambda: torchdiffeq.odeint(dense, y0, TIMES, method="rk4")),
        "odeint_adjoint": gradient_step(dense, lambda: torchdiffeq.odeint_adjoint(dense, y0, TIMES, method="rk4")),
        "torchode": torchode_step(dense, y0, TIMES),
        "diffrax": diffrax_step(dense.network, y0, TIMES),
    }


def sgemm_rate() -> float:
    """Multiply-adds of a large product in single precision, GFLOP/s, the best of ten."""
    a, best = torch.randn(1024, 1024), 0.0
    for _ in range(10):
        begin = time.perf_counter()
        a @ a
        best = max(best, 2e-9 * 1024**3 / (time.perf_counter() - begin))
    return best


def floor_flops(batch: int) -> float:
    """Once forward and twice backward through every layer of every stage of every step."""
    layers = sum(a * b for a, b in itertools.pairwise(SIZES))
    return 3.0 * 2 * layers * batch * STAGES * STEPS


def speed_claims(batch: int, rounds: int) -> list[Claim]:
    calls = REPEATS[batch]
    seconds = interleaved({name: repeated(call, calls) for name, call in rivals(batch).items()}, rounds)
    rate, claims = sgemm_rate(), list[Claim]()
    for name, times in seconds.items():
        claims.append(Claim(f"batch {batch}: gradient step, {name}", statistics.median(times) / calls * 1e3, "ms"))
    for ours, bars in (("eager", EAGER), ("fused", FUSED)):
        for theirs, bar in zip(("odeint", "odeint_adjoint"), bars[batch], strict=True):
            ratio = median_ratio(seconds, theirs, ours)
            claims.append(Claim(f"batch {batch}: torchdiffeq {theirs}, time over {ours}", ratio, "1", bar=(">=", bar)))
    ratio = median_ratio(seconds, "diffrax", "fused")
    claims.append(Claim(f"batch {batch}: diffrax, time over fused", ratio, "1", bar=(">=", DIFFRAX[batch])))
    share = floor_flops(batch) / statistics.median(seconds["fused"]) * calls / rate / 1e9
    bar = (">=", 0.5) if batch > 1 else None
    return [*claims, Claim(f"batch {batch}: fused, floor of FLOPs over torch's sgemm rate", share, "1", bar=bar)]


def build_claims() -> list[Claim]:
    """Seconds of the first call of a network that no cache has seen, and of the same in the next process."""
    code = """
import os, sys, time, torch
from geodl.dynamics.fields import MLPField
from geodl.dynamics.ode.solve import odeint
field, t = MLPField(3, 64, 2, "tanh"), torch.linspace(0, 2, 21)
begin = time.perf_counter()
odeint(field, torch.ones(1, 3), t, method="rk4", engine="fused").sum().backward()
print(time.perf_counter() - begin)
"""
    with tempfile.TemporaryDirectory() as cache:
        first, second = (float(child.python("-c", code, XDG_CACHE_HOME=cache)) for _ in range(2))
    return [
        Claim("fused engine: first call, compilation included", first, "s", bar=("<=", 15.0)),
        Claim("fused engine: first call of the next process", second, "s"),
    ]


MEMORY = """
import json, sys, time, torch
from geodl.dynamics.fields import MLPField
from geodl.dynamics.ode.solve import odeint
torch.set_num_threads(1)
torch.manual_seed(0)
field, y0 = MLPField(3, 64, 2, "tanh"), torch.randn(32, 3)
def peak():  # of this process alone: what getrusage says begins with the peak of the parent
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
def run(steps):
    t = torch.tensor([0.0, steps * 1e-3])
    odeint(field, y0, t, method="rk4", substeps=steps, adjoint=sys.argv[1]).square().mean().backward()
run(10)
before, begin = peak(), time.perf_counter()
run(10_000)
print(json.dumps([peak() - before, time.perf_counter() - begin]))
"""


def memory_claims() -> list[Claim]:
    """Peak memory and time of the gradient through 10⁴ steps, each in a process of its own."""
    runs = {
        name: json.loads(child.python("-c", MEMORY, name, timeout=600))
        for name in ("autograd", "discrete", "checkpoint")
    }
    claims = [Claim(f"10⁴ rk4 steps, {name}: memory", run[0], "MiB") for name, run in runs.items()]
    claims += [Claim(f"10⁴ rk4 steps, {name}: time", run[1], "s") for name, run in runs.items()]
    share, slower = (runs["checkpoint"][i] / runs["autograd"][i] for i in (0, 1))
    return [
        *claims,
        Claim("10⁴ rk4 steps: memory, checkpoint over autograd", share, "1", bar=("<=", 0.05)),
        Claim("10⁴ rk4 steps: time, checkpoint over autograd", slower, "1", bar=("<=", 2.0)),
    ]


def van_der_pol(mu: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    def field(t: Tensor, y: Tensor) -> Tensor:
        x, v = y.unbind(-1)
        return torch.stack((v, mu * (1 - x * x) * v - x), -1)

    return field


def stiff_claims() -> list[Claim]:
    """Accepted steps of a batch of oscillators, from calm to stiff, beside one step size for all."""
    mu, t = torch.logspace(0, 2, 64, dtype=torch.float64), torch.tensor([0.0, 20.0], dtype=torch.float64)
    y0, evaluations = torch.tensor([[2.0, 0.0]], dtype=torch.float64).repeat(64, 1), [0]

    def counted(time: Tensor, y: Tensor) -> Tensor:
        evaluations[0] += 1
        return van_der_pol(mu)(time, y)

    ours = integrate(van_der_pol(mu), y0, t, method="dopri5", rtol=1e-6, atol=1e-6)
    torchdiffeq.odeint(counted, y0, t, method="dopri5", rtol=1e-6, atol=1e-6)
    theirs = 64 * (evaluations[0] - 2) / 6  # two evaluations choose the first step, six are a step
    return [
        Claim("stiff van der Pol batch: steps of torchdiffeq dopri5", theirs, "1"),
        Claim("stiff van der Pol batch: steps of dopri5 here", float(ours.steps.sum()), "1"),
        Claim(
            "stiff van der Pol batch: our steps over theirs", float(ours.steps.sum()) / theirs, "1", bar=("<=", 1 / 3)
        ),
    ]


def claims() -> list[Claim]:
    """Everything on one pinned core and one thread."""
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    from tests.bench.exactness import exactness_claims

    speed = [claim for batch, rounds in ((1, 15), (256, 15), (4096, 9)) for claim in speed_claims(batch, rounds)]
    return [*speed, *build_claims(), *memory_claims(), *stiff_claims(), *exactness_claims()]
