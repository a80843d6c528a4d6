"""The family of closures: from the RANS solution in a cell to the anisotropy and size of its Reynolds stress."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import xarray as xr
from pydantic import Field
from torch import Tensor, nn

from geodl.core.contract import Family, Recipe, Tensors
from geodl.core.mlp import Activation
from geodl.core.schema import Axis, Schema, Variable
from geodl.core.settings import Settings
from geodl.errors import OptionError, SchemaError
from geodl.turbulence.closures import linear_closure, quadratic_closure, training_mean
from geodl.turbulence.datasets.completion import complete
from geodl.turbulence.datasets.convert import convert
from geodl.turbulence.datasets.orientation import refuse_transposed
from geodl.turbulence.encoding import TENSORS, Basis, encode
from geodl.turbulence.example import example
from geodl.turbulence.figures import figures
from geodl.turbulence.in_c import code
from geodl.turbulence.network import TensorBasisNetwork
from geodl.turbulence.openfoam.case import read_openfoam
from geodl.turbulence.physics.features import FEATURES
from geodl.turbulence.physics.tensor_basis import components
from geodl.turbulence.remainder import with_remainder
from geodl.turbulence.scores import scores

Positive = Annotated[int, Field(gt=0)]
AXES = (Axis("i", ("x", "y", "z"), about="component"), Axis("j", ("x", "y", "z"), about="direction"))
BLOCK = 8192  # cells per call of the network
K_WEIGHT = 0.1  # of the squared error of ln k beside that of b, which is some tens of times smaller
DOUBT_WEIGHT = 0.01  # of a likelihood that only its own network feels: any weight does for AdamW

_SETTINGS: dict[str, Any] = {
    "optimizer": "adamw", "epochs": 60, "batch_size": 4096, "learning_rate": 3e-3, "weight_decay": 1e-4,
    "warmup": 0.01, "final_rate": 1e-3,
}  # fmt: skip
_CITATIONS = (
    "Ling, Kurzawski & Templeton 2016, Reynolds averaged turbulence modelling using deep neural networks with "
    "embedded invariance, J. Fluid Mech. 807, 155",
    "Pope 1975, A more general effective-viscosity hypothesis, J. Fluid Mech. 72, 331",
)

_GRADIENT = Variable("velocity_gradient", "s-1", "dU_i/dx_j of the RANS", dims=("i", "j"), scale="none")
_K = Variable("k", "m2 s-2", "turbulent kinetic energy of the RANS", low=0.0, scale="none")
_OMEGA = Variable("omega", "s-1", "specific dissipation rate of the RANS", low=0.0, scale="none")
_WALL = Variable("wall_distance", "m", "distance to the nearest wall", low=0.0, scale="none")
_NU = Variable("nu", "m2 s-1", "kinematic viscosity", low=0.0, scale="none")
_K_GRADIENT = Variable("k_gradient", "m s-2", "gradient of k of the RANS", dims=("i",), scale="none")
_PRESSURE = Variable("pressure_gradient", "m s-2", "gradient of the kinematic pressure", dims=("i",), scale="none")
_VELOCITY = Variable("velocity", "m s-1", "velocity in the frame of the walls", dims=("i",), scale="none")
_INPUTS: dict[str, tuple[Variable, ...]] = {
    "pope": (_GRADIENT, _K, _OMEGA),
    "galilean": (_GRADIENT, _K, _OMEGA, _WALL, _NU, _K_GRADIENT, _PRESSURE),
    "all": (_GRADIENT, _K, _OMEGA, _WALL, _NU, _K_GRADIENT, _PRESSURE, _VELOCITY),
}
_OUTPUTS = (
    Variable("anisotropy", "1", "<u_i'u_j'>/(2k) - delta_ij/3, realizable", dims=("i", "j"), scale="tensor"),
    Variable("k_corrected", "m2 s-2", "turbulent kinetic energy that goes with the anisotropy", low=0.0, scale="ln"),
)
_REMAINDER = Variable(
    "anisotropy_remainder", "1", "anisotropy plus k/omega S/k_corrected, S of the true flow", dims=("i", "j"),
    scale="tensor",
)  # fmt: skip
_DIAGNOSTICS = (
    Variable(
        "expected_error",
        "1",
        "of anisotropy, root mean square, 1 at the 99th percentile of the training cells",
        high=1.0,
    ),
    Variable("anisotropy_spread", "1", "root mean square distance of the ensemble members from their mean"),
    Variable("mahalanobis", "1", "distance from the training cells, 1 at their 99th percentile"),
    Variable("kernel_distance", "1", "distance by kernel density, 1 at the 99th percentile of the training cells"),
)
_COUPLING = (
    Variable("eddy_viscosity_implicit", "m2 s-1", "k/omega of the RANS, for the implicit part of the stress"),
    Variable("stress_remainder", "m2 s-2", "2 k_corrected anisotropy_remainder, the explicit part", dims=("i", "j")),
)
ENCODED_NAMES = {"velocity_gradient": "gradient"}


class Options(Settings):
    """Options of the family.

    Attributes:
        features: what the coefficients depend on. "pope": the five invariants, of the inputs velocity_gradient, k and
            omega alone; "galilean": with the wall, the gradients of k and pressure, all frame independent; "all": with
            four that need the velocity in the frame of the walls, and are not Galilean invariant.
        basis: "pope", ten tensors; "extended", two more of the gradient of k, by default where it is an input;
            "fixed", constant tensors, which makes the network a plain one without any invariance, for comparison.
        remainder: give a solver eddy_viscosity_implicit and stress_remainder, so that it can add 2 (nu + nu_t) S
            implicitly and the divergence of the remainder explicitly; by default where features are not "pope".
            Training needs velocity_gradient_truth, the gradient of the true velocity.
        members: networks of the ensemble.
    """

    features: Literal["pope", "galilean", "all"] = "galilean"
    basis: Literal["pope", "extended", "fixed"] | None = None
    remainder: bool | None = None
    members: Positive = 5
    width: Positive = 48
    depth: Positive = 3
    activation: Activation = "silu"


def schema(options: Options) -> Schema:
    """The RANS solution in, anisotropy and energy out."""
    if not _with_remainder(options):
        return Schema(_INPUTS[options.features], _OUTPUTS, AXES, _DIAGNOSTICS)
    return Schema(_INPUTS[options.features], (*_OUTPUTS, _REMAINDER), AXES, (*_DIAGNOSTICS, *_COUPLING))


def _with_remainder(options: Options) -> bool:
    return options.features != "pope" if options.remainder is None else options.remainder


def _basis(options: Options) -> Basis:
    return options.basis or ("pope" if options.features == "pope" else "extended")


def network(options: Options) -> TensorBasisNetwork:
    """The untrained network."""
    return TensorBasisNetwork(
        len(FEATURES[options.features]),
        TENSORS[_basis(options)],
        remainder=_with_remainder(options),
        members=options.members,
        width=options.width,
        depth=options.depth,
        activation=options.activation,
    )


def prepared(ds: xr.Dataset) -> xr.Dataset:
    """What follows from what is there, unless the gradient is seen to be transposed."""
    refuse_transposed(ds)
    return complete(ds)


def generate(seed: int = 0, source: str | Path | None = None) -> xr.Dataset | Mapping[str, xr.Dataset]:
    """An OpenFOAM case, or data sets as downloaded by name, in the layout of the family.

    Raises:
        OptionError: no source is given.
        DataFileError: there is no known set in it, or a broken one.
    """
    del seed  # nothing is drawn
    if source is None:
        raise OptionError("flows are not made up, they are read: geodl data turbulence FOLDER --out OUT")
    return read_openfoam(source) if (Path(source) / "constant").is_dir() else convert(Path(source))


def samples(ds: xr.Dataset, *, remainder: bool) -> tuple[xr.Dataset, xr.Dataset]:
    """Cells whose reference can be trusted: ``valid_clean``, or else ``valid_les``, where a Dataset has these masks.

    Raises:
        SchemaError: the remainder is asked for, and there is no gradient of the true velocity to make it from.
    """
    ds = with_remainder(prepared(ds))
    if remainder and "anisotropy_remainder" not in ds.variables:
        raise SchemaError(
            "'anisotropy_remainder' cannot be made: 'velocity_gradient_truth' or 'reynolds_stress' is missing. Give "
            "them, or train without: family option remainder=false."
        )
    mask = next((name for name in ("valid_clean", "valid_les") if name in ds.variables), None)
    if mask is not None:
        ds = ds.isel({ds[mask].dims[0]: ds[mask].values.astype(bool)})
    return ds, ds


def loss(predicted: Tensors, targets: Tensors, inputs: Tensors) -> Tensor:
    """Mean square errors of the tensors in the Frobenius norm, and a share of that of ln k; of every member in
    training, where the error to expect of their mean is learned too."""
    predicted, doubts = predicted[: len(targets)], predicted[len(targets) :]
    ln_k, true_ln_k = predicted[1], targets[1] if predicted[1].ndim == 1 else targets[1][:, None]
    total = K_WEIGHT * nn.functional.huber_loss(ln_k, true_ln_k.expand_as(ln_k))
    for tensor, target in zip(predicted[::2], targets[::2], strict=True):
        total = total + _square_error(tensor, components(target))
    for ln_square_error in doubts:
        error = (predicted[0].detach().mean(1) - components(targets[0])).square().sum(-1)
        total = total + DOUBT_WEIGHT * (error * (-ln_square_error).exp() + ln_square_error).mean()
    return total


def _square_error(tensor: Tensor, target: Tensor) -> Tensor:
    """Of one tensor ``[cell, 3, 3]``, or of the components ``[cell, member, 5]`` of all members."""
    difference = components(tensor) - target if tensor.shape[-1] == 3 else tensor - target[:, None]
    return difference.square().sum(-1).mean()


def warm_start(untrained: nn.Module, inputs: Tensors, targets: Tensors) -> None:
    """Scales of the features, the domain, and the best constant coefficients."""
    features, basis, energy, _ = inputs
    tensors = (components(target) for target in targets[::2])
    untrained.look(features, basis, targets[1] - energy.log(), *tensors)  # type: ignore[operator]


def calibrate(trained: nn.Module, inputs: Tensors, targets: Tensors) -> None:
    """What a large expected error is."""
    blocks = zip(*(x.split(BLOCK) for x in inputs), strict=True)
    trained.calibrate(torch.cat([trained(*block)[len(targets)] for block in blocks]))  # type: ignore[operator]


def make(options: Options) -> Family:
    """The family with its options fixed.

    Raises:
        OptionError: a basis that needs more inputs than the features have.
    """
    if options.features == "pope" and options.basis == "extended":
        raise OptionError(
            "basis 'extended' needs the gradient of k, which is no input with features 'pope': leave it out"
        )
    made = schema(options)
    names = [ENCODED_NAMES.get(variable.name, variable.name) for variable in made.inputs]
    return Family(
        name="turbulence",
        about=FAMILY.about,
        options=options.jsonable(),
        schema=made,
        build=functools.partial(network, options),
        group="flow",
        baselines={
            "training mean": training_mean(),
            "linear eddy viscosity": linear_closure(_with_remainder(options)),
            "quadratic eddy viscosity": quadratic_closure(_with_remainder(options)),
        },
        example=example,
        samples=functools.partial(samples, remainder=_with_remainder(options)),
        loss=loss,
        complete=prepared,
        generate=generate,
        encode=functools.partial(encode, names=names, chosen=options.features, basis=_basis(options)),
        features=lambda encoded: encoded[0],
        warm_start=warm_start,
        calibrate=calibrate,
        metrics=scores,
        figures=figures,
        code=code,
        settings=_SETTINGS,
        citations=_CITATIONS,
    )


FAMILY = Recipe("Reynolds-stress anisotropy from a RANS solution, by tensor-basis networks", Options, make)
