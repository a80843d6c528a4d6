"""Claims about an emulator of atmospheric kinetics: a month of days and nights, and what it costs beside solvers."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from geodl.chemistry.atmosphere.air_emulator import EmulatedAir
from geodl.chemistry.atmosphere.air_scores import exact, family_drift, roll_out_scores, scores
from geodl.chemistry.atmosphere.air_speed import BATCH, interleaved, visited
from geodl.chemistry.atmosphere.box import AirChemistry, Boxes, roll_out
from geodl.chemistry.atmosphere.error_versus_cost import SPECIES, error_versus_cost, most_exact, opponents
from geodl.chemistry.atmosphere.generate import generate
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes
from geodl.chemistry.cases.comparison import worst_of_seeds
from geodl.chemistry.cases.fuels import FRACTIONS, Labelled, Trained
from geodl.chemistry.cases.turns import TURN
from geodl.chemistry.state import OK
from geodl.core.contract import Claim, Reproduction, family
from geodl.core.stopwatch import timed
from geodl.core.surrogate import Surrogate
from geodl.train.config import FitConfig
from geodl.train.evaluate import SURROGATE
from geodl.train.fit import fit, prepare
from geodl.train.metrics import auroc
from geodl.train.split import split

MECHANISM = "carbon_bond_5"
SEEDS = (0, 1, 2)
HELD_OUT, BEYOND = 31, 1  # seeds of plans: of the boxes that are lived in, and of air outside the training data
OZONE = {1: 0.005, 7: 0.01, 30: 0.03}  # largest bias of O3 on a day
OTHERS, CONSERVED, MINUTES = 0.005, 1e-12, 180.0
FASTER = {"backward Euler": 20.0, "Rosenbrock default": 100.0}
SHOWN = ("O3", "NO2", "OH")
OUTSIDE: dict[str, dict[str, Any]] = {
    "colder air": {"temperature": "180:205"},
    "hotter air": {"temperature": "320:340"},
    "lower pressures": {"pressure": "4e3:1.5e4"},
    "cleaner air": {"concentration": "0.003:0.03"},
    "dirtier air": {"concentration": "30:300"},
    "stronger emissions": {"emission": "0.15:1.5"},
    "stronger light": {"sunlight": "1.5:3"},
    "longer steps": {"dt": "3600:14400", "off_step": 1.0},
}
NOTE = (
    "Worst of the seeds; costs and the comparison over one day are of the first. Reference: MICM's Rosenbrock solver "
    "of sixth order at rtol 1e-4 and atol 1e-16, over one day at 1e-7 and 1e-20. Boxes are drawn like those of the "
    "training from another seed: each mixes with the air around, and is emitted into; nothing is put right after the "
    "start. Bias: sums over the hours of a day and all boxes, over those of the reference, less one (Keller & Evans "
    "2019); boxes are also taken one by one. Growth: median of the boxes' biases on the last day over the one before. "
    "Relative errors: at the hours of a day, to what is there or to a thousandth of the largest value in the box. "
    "Cost: steps of 300 s, one thread, states that the reference came through in the order of their time of day, "
    f"medians of turns that each fill {TURN:g} s with calls, of the surrogate everything "
    "included, of solvers what they count inside themselves."
)


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much is made to train on, and computed to judge.

    Attributes:
        plan: of the training data, where it is not the usual one, see `Plan`.
        options, training: of the family and of `FitConfig`, where they are not the family's own.
        boxes: that are lived in.
        days: on which they are judged; the last is how long they live.
        compared: days over which errors and costs of all solvers are compared.
        cells: that are timed at once.
        outside: settings of the plans of air outside the training data.
    """

    plan: Mapping[str, Any]
    options: Mapping[str, Any]
    training: Mapping[str, Any]
    boxes: int
    days: tuple[int, ...]
    compared: float
    cells: int
    repeats: int
    outside: Mapping[str, Any]
    fractions: tuple[float, float, float] = FRACTIONS


FULL = Effort(
    plan={"boxes": 4096}, options={"hidden": [128, 128, 128, 128]}, training={"epochs": 75}, boxes=32, days=(1, 7, 30),
    compared=1.0, cells=BATCH, repeats=7, outside={"boxes": 64, "records": 20, "days": 1.0},
)  # fmt: skip
QUICK = Effort(
    plan={"boxes": 40, "records": 20, "days": 0.5, "workers": 1}, options={"hidden": [16, 16]},
    training={"epochs": 2, "batch_size": 128}, boxes=3, days=(1, 2), compared=1 / 24, cells=64, repeats=2,
    outside={"boxes": 3, "records": 10, "days": 0.5, "workers": 1}, fractions=(0.6, 0.2, 0.2),
)  # fmt: skip


def atmosphere(*, quick: bool = False, device: str = "cpu", keep: Path | None = None) -> Reproduction:
    """An emulator of Carbon Bond 5: a month of boxes with day and night, families, cost, domain.

    Args:
        keep: folder of what is finished of data and trainings, with which it goes on after a stop.
    Raises:
        MissingPackageError: MUSICA is not installed.
    """
    effort, seeds = (QUICK, SEEDS[:1]) if quick else (FULL, SEEDS)
    data = labelled(effort, keep and keep / "data")
    ours = [trained(effort, data, seed=seed, device=device, keep=keep and keep / f"seed-{seed}") for seed in seeds]
    boxes, truth = reference(effort)
    unknown = outside(effort)
    judged = [skill(each.surrogate, boxes, truth, effort, data.parts.test) for each in ours]
    claims = worst_of_seeds([claims for claims, _ in judged])
    claims += worst_of_seeds([told_apart(each.surrogate, data.parts.test, unknown) for each in ours], min)
    claims += [Claim("smallest concentration", least(judged), "mol m-3", (">=", 0.0))]
    compared, more = comparison(EmulatedAir(ours[0].surrogate), boxes, truth, effort)
    claims += [*more, *minutes(data, ours)]
    table = xr.concat([found for _, found in judged], "seed").assign_coords(seed=list(seeds))
    table = table.assign(reference_concentration=_shown(truth)).merge(compared)
    return Reproduction(tuple(claims), table, ours[0].surrogate, data.parts.test, tuple(seeds), NOTE)


def reference(effort: Effort) -> tuple[Boxes, xr.Dataset]:
    """Boxes that no training has seen, and what MICM makes of them; without those that it gives up."""
    solver = exact(MECHANISM)
    boxes = draw_boxes(Plan(seed=HELD_OUT), solver.mechanism, range(effort.boxes))
    run = roll_out(solver, boxes, days=effort.days[-1])
    solved = (run["status"] == OK).all("time").values
    return boxes.part(solved), run.isel(box=solved)


def labelled(effort: Effort, keep: Path | None = None) -> Labelled:
    """Training data, in three parts that share no box; ``keep`` is the folder of finished batches."""
    data, seconds = timed(functools.partial(generate, 0, mechanism=MECHANISM, folder=keep, **effort.plan), keep)
    return Labelled(split(data, "box", fractions=effort.fractions), seconds)


def outside(effort: Effort) -> dict[str, xr.Dataset]:
    """Labelled states of air that differs in one thing from the training data, by the name of what it is."""
    found = {name: generate(BEYOND, mechanism=MECHANISM, **effort.outside, **span) for name, span in OUTSIDE.items()}
    lit = found["stronger light"]["photolysis"].values > 1  # nights are like any other
    return found | {"stronger light": found["stronger light"].isel(sample=lit)}


def trained(effort: Effort, data: Labelled, *, seed: int, device: str = "cpu", keep: Path | None = None) -> Trained:
    """A surrogate of one seed, back on the processor; ``keep`` is the folder of its checkpoints."""
    made = family("chemistry", mechanism=MECHANISM, **effort.options)
    config = FitConfig.parse({**made.settings, **effort.training, "device": device})
    train, valid = data.parts.train, data.parts.valid
    surrogate, seconds = timed(functools.partial(fit, made, train, valid, config=config, seed=seed, folder=keep), keep)
    return Trained(surrogate.to("cpu"), seconds)


def skill(
    surrogate: Surrogate, boxes: Boxes, truth: xr.Dataset, effort: Effort, test: xr.Dataset
) -> tuple[list[Claim], xr.Dataset]:
    """What one seed can do: all the days and single steps; and the numbers behind it."""
    air = EmulatedAir(surrogate)
    run = roll_out(air, boxes, days=effort.days[-1])
    found, steps = roll_out_scores(run, truth, air.mechanism), scores(surrogate, test)
    claims = [claim for day in effort.days for claim in day_claims(found.sel(day=day))]
    claims += [growth(found, *effort.days[-2:])]
    claims += [
        Claim("conserved families over all days, largest relative error", family_drift(run, boxes, air.mechanism), "1",
              ("<=", CONSERVED)),
        Claim("share of hours and boxes flagged, held-out boxes", float((run["status"] != OK).mean()), "1"),
        Claim("share of samples flagged, held-out boxes", float(steps["share_out_of_domain"]), "1"),
    ]  # fmt: skip
    found = found.assign(concentration=_shown(run), smallest_concentration=run["concentration"].min())
    return [*claims, *step_claims(steps)], xr.merge([found, steps])


def least(judged: Sequence[tuple[list[Claim], xr.Dataset]]) -> float:
    """The smallest concentration of any species in any box of any seed, in mol m-3."""
    return min(float(found["smallest_concentration"]) for _, found in judged)


def _shown(run: xr.Dataset) -> xr.DataArray:
    return run["concentration"].sel(species=list(SPECIES))


def day_claims(found: xr.Dataset) -> list[Claim]:
    """Biases of O3 and errors of NO2 and OH on one day."""
    day = f"day {int(found['day'])}"
    each = np.abs(found["bias"].sel(species="O3").values)
    together = abs(float(found["mean_bias"].sel(species="O3")))
    bar = OZONE.get(int(found["day"]))
    return [
        Claim(f"{day}, bias of O3, all boxes together", together, "1", None if bar is None else ("<=", bar)),
        Claim(f"{day}, bias of O3, median of {len(each)} boxes", float(np.median(each)), "1"),
        Claim(f"{day}, bias of O3, worst box", float(each.max()), "1"),
        *(
            Claim(f"{day}, relative error of {name}, median", float(found["error"].sel(species=name)), "1",
                  ("<=", OTHERS))
            for name in ("NO2", "OH")
        ),
    ]  # fmt: skip


def growth(found: xr.Dataset, before: int, last: int) -> Claim:
    """How much the bias of O3 in the middle box grows."""
    size = abs(found["bias"].sel(species="O3")).median("box")
    words = f"growth of the bias of O3, day {last} over day {before}"
    return Claim(words, float(size.sel(day=last) / size.sel(day=before)), "1")


def step_claims(found: xr.Dataset) -> list[Claim]:
    """Errors of one step on held-out boxes, of the emulator and of its baselines."""
    rows = [(f"relative_error_{name}", statistic) for name in SPECIES for statistic in ("median", "p95")]
    rows += [("family_error", "largest")]
    return [
        Claim(
            f"{'' if model == SURROGATE else f'{model}: '}one step, {found[name].attrs['long_name']}, {statistic}",
            float(found[name].sel(model=model, statistic=statistic)),
            "1",
        )
        for model in found["model"].values
        for name, statistic in rows
    ]


def told_apart(surrogate: Surrogate, known: xr.Dataset, unknown: Mapping[str, xr.Dataset]) -> list[Claim]:
    """How well the guard tells air outside from held-out air inside, each kind counting alike, and what it flags."""
    (inside, _), beyond = _doubted(surrogate, known), {name: _doubted(surrogate, ds) for name, ds in unknown.items()}
    each = {name: _auroc(doubt, inside) for name, (doubt, _) in beyond.items()}
    return [
        Claim("AUROC of the guard, outside against inside", float(np.mean(list(each.values()))), "1"),
        *(Claim(f"AUROC of the guard, {name}", value, "1") for name, value in each.items()),
        *(Claim(f"share flagged, {name}", float(flagged.mean()), "1") for name, (_, flagged) in beyond.items()),
    ]


def _doubted(surrogate: Surrogate, ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """How far states are from those of training [sample], and which an emulator would not answer for."""
    inputs, _ = prepare(surrogate.family, ds, surrogate.core.at()[0])
    doubt = surrogate.guard.score(surrogate.features(inputs))
    return doubt.double().numpy(), ~surrogate.judged(inputs).trusted.numpy()


def _auroc(far: np.ndarray, near: np.ndarray) -> float:
    return auroc(np.concatenate([far, near]), np.arange(len(far) + len(near)) < len(far))


def comparison(air: EmulatedAir, boxes: Boxes, truth: xr.Dataset, effort: Effort) -> tuple[xr.Dataset, list[Claim]]:
    """Errors of emulator and solvers over the same hours, their costs, and how many times faster the emulator is."""
    solvers = opponents(MECHANISM)
    found = error_versus_cost(
        boxes, {**solvers, SURROGATE: air}, reference=most_exact(MECHANISM), days=effort.compared
    ).drop_vars(["daily_bias", "day"])  # fmt: skip
    contestants: dict[str, AirChemistry] = {SURROGATE: air, **{name: solvers[name] for name in FASTER}}
    taken = interleaved(contestants, visited(truth, boxes, effort.cells), repeats=effort.repeats)
    found["cost"].loc[{"chemistry": SURROGATE}] = taken[SURROGATE]  # which few boxes would leave waiting
    claims = [Claim(f"{effort.cells} cells, {name}: time per cell", value, "us") for name, value in taken.items()]
    claims += [
        Claim(f"{effort.cells} cells: times faster than {name}", taken[name] / taken[SURROGATE], "1", (">=", bar))
        for name, bar in FASTER.items()
    ]
    return found, [*claims, *pareto_claims(found)]


def pareto_claims(found: xr.Dataset) -> list[Claim]:
    """Costs and errors of every chemistry, but for the reference, over the time that all were compared."""
    words = f"{found.attrs['days']:g} d"
    return [
        claim
        for name in found["chemistry"].values[1:]
        for claim in (
            Claim(f"{name}, {words}: cost of a cell and step", float(found["cost"].sel(chemistry=name)), "us"),
            *(
                Claim(f"{name}, {words}: relative error of {species}, median",
                      float(found["median"].sel(chemistry=name, species=species)), "1")
                for species in SHOWN
            ),
        )
    ]  # fmt: skip


def minutes(data: Labelled, ours: Sequence[Trained]) -> list[Claim]:
    """That data and one training took."""
    training = max(each.seconds for each in ours) / 60
    return [
        Claim("time to make the training data", data.seconds / 60, "min"),
        Claim("time to train, slowest seed", training, "min"),
        Claim("time from nothing to a surrogate", data.seconds / 60 + training, "min", ("<=", MINUTES)),
    ]
