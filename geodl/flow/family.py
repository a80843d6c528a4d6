"""The family ``flow``: steady flow around a body from its signed distance and the Reynolds number."""

import functools
from typing import Annotated, Literal

import xarray as xr
from pydantic import Field
from torch import nn

from geodl.core.contract import Family, Recipe
from geodl.core.schema import Axis, Schema, Variable
from geodl.core.settings import Settings
from geodl.errors import OptionError
from geodl.flow.data.generate import generate
from geodl.flow.example import example
from geodl.flow.figures import figures
from geodl.flow.geometry.grid import Grid
from geodl.flow.given import completed, require_flows
from geodl.flow.scores import scores
from geodl.flow.surrogate.baselines import mean_flow, modes
from geodl.flow.surrogate.encoding import encode
from geodl.flow.surrogate.guo import GuoNetwork
from geodl.flow.surrogate.loss import USUAL, Weights, constrained_loss, fluid_loss
from geodl.flow.surrogate.obstacle_network import ObstacleNetwork
from geodl.flow.surrogate.shape_features import shape_features
from geodl.train.config import Positive

_CITATIONS = (
    "Guo, Li & Iorio 2016, Convolutional neural networks for steady flow approximation, KDD, 481",
    "Ginzburg, Verhaeghe & d'Humieres 2008, Two-relaxation-time lattice Boltzmann scheme, Commun. Comput. Phys. 3, 427",
    "Bouzidi, Firdaouss & Lallemand 2001, Momentum transfer of a Boltzmann-lattice fluid, Phys. Fluids 13, 3452",
)
HEIGHT = 4.0  # m, of the domain
_SETTINGS = {
    "unet": {"epochs": 40, "batch_size": 8, "optimizer": "muon", "learning_rate": 5e-3, "warmup": 0.05, "clip": 1.0},
    "guo": {"epochs": 60, "batch_size": 16, "optimizer": "adam", "learning_rate": 1e-3, "warmup": 0.05, "clip": 1.0},
}


Weight = Annotated[float, Field(ge=0)]


class Options(Settings):
    """What fixes a surrogate of the flow family.

    Attributes:
        size: cells of the domain of 8 m x 4 m.
        network: "unet" keeps walls, sides and mass by construction; "guo" is the network of the paper.
        geometry: what the network sees of a body: its signed distance ("sdf"), one that was made from the mask, or,
            network "guo" only, the mask itself.
        members: of the ensemble, network "unet" only.
        widths: channels at half the resolution and below, network "unet" only.
        near_weight, pressure_weight, stream_weight, force_weight: parts of the loss, network "unet" only, see
            :class:`geodl.flow.surrogate.loss.Weights`.
    """

    size: Literal["128x64", "256x128"] = "128x64"
    network: Literal["unet", "guo"] = "unet"
    geometry: Literal["sdf", "mask", "mask-sdf"] = "sdf"
    members: Positive = 3
    widths: tuple[Positive, ...] = (16, 32, 64, 96)
    near_weight: Weight = USUAL.near
    pressure_weight: Weight = USUAL.pressure
    stream_weight: Weight = USUAL.stream
    force_weight: Weight = USUAL.force


def weights(options: Options) -> Weights:
    """Of the parts of the loss."""
    return Weights(options.near_weight, options.pressure_weight, options.stream_weight, options.force_weight)


def grid(options: Options) -> Grid:
    """Cells of the domain."""
    return Grid.parse(options.size, height=HEIGHT)


def schema(options: Options) -> Schema:
    """Distance and Reynolds number in; velocity, pressure and forces out."""
    cells = grid(options)
    axes = (
        Axis("y", tuple(cells.y.tolist()), "m", "across the stream"),
        Axis("x", tuple(cells.x.tolist()), "m", "along the stream"),
    )
    field = ("y", "x")
    inputs = (
        Variable("sdf", "m", "signed distance to the body, positive in the fluid", field, scale="none"),
        Variable("reynolds", "1", "inflow speed times frontal height over viscosity", low=0.0, scale="none"),
    )
    outputs = (
        Variable("u", "1", "velocity along x in inflow speeds", field, scale="none"),
        Variable("v", "1", "velocity along y in inflow speeds", field, scale="none"),
        Variable("p", "1", "pressure over density times square of the inflow speed", field, scale="none"),
        Variable("drag", "1", "drag coefficient, by the frontal height", low=0.0, scale="ln"),
        Variable("lift", "1", "lift coefficient, by the frontal height", scale="none"),
    )
    diagnostics = (
        Variable("field_drag", "1", "drag coefficient by control volumes, from u, v and p", scale="none"),
        Variable("field_lift", "1", "lift coefficient by control volumes, from u, v and p", scale="none"),
        Variable("field_drag_spread", "1", "standard deviation of the drag over three control volumes", scale="none"),
        Variable("member_spread", "1", "standard deviation of the members' velocities", scale="none"),
    )
    return Schema(inputs, outputs, axes, diagnostics)


def network(options: Options) -> nn.Module:
    """The untrained network."""
    cells = grid(options)
    if options.network == "guo":
        return GuoNetwork((cells.ny, cells.nx), cells.spacing)
    return ObstacleNetwork(options.members, options.widths, cells.spacing)


def prepared(ds: xr.Dataset, options: Options) -> xr.Dataset:
    """The signed distance made from the mask where there is none, or where the options say so.

    Raises:
        GeometryError, SchemaError: see `completed`.
    """
    return completed(ds, grid(options), by_sign=options.geometry == "mask-sdf")


def samples(ds: xr.Dataset, options: Options) -> tuple[xr.Dataset, xr.Dataset]:
    """Flows that became steady, where a Dataset says which did."""
    ds = prepared(ds, options)
    require_flows(ds, schema(options), grid(options))
    if "converged" in ds.variables:
        ds = ds.isel({ds["converged"].dims[0]: ds["converged"].values.astype(bool)})
    return ds, ds


def make(options: Options) -> Family:
    """The family with its options fixed.

    Raises:
        OptionError: the U-Net is asked to see the mask alone.
    """
    if options.network == "unet" and options.geometry == "mask":
        raise OptionError(
            "network 'unet' needs a distance for its walls: geometry 'sdf' or 'mask-sdf', or network 'guo'"
        )
    spacing = grid(options).spacing
    guo = options.network == "guo"
    image: Literal["layers", "sdf", "mask"] = ("mask" if options.geometry == "mask" else "sdf") if guo else "layers"
    complete = functools.partial(prepared, options=options)
    return Family(
        name="flow",
        about=FAMILY.about,
        options=options.jsonable(),
        schema=schema(options),
        build=functools.partial(network, options),
        group="sample",
        baselines={"mean flow": mean_flow(), "modes": modes()},
        example=functools.partial(example, grid=grid(options)),
        samples=functools.partial(samples, options=options),
        loss=fluid_loss if guo else functools.partial(constrained_loss, spacing=spacing, weights=weights(options)),
        complete=complete,
        encode=functools.partial(encode, image=image),
        features=functools.partial(shape_features, spacing=spacing),
        generate=generate,
        metrics=scores,
        figures=figures,
        settings=_SETTINGS[options.network],
        citations=_CITATIONS,
    )


FAMILY = Recipe("steady flow around bodies from their signed distance, by convolutional networks", Options, make)
