"""Tensor-basis networks in C: what the sources in the folder c read of a surrogate."""

import functools
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from geodl.core.code import Argument, Code, DenseLayers
from geodl.core.pack import pack, samples_of
from geodl.core.surrogate import Surrogate
from geodl.exports.guard import SOURCE as GUARD
from geodl.exports.guard import guard_tables, triangle
from geodl.turbulence import encoding, network
from geodl.turbulence.datasets.completion import FLOOR, SMALL
from geodl.turbulence.ensemble import EnsembleMLP
from geodl.turbulence.example import example
from geodl.turbulence.extrapolation import _FAR, CENTRES, Extrapolation
from geodl.turbulence.network import TensorBasisNetwork
from geodl.turbulence.physics.mean_flow import BETA_STAR, LARGEST
from geodl.turbulence.physics.tensor_basis import SOFTNESS

SOURCES = [GUARD, *(Path(__file__).with_name("c") / name for name in ("tensors.h", "mean_flow.h", "closure.h"))]
FLOWS = 10  # made-up ones that cells to check by are taken from
STATUS = (
    "ok",
    "out of domain: not like the cells of training, or too large an error is to be expected",
    "no answer: an input is NaN or infinite; outputs are left as they were",
)
UNTOUCHED = 2


def code(surrogate: Surrogate) -> Code:
    """A closure as C."""
    net, schema = surrogate.core.network, surrogate.family.schema
    assert isinstance(net, TensorBasisNetwork)
    outputs = (*schema.outputs, *schema.diagnostics)
    return Code(
        call="predict",
        arguments=(
            *(Argument(v.name, v.units, v.about, "in", v.dims) for v in schema.inputs),
            *(Argument(v.name, v.units, v.about, "out", v.dims) for v in outputs),
        ),
        axes={axis.name: tuple(map(str, axis.labels)) for axis in schema.axes},
        status=STATUS,
        sizes=_sizes(net, [variable.name for variable in schema.inputs]),
        tables={**_constants(), **_scales(net), **_networks(net), **_distances(net), **guard_tables(surrogate.guard)},
        sources=tuple(SOURCES),
        dense="DENSE",
        fingerprint=surrogate.sha256,
        double=surrogate.core.at()[0] == torch.float64,
        inputs=functools.partial(inputs, surrogate),
        answer=functools.partial(answer, surrogate),
        untouched=UNTOUCHED,
    )


def inputs(surrogate: Surrogate, count: int, seed: int) -> tuple[np.ndarray, ...]:
    """Cells of made-up flows."""
    schema = surrogate.family.schema
    flows = surrogate.family.complete(example(seed, FLOWS, math.ceil(count / FLOWS)))
    packed = pack(flows, schema.inputs, torch.float64, samples=samples_of(flows, schema.inputs))
    return tuple(x[:count].numpy() for x in packed)


def answer(surrogate: Surrogate, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """What Python makes of cells; of those without an answer, NaN."""
    given = tuple(torch.from_numpy(np.asarray(array)).to(surrogate.core.at()[0]) for array in arrays)
    found = surrogate.judged(given)
    sound = torch.stack([x.reshape(len(x), -1).isfinite().all(1) for x in given]).all(0)
    status = np.where(sound, np.where(found.trusted, 0, 1), UNTOUCHED).astype(np.int8)
    return *(x.detach().numpy() for x in (*found.outputs, *found.diagnostics)), status


def _sizes(net: TensorBasisNetwork, names: list[str]) -> dict[str, int | str]:
    widths = [weight.shape[-1] for part in (net.ensemble, net.doubt) for weight in part.weights]
    return {
        "FEATURES": len(net.mean),
        "TENSORS": net.sizes[0],
        "MEMBERS": len(net.ensemble.weights[0]),
        "LAYERS": len(net.ensemble.weights),
        "CENTRES": CENTRES,
        "SEES_WALL": int("wall_distance" in names),
        "SEES_VELOCITY": int("velocity" in names),
        "SEES_REMAINDER": int(len(net.sizes) > 2),
        "WIDEST": max(len(net.mean), *widths),
        "ACTIVATION": _members(net.ensemble)[0].activation,
    }


def _constants() -> dict[str, float]:
    return {
        "LARGE": encoding._LARGE,
        "SMALL": SMALL,
        "LEAST_RATE": FLOOR,
        "LARGEST": LARGEST,
        "BETA_STAR": BETA_STAR,
        "SOFTNESS": SOFTNESS,
        "ROOT_HALF": 1 / math.sqrt(2),
        "ROOT_SIXTH": 1 / math.sqrt(6),
        "CLIP": network.CLIP,
        "LARGEST_LOG_RATIO": network.LARGEST_LOG_RATIO,
        "LARGEST_LOG_DOUBT": network.LARGEST_LOG_DOUBT,
        "FARTHEST": _FAR,
    }


def _scales(net: TensorBasisNetwork) -> dict[str, Any]:
    return {
        "MEAN": net.mean.double().numpy(),
        "PER_STD": 1 / net.std.double().numpy(),
        "CONSTANT": net.constant.double().numpy(),
        "CONSTANT_ERROR": float(net.constant_error),
        "LARGE_ERROR": float(net.large_error),
    }


def _networks(net: TensorBasisNetwork) -> dict[str, Any]:
    return {"DENSE": _members(net.ensemble), "DOUBT": _members(net.doubt)[0]}


def _members(ensemble: EnsembleMLP) -> list[DenseLayers]:
    pairs = [(w.detach().double().numpy(), b.detach().double().numpy()) for w, b in
             zip(ensemble.weights, ensemble.biases, strict=True)]  # fmt: skip
    count = len(ensemble.weights[0])
    name = type(ensemble.activation).__name__.upper()
    return [DenseLayers([(weight[m].T, bias[m, 0]) for weight, bias in pairs], name) for m in range(count)]


def _distances(net: TensorBasisNetwork) -> dict[str, Any]:
    found: Extrapolation = net.extrapolation
    centres, variance = found.centres.double(), found.variance
    bias = found.weights.double().log() - centres.square().sum(1) / (2 * variance)
    return {
        "MIDDLE": found.middle.double().numpy(),
        "WHITEN": triangle(found.whiten.double().numpy()),
        "MAHALANOBIS_LIMIT": float(found.limits[0]),
        "CENTRE": centres.numpy() / variance,
        "CENTRE_BIAS": bias.numpy(),
        "KERNEL_VARIANCE": variance,
        "KERNEL_LIMIT": float(found.limits[1]),
    }
