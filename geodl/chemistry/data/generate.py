"""Generation of labelled states by Cantera: trajectories over processes, kept as they are finished, joined."""

import functools
import json
import warnings
from pathlib import Path
from typing import Any

import xarray as xr

from geodl.chemistry.data.batch import make_batch
from geodl.chemistry.data.plan import Plan
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.mechanism.read import read_mechanism
from geodl.chemistry.reference import import_cantera
from geodl.core.parts import make_parts
from geodl.errors import MechanismError, OptionError

SPANS = ("temperature", "pressure", "phi", "dt", "flame_temperature")


def generate(seed: int = 0, *, folder: str | Path | None = None, **settings: Any) -> xr.Dataset:
    """States of reacting gas and what Cantera makes of each within its own time step.

    Args:
        folder: keeps finished batches; with the same folder and settings, or more trajectories, it goes on where it
            stopped.
        **settings: mechanism, fuel, oxidizer, temperature, pressure, phi, dt, trajectories and more, see `Plan`.
    Returns:
        temperature (K), pressure (Pa), mass_fraction (1), dt (s), and with _end the state after it, [sample] and
        [sample, species]; coordinates species, trajectory, kind, perturbed, initial_temperature (K) and
        equivalence_ratio (1). Failures are missing, counted in ``failed_samples`` and named in ``failed``.
    Raises:
        OptionError: a setting of the wrong type or value.
        UnknownNameError: a setting that does not exist.
        MechanismError: no such mechanism, it lacks a species of fuel or oxidizer, or nothing of it can be computed.
        MissingPackageError: Cantera is not installed.
        ResumeError: the folder holds batches of another plan.
    """
    plan = Plan.parse({"seed": seed, **settings})
    cantera = import_cantera()
    mechanism = read_mechanism(plan.mechanism)
    _refuse_nonsense(plan, mechanism)
    made = make_parts(
        functools.partial(make_batch, plan),
        plan.parts(),
        identity=f"{plan.identity} of the mechanism {mechanism.fingerprint}",
        folder=folder,
        workers=plan.workers,
        about="trajectories",
    )
    return _joined(plan, made).assign_attrs(source=f"Cantera {cantera.__version__}: CVODE, FreeFlame")


def _refuse_nonsense(plan: Plan, mechanism: Mechanism) -> None:
    """What would fail in every batch, before the work begins."""
    for name in SPANS:
        plan.span(name)
    for option in ("fuel", "oxidizer"):
        given: str = getattr(plan, option)
        for species in given.split(","):
            mechanism.index(species.partition(":")[0].strip())
        try:
            _composition(given)
        except ValueError:
            raise OptionError(f"option '{option}' is {given!r}: expected a species, or 'O2:1, N2:3.76'") from None


def _composition(text: str) -> list[float]:
    return [float(part.partition(":")[2] or 1) for part in text.split(",")]


def _joined(plan: Plan, parts: list[xr.Dataset]) -> xr.Dataset:
    failed = [entry for part in parts for entry in json.loads(part.attrs["failed"])]
    good = [part for part in parts if "sample" in part.dims]
    if not good:
        raise MechanismError(f"none of the {len(plan.numbers)} trajectories could be computed. {failed[0][1]}")
    lost = sum(count for count, _ in failed)
    if failed:
        warnings.warn(f"{lost} states failed and are missing: {'; '.join(why for _, why in failed)}", stacklevel=3)
    ds = xr.concat(good, "sample", combine_attrs="override").drop_encoding()
    ds.attrs |= {
        "title": f"States of {plan.fuel} with {plan.oxidizer} and what becomes of them, at constant {plan.constant}",
        "licence": "CC0-1.0",
        "plan": plan.model_dump_json(exclude={"workers"}),
        "rtol": plan.rtol,
        "atol": plan.atol,
        "failed_samples": lost,
        "failed": "; ".join(why for _, why in failed) or "none",
    }
    for internal in ("identity", "numbers"):
        ds.attrs.pop(internal)
    return ds
