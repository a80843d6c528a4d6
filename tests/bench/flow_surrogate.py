"""The flow surrogate: seconds from a body to its flow, beside the solver that it imitates, and what it costs."""

import base64
import itertools
import json
import statistics
import time

import numpy as np
import torch
import xarray as xr

import geodl
from geodl.core.contract import Claim
from geodl.flow.cases.obstacles import TRAIN
from geodl.flow.data.generate import generate
from geodl.flow.data.plan import Plan, draw
from geodl.flow.draw.endpoints import Endpoints
from geodl.flow.draw.predictor import Predictor
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle, Shape
from geodl.flow.lattice_boltzmann import LatticeBoltzmann
from geodl.train.config import FitConfig
from geodl.train.fit import fit, threads
from tests.bench.timing import interleaved, median_ratio

FLOWS, ROUNDS, EPOCHS = 16, 5, 2
GENERATED, VALID = 500, 60
CALLED = {"c": "C engine", "compiled": "compiled torch"}


def claims() -> list[Claim]:
    """One thread; the making of data and the training use two."""
    surrogate = geodl.load("flow-obstacles")
    return [*rival_claims(surrogate), *drawing_claims(surrogate), *cost_claims(surrogate)]


def rival_claims(surrogate: geodl.Surrogate) -> list[Claim]:
    """From shapes to flows, 16 at a time: the surrogate against the solver on the same grid, to its steady state."""
    grid = Grid.parse(str(surrogate.family.options["size"]))
    samples = [draw(Plan.parse({"seed": 7}), number) for number in range(FLOWS)]
    bodies = [sample.body for sample in samples if isinstance(sample.body, Shape)]
    reynolds = torch.tensor([sample.reynolds for sample in samples])

    @torch.no_grad()
    def predict() -> None:
        sdf = torch.stack([body.distance(grid.centres()) for body in bodies]).float()
        surrogate.core(sdf, reynolds)

    def solve(engine: str) -> None:
        LatticeBoltzmann(bodies, grid, reynolds=reynolds, engine=engine).run(show=False)

    calls = {"ours": predict, "c": lambda: solve("c"), "compiled": lambda: solve("compiled")}
    seconds = interleaved(calls, ROUNDS)
    found = [Claim("surrogate, time per flow, signed distance included", _each(seconds["ours"]), "ms")]
    for name, words in CALLED.items():
        found.append(Claim(f"solver, {words}, 128x64, time per flow", _each(seconds[name]), "ms"))
        ratio = median_ratio(seconds, name, "ours")
        found.append(Claim(f"solver, {words}, over the surrogate", ratio, "1", bar=(">=", 300)))
    return found


def _each(seconds: list[float]) -> float:
    """Median milliseconds per flow."""
    return 1e3 * statistics.median(seconds) / FLOWS


def drawing_claims(surrogate: geodl.Surrogate) -> list[Claim]:
    """From the bits of a canvas to the JSON that the page shows."""
    endpoints = Endpoints(Predictor(surrogate, Grid.parse(str(surrogate.family.options["size"]))))
    canvas = endpoints.canvas
    fine = Grid(canvas.columns, canvas.rows, canvas.pixel)
    mask = (Circle((2.5, 2.0), 0.45).distance(fine.centres()) < 0).numpy()
    bits = base64.b64encode(np.packbits(mask[::-1]).tobytes()).decode()
    drawn = {"columns": canvas.columns, "rows": canvas.rows, "bits": bits, "reynolds": 20.0}
    body = json.dumps(drawn).encode()
    seconds = interleaved({"": lambda: json.dumps(endpoints.predict(body))}, 9)[""]
    return [Claim("drawing to field, as the page gets it", 1e3 * statistics.median(seconds), "ms", bar=("<=", 200))]


def cost_claims(surrogate: geodl.Surrogate) -> list[Claim]:
    """500 flows by two processes, and the training of an ensemble by two threads, from two epochs."""
    begin = time.perf_counter()
    flows = generate(11, n=GENERATED, workers=2)
    generated = time.perf_counter() - begin
    minutes = _training(surrogate, flows) / 60
    return [
        Claim("500 flows, 128x64, solved on 256x128, two processes", generated / 60, "min", bar=("<=", 30)),
        Claim("500 flows: failed", flows.attrs["failed_samples"], "1"),
        Claim("500 flows: not steady", int((~flows["converged"]).sum()), "1"),
        Claim("training of the ensemble, two threads, from two epochs", minutes, "min", bar=("<=", 40)),
    ]


def _training(surrogate: geodl.Surrogate, flows: xr.Dataset) -> float:
    """Seconds for all epochs of as many flows as the bundle was trained on."""
    train, valid = flows.isel(sample=slice(VALID, None)), flows.isel(sample=slice(VALID))
    seconds = list[float]()
    with threads(2):
        for epochs in (EPOCHS, 2 * EPOCHS):  # the difference is without what is done once
            config = FitConfig.parse({**surrogate.family.settings, "epochs": epochs})
            begin = time.perf_counter()
            fit(surrogate.family, train, valid, config=config, show=False)
            seconds.append(time.perf_counter() - begin)
    [each] = (b - a for a, b in itertools.pairwise(seconds))
    return each / EPOCHS * surrogate.family.settings["epochs"] * TRAIN / (GENERATED - VALID)
