"""Training data of atmospheric kinetics: boxes that live for days, in batches over processes, joined."""

import functools
import json
import warnings
from pathlib import Path
from typing import Any

import xarray as xr

from geodl.chemistry.atmosphere.batch import LABELS, make_batch
from geodl.chemistry.atmosphere.mechanism import read_lumped
from geodl.chemistry.atmosphere.musica import import_musica
from geodl.chemistry.atmosphere.plan import SPANS, Plan
from geodl.core.parts import make_parts
from geodl.errors import MechanismError


def generate(seed: int = 0, *, folder: str | Path | None = None, **settings: Any) -> xr.Dataset:
    """Concentrations of boxes of air before and after a time step, by a Rosenbrock solver of MICM.

    Args:
        folder: keeps finished batches; with the same folder and settings, or more boxes, it goes on where it stopped.
        **settings: mechanism, boxes, days, records, spans, tolerances, batch and workers, see `Plan`.
    Returns:
        temperature (K), pressure (Pa), photolysis (1), dt (s) [sample]; concentration, concentration_end (mol m-3) and
        emission (mol m-3 s-1) [sample, species]; coordinates species, box (the group), time (s) and perturbed. What
        the solver gave up is missing, and counted in ``failed_samples``.
    Raises:
        OptionError: a setting of the wrong type or value.
        UnknownNameError: a setting that does not exist.
        MechanismError: there is no such mechanism, or nothing of it can be computed.
        MissingPackageError: MUSICA is not installed.
        ResumeError: the folder holds batches of another plan.
    """
    plan = Plan.parse({"seed": seed, **settings})
    musica, mechanism = import_musica(), read_lumped(plan.mechanism)
    for name in SPANS:
        plan.span(name)
    made = make_parts(
        functools.partial(make_batch, plan),
        plan.parts(),
        identity=f"{plan.identity} of the mechanism {mechanism.fingerprint}",
        folder=folder,
        workers=plan.workers,
        about="boxes",
    )
    ds = _joined(plan, made)
    ds.attrs = {
        "Conventions": "CF-1.11",
        "title": "Concentrations of boxes of air before and after a time step",
        "source": f"MUSICA {musica.__version__}: MICM, {LABELS}",
        "licence": "CC0-1.0",
        "mechanism": mechanism.name,
        "mechanism_fingerprint": mechanism.fingerprint,
        "mechanism_record": json.dumps(mechanism.to_record()),
        "plan": plan.model_dump_json(exclude={"workers"}),
        "rtol": plan.rtol,
        "atol": plan.atol,
        "failed_samples": sum(int(part.attrs["failed"]) for part in made),
    }
    return ds


def _joined(plan: Plan, parts: list[xr.Dataset]) -> xr.Dataset:
    asked, failed = plan.boxes * plan.records, sum(int(part.attrs["failed"]) for part in parts)
    if failed == asked:
        raise MechanismError(f"none of the {asked} samples of {plan.mechanism} could be computed: narrow the spans")
    if failed:
        warnings.warn(f"{failed} of {asked} samples failed and are missing", stacklevel=3)
    return xr.concat(parts, "sample", combine_attrs="override")
