"""Dense networks alone: one call, and many cells, of the exported C beside what else runs networks on a CPU."""

import ctypes
import dataclasses
import functools
import itertools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from geodl.chemistry.cases.turns import in_turns, per_call
from geodl.core.code import Argument, Code, DenseLayers
from geodl.core.compiler import build
from geodl.core.contract import Claim
from geodl.core.mlp import mlp
from geodl.exports.source import header, source

SMALL, LARGE = (10, 64, 64, 5), (55, 256, 256, 256, 53)
CALLS, MANY, REPEATS = 2000, 4096, 7  # CALLS: in a row in C, so that the call from Python does not count
LATENCY, SHARE, PARITY = 1.0, 0.5, 1e-6  # us; of the rate of a matrix product; relative
MATRIX = 1024
REPEAT = """
void repeat(long calls, long cells, const float *x, float *y, signed char *status)
{
    for (long i = 0; i < calls; i++) plain_predict_float(cells, INPUTS_, OUTPUTS_, x, y, status);
}
"""
Run = Callable[[], float]


def claims() -> list[Claim]:
    """One thread; random weights."""
    return [*latency(SMALL), *throughput(SMALL), *throughput(LARGE)]


@dataclasses.dataclass(frozen=True)
class Plain:
    """A network in torch, and as C that is called so often in a row."""

    network: nn.Sequential
    library: ctypes.CDLL

    def seconds(self, x: np.ndarray, y: np.ndarray, calls: int) -> float:
        """Of one call."""
        status = np.zeros(len(x), np.int8)
        pointers = (ctypes.c_void_p(a.ctypes.data) for a in (x, y, status))
        run = functools.partial(self.library.repeat, ctypes.c_long(calls), ctypes.c_long(len(x)), *pointers)
        return per_call(run) / calls


def plain(sizes: Sequence[int]) -> Plain:
    torch.manual_seed(0)
    network = mlp(sizes, "silu").requires_grad_(False)
    ins, outs = (tuple(f"{kind}{i}" for i in range(size)) for kind, size in (("x", sizes[0]), ("y", sizes[-1])))
    code = Code(
        call="predict",
        arguments=(Argument("x", "1", "inputs", sizes=("x_axis",)), Argument("y", "1", "", "out", ("y_axis",))),
        axes={"x_axis": ins, "y_axis": outs},
        status=("ok",),
        sizes={"LAYERS": len(sizes) - 1, "WIDEST": max(sizes)},
        tables={"DENSE": DenseLayers.of(network)},
        sources=(Path(__file__).with_name("plain.h"),),
        fingerprint="",
        double=False,
        inputs=lambda count, seed: (),
        answer=lambda *arrays: (),
    )
    text = source("plain", code, "a dense network").replace('#include "plain.h"', header("plain", code, ""))
    repeat = REPEAT.replace("INPUTS_", str(sizes[0])).replace("OUTPUTS_", str(sizes[-1]))
    return Plain(network, ctypes.CDLL(str(build(text + repeat))))


def rivals(network: nn.Sequential, x: Tensor, folder: Path) -> dict[str, Callable[[], object]]:
    """Calls from Python, each on one thread."""
    script = torch.jit.trace(network, x)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    program = torch.export.export(network, (x,))
    torch.onnx.export(program, dynamo=True, opset_version=18, input_names=["x"], verbose=False).save(folder / "a.onnx")
    session = onnxruntime.InferenceSession(str(folder / "a.onnx"), options)
    package = torch._inductor.aoti_compile_and_package(program, package_path=str(folder / "a.pt2"))
    compiled, given = torch._inductor.aoti_load_package(package), {"x": x.numpy()}
    return {
        "onnxruntime": lambda: session.run(None, given),
        "TorchScript": lambda: script(x),
        "AOTInductor": lambda: compiled(x),
        "torch eager": lambda: network(x),
    }


def measured(sizes: Sequence[int], cells: int, calls: int) -> tuple[dict[str, float], float]:
    """Seconds of one call of each, and the largest difference of the C to torch in the largest output."""
    made, x = plain(sizes), torch.randn(cells, sizes[0])
    y = np.zeros((cells, sizes[-1]), np.float32)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        others = rivals(made.network, x, Path(folder))
        runs: dict[str, Run] = {"C": functools.partial(made.seconds, x.numpy(), y, calls)}
        runs |= {name: functools.partial(per_call, call) for name, call in others.items()}
        if sizes == LARGE:
            a, b = torch.randn(2, MATRIX, MATRIX)
            runs["sgemm"] = functools.partial(per_call, lambda: a @ b)
        taken = in_turns(runs, REPEATS)
        wanted = made.network.double()(x.double()).numpy()
    return taken, float(np.abs(y - wanted).max() / np.abs(wanted).max())


def latency(sizes: Sequence[int]) -> list[Claim]:
    taken, _ = measured(sizes, 1, CALLS)
    words = f"{'-'.join(map(str, sizes))}, one cell"
    bars = {"C": ("<=", LATENCY)}
    return [Claim(f"{words}, {name}: time of a call", 1e6 * s, "us", bars.get(name)) for name, s in taken.items()]


def throughput(sizes: Sequence[int]) -> list[Claim]:
    taken, error = measured(sizes, MANY, 1)
    words = f"{'-'.join(map(str, sizes))}, {MANY} cells"
    product = taken.pop("sgemm", None)
    found = [Claim(f"{words}, {name}: time per cell", 1e6 * s / MANY, "us") for name, s in taken.items()]
    found += [
        Claim(f"{words}: times as fast as onnxruntime", taken["onnxruntime"] / taken["C"], "1", (">=", 1.0)),
        Claim(f"{words}: largest error beside float64, relative to the largest output", error, "1", ("<=", PARITY)),
    ]
    if product:
        operations = 2 * sum(a * b for a, b in itertools.pairwise(sizes)) * MANY
        ours, best = operations / taken["C"] / 1e9, 2 * MATRIX**3 / product / 1e9
        found += [
            Claim(f"{words}: rate", ours, "GFLOP/s"),
            Claim(f"matrix product of {MATRIX}: rate", best, "GFLOP/s"),
            Claim(f"{words}: share of the rate of a matrix product", ours / best, "1", (">=", SHARE)),
        ]
    return found
