"""The family ``chemistry`` for air: what becomes of boxes of air within a time step."""

import functools
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from geodl.chemistry.atmosphere.air_baselines import linear, unchanged
from geodl.chemistry.atmosphere.air_example import air_example
from geodl.chemistry.atmosphere.air_features import NUMBERS
from geodl.chemistry.atmosphere.air_figures import figures
from geodl.chemistry.atmosphere.air_given import completed_air
from geodl.chemistry.atmosphere.air_in_c import code
from geodl.chemistry.atmosphere.air_loss import air_loss, weights
from geodl.chemistry.atmosphere.air_network import AirNetwork, AirShape, take_limits, take_scale
from geodl.chemistry.atmosphere.air_scores import scores
from geodl.chemistry.atmosphere.generate import generate
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.core.contract import Family, Tensors
from geodl.core.schema import Axis, Schema, Variable

_CITATIONS = (
    "Kelp et al. 2022, An online-learned neural network chemical solver for stable long-term global simulations of "
    "atmospheric chemistry, J. Adv. Model. Earth Syst. 14, e2021MS002926",
    "Keller & Evans 2019, Application of random forest regression to the calculation of gas-phase chemistry within the "
    "GEOS-Chem chemistry model v10, Geosci. Model Dev. 12, 1209",
    "MUSICA: the Multi-Scale Infrastructure for Chemistry and Aerosols, NCAR",
)
_SETTINGS = {
    "epochs": 500, "batch_size": 1024, "optimizer": "muon", "learning_rate": 5e-3, "warmup": 0.03, "clip": 1.0,
}  # fmt: skip


def air_schema(mechanism: LumpedMechanism) -> Schema:
    """State, light, sources and time step in; concentrations out; status and doubts beside them."""
    species = Axis("species", mechanism.species, "1", "species of the mechanism")
    concentration = Variable("concentration", "mol m-3", "concentration", ("species",), low=0.0, scale="none")
    inputs = (
        Variable("temperature", "K", "temperature", low=0.0, scale="none"),
        Variable("pressure", "Pa", "pressure", low=0.0, scale="none"),
        concentration,
        Variable("photolysis", "1", "share of the shipped photolysis rates", low=0.0, scale="none"),
        Variable("emission", "mol m-3 s-1", "emission during the step", ("species",), low=0.0, scale="none"),
        Variable("dt", "s", "time step", low=0.0, scale="none"),
    )
    diagnostics = (
        Variable("status", "1", "0 ok, 2 out of domain, 3 clipped", low=0.0, high=1.0, scale="none"),
        Variable("correction", "1", "largest factor that restores the families, less one", scale="none"),
        Variable("member_spread", "1", "largest standard deviation of the members' logarithms", scale="none"),
    )
    return Schema(inputs, (concentration,), (species,), diagnostics)


def samples(ds: xr.Dataset, mechanism: LumpedMechanism) -> tuple[xr.Dataset, xr.Dataset]:
    """States, and what they became."""
    ds = completed_air(ds, mechanism)
    ends = ["concentration_end"] if "concentration_end" in ds.variables else []
    return ds, ds[ends].rename(dict.fromkeys(ends, "concentration"))


def guarded_air(inputs: Tensors, eyes: AirNetwork, shipped: Tensor) -> Tensor:
    """What the guard looks at, on the processor: what the network sees, and how unlike the shipped emissions are."""
    temperature, pressure, concentration, photolysis, emission, dt = (x.double().cpu() for x in inputs)
    seen = eyes.look(temperature, pressure, concentration, photolysis, emission, dt)[:, : NUMBERS + eyes.seen]
    relative = emission / eyes.shipped
    unlike = (relative - relative.sum(1, keepdim=True) * shipped).abs().sum(1, keepdim=True)
    return torch.cat([seen, unlike], 1)


def make_air(options: Any, about: str) -> Family:
    """The family for a lumped mechanism, with its options fixed.

    Args:
        options: with mechanism (a record of `LumpedMechanism`), hidden, members, rollout, rolled and jsonable().
    Raises:
        MechanismError: the record is none of a lumped mechanism.
    """
    mechanism = LumpedMechanism.from_record(options.mechanism)
    shape = AirShape(tuple(options.hidden), options.members, options.rollout, options.rolled)
    eyes = AirNetwork(mechanism, AirShape(hidden=()))
    shipped = torch.from_numpy(mechanism.row(mechanism.emission)) / eyes.shipped
    return Family(
        name="chemistry",
        about=about,
        options=options.jsonable(),
        schema=air_schema(mechanism),
        build=functools.partial(AirNetwork, mechanism, shape),
        group="box",
        baselines={"unchanged": unchanged(), "linear": linear()},
        example=air_example,
        samples=functools.partial(samples, mechanism=mechanism),
        loss=functools.partial(
            air_loss, active=eyes.active, weights=weights([mechanism.species[i] for i in eyes.active])
        ),
        complete=functools.partial(completed_air, mechanism=mechanism),
        features=functools.partial(guarded_air, eyes=eyes, shipped=shipped),
        warm_start=take_scale,
        calibrate=take_limits,
        generate=generate,
        metrics=scores,
        figures=figures,
        code=code,
        settings=_SETTINGS,
        citations=_CITATIONS,
    )
