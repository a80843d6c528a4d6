"""The family ``chemistry``: what becomes of reacting cells within a time step."""

import functools
from typing import Annotated, Any, Literal

import xarray as xr
from pydantic import Field, field_validator
from torch import Tensor

from geodl.chemistry.atmosphere.air_family import make_air
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism, read_lumped
from geodl.chemistry.data.generate import generate
from geodl.chemistry.example import example, one_step
from geodl.chemistry.figures import figures
from geodl.chemistry.given import completed
from geodl.chemistry.in_c import code
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.mechanism.read import read_mechanism
from geodl.chemistry.scores import scores
from geodl.chemistry.surrogate.baselines import linear, unchanged
from geodl.chemistry.surrogate.kinetics_network import KineticsNetwork, Shape, take_limits, take_scale
from geodl.chemistry.surrogate.loss import step_loss
from geodl.core.contract import Family, Recipe, Tensors
from geodl.core.schema import Axis, Schema, Variable
from geodl.core.settings import Settings
from geodl.train.config import Positive

_CITATIONS = (
    "Zhang et al. 2022, A multi-scale sampling method for accurate and robust deep neural network to predict "
    "combustion chemical kinetics, Combust. Flame 245, 112319",
    "Goodwin et al., Cantera: an object-oriented software toolkit for chemical kinetics, thermodynamics, and transport",
)
_SETTINGS = {
    "epochs": 150, "batch_size": 512, "optimizer": "muon", "learning_rate": 1e-2, "warmup": 0.03, "clip": 1.0,
    "false_alarms": 2e-3,
}  # fmt: skip
MADE_UP = "one-step"
CANTERA = ".yaml", ".yml"
END = {f"{name}_end": name for name in ("temperature", "pressure", "mass_fraction")}


class Options(Settings):
    """What fixes an emulator of chemistry.

    Attributes:
        mechanism: a file in Cantera's format, or the name of one that comes with Cantera, such as "h2o2.yaml"; or of
            air, a configuration of MUSICA such as "carbon_bond_5". Bundles keep it as a record. "one-step" is a made-up
            one for tests.
        constant: what a cell keeps while it reacts, "pressure" and enthalpy or "volume" and internal energy.
        hidden: widths of the hidden layers.
        members: of an ensemble, whose spread the guard looks at; the cost is theirs together.
        frozen_below: K, where nothing reacts.
        rollout: parts in which training takes a time step: some batches in a power of two of them up to this.
        rolled: share of these batches.
    """

    mechanism: dict[str, Any] = Field(default_factory=lambda: one_step().to_record())
    constant: Literal["pressure", "volume"] = "pressure"
    hidden: tuple[Positive, ...] = (96, 96, 96)
    members: Positive = 1
    frozen_below: Annotated[float, Field(ge=0)] = 400.0
    rollout: Positive = 1
    rolled: Annotated[float, Field(ge=0, le=1)] = 1 / 3

    @field_validator("mechanism", mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        if isinstance(given, str):
            return _mechanism(given).to_record()
        return given


def _mechanism(name: str) -> Mechanism | LumpedMechanism:
    if name == MADE_UP:
        return one_step()
    return read_mechanism(name) if name.endswith(CANTERA) else read_lumped(name)


def schema(mechanism: Mechanism) -> Schema:
    """State and time step in; state out; status and doubts beside it."""
    species = Axis("species", mechanism.species, "1", "species of the mechanism")
    temperature = Variable("temperature", "K", "temperature", low=0.0, scale="none")
    fraction = Variable("mass_fraction", "1", "mass fraction", ("species",), low=0.0, scale="none")
    inputs = (
        temperature,
        Variable("pressure", "Pa", "pressure", low=0.0, scale="none"),
        fraction,
        Variable("dt", "s", "time step", low=0.0, scale="none"),
    )
    diagnostics = (
        Variable("status", "1", "0 ok, 1 frozen, 2 out of domain, 3 clipped", low=0.0, high=1.0, scale="none"),
        Variable("correction", "1", "largest factor that restores the elements, less one", scale="none"),
        Variable("member_spread", "1", "largest standard deviation of the members' roots", scale="none"),
        Variable("familiarity", "1", "log odds above their limit that the state is a known one", scale="none"),
    )
    return Schema(inputs, (temperature, fraction), (species,), diagnostics)


def samples(ds: xr.Dataset, mechanism: Mechanism) -> tuple[xr.Dataset, xr.Dataset]:
    """States, and what they became."""
    ds = completed(ds, mechanism)
    there = {end: name for end, name in END.items() if end in ds.variables}
    return ds, ds[list(there)].rename(there)


def guarded(inputs: Tensors, eyes: KineticsNetwork) -> Tensor:
    """What the guard looks at, on the processor: what the network sees."""
    return eyes.look(*(x.double().cpu() for x in inputs))


def make(options: Options) -> Family:
    """The family with its options fixed: of air where the mechanism has conserved families."""
    if "families" in options.mechanism:
        return make_air(options, FAMILY.about)
    mechanism = Mechanism.from_record(options.mechanism)
    shape = Shape(
        hidden=options.hidden, members=options.members, constant=options.constant,
        frozen_below=options.frozen_below, rollout=options.rollout, rolled=options.rolled,
    )  # fmt: skip
    eyes = KineticsNetwork(mechanism, Shape(hidden=(), constant=options.constant))
    return Family(
        name="chemistry",
        about=FAMILY.about,
        options=options.jsonable(),
        schema=schema(mechanism),
        build=functools.partial(KineticsNetwork, mechanism, shape),
        group="trajectory",
        baselines={"unchanged": unchanged(), "linear": linear()},
        example=example,
        samples=functools.partial(samples, mechanism=mechanism),
        loss=step_loss,
        complete=functools.partial(completed, mechanism=mechanism),
        features=functools.partial(guarded, eyes=eyes),
        warm_start=take_scale,
        calibrate=take_limits,
        generate=generate,
        metrics=scores,
        figures=figures,
        code=code,
        settings=_SETTINGS,
        citations=_CITATIONS,
    )


FAMILY = Recipe("emulators of stiff chemical kinetics that conserve elements and stay positive", Options, make)
