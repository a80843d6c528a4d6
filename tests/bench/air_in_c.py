"""The shipped emulator of air as C: how far from Python over days, and how fast beside the solvers."""

import numpy as np

import geodl
from geodl.chemistry.atmosphere.air_emulator import EmulatedAir
from geodl.chemistry.atmosphere.air_speed import interleaved, visited
from geodl.chemistry.atmosphere.box import AirChemistry, roll_out
from geodl.chemistry.atmosphere.compiled_air import CompiledAir
from geodl.chemistry.atmosphere.error_versus_cost import opponents
from geodl.chemistry.atmosphere.papers import FASTER
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes
from geodl.core.contract import Claim

BUNDLE, MECHANISM = "chemistry-cb5", "carbon_bond_5"
BOXES, SEED, DAYS, DT = 200, 5, 1.0, 300.0  # DT in s
STATES, BATCHES, REPEATS, TRACE = 100_000, (256, 1024), 7, 1e-6  # TRACE: of the largest concentration of a species
PARITY, PARITY_DOUBLE = 1e-6, 1e-12


def claims() -> list[Claim]:
    """One thread; states that boxes of the emulator come through in a day."""
    surrogate, precise = geodl.load(BUNDLE), geodl.load(BUNDLE)
    precise.core.double()
    air, compiled = EmulatedAir(surrogate), CompiledAir(surrogate)
    boxes = draw_boxes(Plan(seed=SEED), air.mechanism, range(BOXES))
    run = roll_out(compiled, boxes, days=DAYS, dt=DT, show=False)
    cells = visited(run, boxes, STATES, dt=DT)
    given = cells.temperature, cells.pressure, cells.concentration, DT
    kept = {"photolysis": cells.photolysis, "emission": cells.emission}
    pairs = {"float32": (air, compiled, PARITY), "float64": (EmulatedAir(precise), CompiledAir(precise), PARITY_DOUBLE)}
    found = []
    for name, (theirs, ours, bar) in pairs.items():
        a, b = theirs.advance(*given, **kept), ours.advance(*given, **kept)
        words = f"{BUNDLE}, {name}, {len(cells)} states of a day"
        error = np.abs(a.concentration - b.concentration) / (a.concentration + TRACE * a.concentration.max(0) + 1e-300)
        found += [
            Claim(f"{words}: status differs from that of Python", float((a.status != b.status).mean()), "1"),
            Claim(
                f"{words}: concentrations, largest relative error beside Python", float(error.max()), "1", ("<=", bar)
            ),
        ]
    return [*found, *(claim for size in BATCHES for claim in speed(air, compiled, run, boxes, size))]


def speed(air: EmulatedAir, compiled: CompiledAir, run, boxes, size: int) -> list[Claim]:
    """Time per cell of the C, of torch, and of two solvers, in turn."""
    solvers = opponents(MECHANISM)
    contestants: dict[str, AirChemistry] = {"in C": compiled, "torch eager": air, **{k: solvers[k] for k in FASTER}}
    taken = interleaved(contestants, visited(run, boxes, size, dt=DT), dt=DT, repeats=REPEATS)
    words = f"{BUNDLE}, batch of {size}"
    return [
        *(Claim(f"{words}, {name}: time per cell", microseconds, "us") for name, microseconds in taken.items()),
        *(
            Claim(f"{words}, in C: times faster than {name}", taken[name] / taken["in C"], "1", (">=", bar))
            for name, bar in FASTER.items()
        ),
    ]
