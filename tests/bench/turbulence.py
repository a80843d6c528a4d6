"""How long a closure takes to train, and to answer for a million cells; beside what is cheaper."""

import os
import time

import torch
import xarray as xr

import geodl
from geodl.core.contract import Claim
from geodl.core.surrogate import Surrogate, predict
from geodl.train.fit import prepare, threads
from geodl.turbulence.example import example
from geodl.turbulence.forest import random_forest
from geodl.turbulence.physics.tensor_basis import components
from tests.bench.timing import interleaved

THREADS = min(2, os.cpu_count() or 1)
FLOWS, CELLS, MILLION, FEW = 23, 14_800, 1_000_000, 50_000


def trained() -> tuple[Surrogate, float, int]:
    """An ensemble of five with the family's own settings on as many cells as the Closure Challenge has, its seconds,
    and its epochs; the cells are made up, since the time does not depend on what they hold."""
    family = geodl.family("turbulence")
    config = geodl.FitConfig.parse({**family.settings, "threads": THREADS})
    data, valid = example(0, flows=FLOWS, cells=CELLS), example(1, flows=2, cells=CELLS)
    begin = time.perf_counter()
    surrogate = geodl.fit(family, data, valid, config=config)
    return surrogate, time.perf_counter() - begin, config.epochs


def claims() -> list[Claim]:
    """Two threads, as a desktop has at least."""
    with threads(THREADS):
        surrogate, seconds, epochs = trained()
        weights = sum(p.numel() for p in surrogate.core.network.ensemble.weights)  # type: ignore[union-attr]
        work = 6 * weights * FLOWS * CELLS * epochs  # forward and twice as much backward, two operations a weight
        rate = _sgemm_rate()
        return [
            Claim(f"train an ensemble of five on {FLOWS * CELLS:,} cells", seconds / 60, "min", bar=("<=", 25.0)),
            Claim("train: share of the time that the matrix products alone need", work / rate / seconds, "1"),
            *_prediction(surrogate, 2 * weights, rate),
        ]


def _prediction(surrogate: Surrogate, operations: int, rate: float) -> list[Claim]:
    """A Dataset of a million cells in, a Dataset out, with intervals, flags and distances."""
    ds = _cells(MILLION)
    inputs, outputs = prepare(surrogate.family, ds, torch.float32)
    forest = _forest(surrogate, inputs, outputs[0])
    few = surrogate.features(inputs)[:FEW].numpy()
    rivals = {
        "all": lambda: surrogate(ds),
        "core": lambda: predict(surrogate.core, inputs),
        "linear": lambda: predict(surrogate.rivals["linear eddy viscosity"], inputs),
        "quadratic": lambda: predict(surrogate.rivals["quadratic eddy viscosity"], inputs),
        "forest": lambda: forest(few),
    }
    seconds = {name: min(times) for name, times in interleaved(rivals, 5).items()}
    return [
        Claim("predict 1,000,000 cells, Dataset to Dataset", seconds["all"], "s", bar=("<=", 2.0)),
        Claim("predict 1,000,000 cells, tensors to tensors", seconds["core"], "s"),
        Claim("predict: share of the matrix products alone", operations * MILLION / rate / seconds["all"], "1"),
        Claim("linear eddy viscosity, 1,000,000 cells", seconds["linear"], "s"),
        Claim("quadratic eddy viscosity, 1,000,000 cells", seconds["quadratic"], "s"),
        Claim("random forest of 50 trees, 1,000,000 cells", seconds["forest"] * MILLION / FEW, "s"),
    ]


def _cells(count: int) -> xr.Dataset:
    ds = example(2, flows=10, cells=count // 10)
    return ds.drop_vars(["velocity", "position"], errors="ignore")


def _forest(surrogate: Surrogate, inputs: tuple[torch.Tensor, ...], anisotropy: torch.Tensor):  # type: ignore[no-untyped-def]
    some = tuple(x[:FEW] for x in inputs)
    return random_forest(surrogate.features(some).numpy(), components(anisotropy[:FEW]).numpy(), seed=0)


def _sgemm_rate() -> float:
    """Operations per second of float32 matrix products with the threads there are."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    seconds = min(interleaved({"": lambda: a @ b}, 7)[""])
    return 2 * 2048**3 / seconds
