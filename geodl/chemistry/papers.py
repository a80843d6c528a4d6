"""Claims about emulators of combustion: a hundredth of the cost of the stiff solver, and nothing lost."""

import functools
from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from geodl.chemistry.atmosphere.papers import atmosphere
from geodl.chemistry.cases.comparison import beside, delay_claims, one_step_claims, still_claims, worst_of_seeds
from geodl.chemistry.cases.conservation import conservation_claims
from geodl.chemistry.cases.delays import Reference, judge, references
from geodl.chemistry.cases.domain import domain_claims, false_alarm_claims, flame_only, outside, refusal_claims
from geodl.chemistry.cases.fallback import fallback_claims
from geodl.chemistry.cases.flames import flame_claims, speeds
from geodl.chemistry.cases.fuels import HYDROGEN, LONGEST, METHANE, Fuel, Labelled, Trained, labelled, trained
from geodl.chemistry.cases.renormalised import renormalised
from geodl.chemistry.cases.speed import DT, c_claims, speed_claims, visited
from geodl.chemistry.cases.turns import TURN
from geodl.chemistry.emulator import EmulatedChemistry
from geodl.chemistry.reference import CanteraChemistry
from geodl.chemistry.scores import scores
from geodl.core.contract import Claim, Reproduction
from geodl.core.surrogate import Surrogate

SEEDS = (0, 1, 2)
LONG = 1e-5  # s; steps whose speed is told beside the usual ones
NOTE = (
    "Worst of the seeds; conservation, speed, guarded mode and the renormalised sum are of the first. Reference: "
    "Cantera's CVODE at rtol 1e-9 and atol 1e-15, each case integrated in one go and read at the steps of the "
    "surrogate. Delays count until a rise of 400 K, which both find by parts of the step in which it happens, where "
    "they last more than 2 steps and less than 0.9 of the roll-out; end temperatures where ignition is over by 0.8 of "
    "it. What should ignite and does not counts with the end of the roll-out. Cases are a Latin hypercube that shares "
    f"no trajectory with the training. Steps longer than {LONGEST:g} s are taken in equal parts, but for those in one "
    "go. "
    "Flame speeds: unity Lewis numbers, Strang splitting, the same cells and steps with Cantera at 1e-6/1e-10 as the "
    "source. Speed: one thread, states of held-out ignition trajectories, steps of 1e-6 s, everything included; the "
    "fastest of Cantera's reactors (mass fractions, amounts, amounts with its preconditioner), median of turns "
    f"that each fill {TURN:g} s with calls; in C beside it, the bundle as `geodl export` writes it. "
    "Guarded: the solver takes what the guard flags; its times-faster is on states that the roll-out came through. "
    "Renormalised sum: the same weights with the sum of the mass fractions put right instead of the elements."
)


def combustion(fuel: Fuel, *, quick: bool = False, device: str = "cpu", keep: Path | None = None) -> Reproduction:
    """Emulators of a fuel's kinetics: conservation, ignition, flames, speed, domain and cost.

    Args:
        keep: folder of what is finished of data and trainings, with which it goes on after a stop.
    Raises:
        MissingPackageError: Cantera is not installed.
    """
    fuel, seeds = (fuel.quick(), SEEDS[:1]) if quick else (fuel, SEEDS)
    data = labelled(fuel, keep and keep / "data")
    parts = data.parts
    ours = [
        trained(fuel, parts.train, parts.valid, seed=seed, device=device, keep=keep and keep / f"seed-{seed}")
        for seed in seeds
    ]
    truth = references(fuel)
    flames, unknown = speeds(CanteraChemistry(fuel.mechanism), fuel), outside(fuel, parts.test)
    judged = [skill(fuel, each.surrogate, parts.test, truth, flames) for each in ours]
    first = ours[0].surrogate
    claims = [
        *worst_of_seeds([claims for claims, _ in judged]),
        *of_one(fuel, first, parts.test, truth, flames),
        *worst_of_seeds([domain_claims(each.surrogate, parts.test, unknown) for each in ours], min),
        *worst_of_seeds([false_alarm_claims(each.surrogate, parts.test) for each in ours]),
        *refusal_claims(flame_only(fuel, parts, device=device), usual(truth)),
        *cost(fuel, data, ours),
    ]
    table = xr.concat([found for _, found in judged], "seed").assign_coords(seed=list(seeds))
    table["reference_flame_speed"] = flames["flame_speed"]
    return Reproduction(tuple(claims), table, first, parts.test, tuple(seeds), NOTE)


def skill(
    fuel: Fuel, surrogate: Surrogate, test: xr.Dataset, truth: Sequence[Reference], flames: xr.Dataset
) -> tuple[list[Claim], xr.Dataset]:
    """What one seed can do: ignition at every time step, flames, and single steps; and the numbers behind it."""
    chemistry, whole = EmulatedChemistry(surrogate, longest=fuel.longest), EmulatedChemistry(surrogate)
    delays = [judge(chemistry, reference) for reference in truth]
    in_one_go = [judge(whole, reference) for reference in truth if reference.dt > fuel.longest]
    burnt, steps = speeds(chemistry, fuel), scores(surrogate, test)
    claims = [claim for found in delays for claim in delay_claims(found, fuel.bars)]
    claims += [claim for found in delays for claim in still_claims(found, fuel.effort.hold)]
    claims += [claim for found in in_one_go for claim in beside("in one go", delay_claims(found, fuel.bars))]
    claims += [*flame_claims(burnt, flames, fuel.bars.flame_speed), *one_step_claims(steps)]
    ignition = xr.concat(delays, "dt", combine_attrs="drop")
    ignition = ignition.assign_coords(dt=("dt", [reference.dt for reference in truth], {"units": "s"}))
    return claims, xr.merge([ignition, burnt["flame_speed"], steps])


def of_one(
    fuel: Fuel, surrogate: Surrogate, test: xr.Dataset, truth: Sequence[Reference], flames: xr.Dataset
) -> list[Claim]:
    """What holds for all seeds alike, or takes long: conservation, speed, guarded mode, and what others project."""
    chemistry, effort, reference = EmulatedChemistry(surrogate, longest=fuel.longest), fuel.effort, usual(truth)
    other = judge(EmulatedChemistry(renormalised(surrogate)), reference)
    return [
        *conservation_claims(chemistry, reference.start, effort),
        *beside("renormalised sum", delay_claims(other, fuel.bars)),
        *speed_claims(chemistry, test, fuel),
        *c_claims(chemistry, functools.partial(visited, test), fuel),
        *beside(f"steps of {LONG:g} s", speed_claims(chemistry, test, fuel, dt=LONG)),
        *fallback_claims(chemistry, fuel, reference, flames),
    ]


def usual(truth: Sequence[Reference]) -> Reference:
    """The roll-outs at the time step that most is measured at."""
    return next(reference for reference in truth if reference.dt == DT)


def cost(fuel: Fuel, data: Labelled, ours: Sequence[Trained]) -> list[Claim]:
    """Minutes that data and one training took."""
    training = max(each.seconds for each in ours) / 60
    return [
        Claim("time to make the training data", data.seconds / 60, "min"),
        Claim("time to train, slowest seed", training, "min"),
        Claim("time from nothing to a surrogate", data.seconds / 60 + training, "min", ("<=", fuel.bars.minutes)),
    ]


REPRODUCTIONS = {
    "chemistry100x": functools.partial(combustion, HYDROGEN),
    "chemistry100x-gri30": functools.partial(combustion, METHANE),
    "atmosphere": atmosphere,
}
FURTHER = {"chemistry100x": ("chemistry100x-gri30",)}
