"""What holds by construction, measured all the same; and what the tensors could reach at best."""

import copy

import numpy as np
import torch
import xarray as xr

from geodl.core.contract import Claim
from geodl.core.pack import pack
from geodl.core.schema import check
from geodl.core.surrogate import Core, Surrogate, predict
from geodl.turbulence.physics.basis_floor import basis_floor
from geodl.turbulence.physics.metrics import largest_norm, nonrealizable_share
from geodl.turbulence.physics.velocity_gradient import rotation_rate, strain_rate

_FLOORS = {"AR_1_Ret_180": 0.0448, "AR_3_Ret_180": 0.0436, "AR_7_Ret_180": 0.0384}


def equivariance(surrogate: Surrogate, ds: xr.Dataset, seed: int = 0) -> list[Claim]:
    """Largest difference between the prediction in a turned frame and the turned prediction, reflections included."""
    claims = []
    for dtype, bar in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        core = copy.deepcopy(surrogate.core).to(dtype)
        inputs = _inputs(surrogate, ds, dtype)
        turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))[0]
        worst = max(_residual(core, surrogate, inputs, sign * turn.to(dtype)) for sign in (1, -1))
        name = str(dtype).removeprefix("torch.")
        claims.append(Claim(f"equivariance under rotations and reflections, {name}", worst, "1", bar=("<=", bar)))
    return claims


def _inputs(surrogate: Surrogate, ds: xr.Dataset, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    schema = surrogate.family.schema
    return pack(check(surrogate.family.complete(ds), schema.inputs, axes=schema.axes), schema.inputs, dtype)


def _residual(core: Core, surrogate: Surrogate, inputs: tuple[torch.Tensor, ...], turn: torch.Tensor) -> float:
    variables = surrogate.family.schema.inputs
    turned = tuple(rotated(x, turn, len(v.dims)) for x, v in zip(inputs, variables, strict=True))
    here, there = predict(core, inputs)[0], predict(core, turned)[0]
    return float((there - rotated(here, turn, 2)).abs().max())


def rotated(x: torch.Tensor, turn: torch.Tensor, rank: int) -> torch.Tensor:
    """A scalar, vector or tensor per cell in the axes x' = Q x."""
    if rank == 0:
        return x
    return x @ turn.mT if rank == 1 else turn @ x @ turn.mT


def realizability(surrogate: Surrogate, cells: int, seed: int = 0) -> list[Claim]:
    """Random inputs over many decades, far from anything that the network was trained on."""
    random = torch.Generator().manual_seed(seed)
    inputs = []
    for variable in surrogate.family.schema.inputs:
        size = 10 ** (12 * torch.rand(cells, generator=random) - 6)
        values = torch.randn(cells, *(3 for _ in variable.dims), generator=random)
        scaled = values * size.reshape(-1, *(1 for _ in variable.dims))
        inputs.append(scaled if variable.dims else scaled.abs())
    b = predict(surrogate.core, tuple(inputs))[0]
    return [
        Claim(
            "random inputs over 12 decades: non-realizable share", float(nonrealizable_share(b)), "1", bar=("<=", 0.0)
        ),
        Claim("random inputs over 12 decades: largest |b|", float(largest_norm(b)), "1", bar=("<=", 0.8165)),
    ]


def floors(flows: xr.Dataset) -> list[Claim]:
    """The least F that any coefficients of the tensors reach on the ducts, and on a hill."""
    claims = []
    for flow in np.unique(flows["flow"].values):
        chosen = flows.isel(cell=(flows["flow"].values == flow) & flows["valid_clean"].values.astype(bool))
        gradient, truth, k_gradient = (
            torch.from_numpy(chosen[name].values.astype(np.float64))
            for name in ("velocity_gradient", "anisotropy", "k_gradient")
        )
        parts = truth, strain_rate(gradient), rotation_rate(gradient)
        ten, twelve = float(basis_floor(*parts)), float(basis_floor(*parts, k_gradient))
        claims += _floor_claims(str(flow), ten, twelve)
    return claims


def _floor_claims(flow: str, ten: float, twelve: float) -> list[Claim]:
    if flow not in _FLOORS:
        return [Claim(f"least F of ten tensors, {flow}", ten, "1", bar=("<=", 1e-6))]
    expected = _FLOORS[flow]
    return [
        Claim(f"least F of ten tensors, {flow}", ten, "1", published=expected),
        Claim(f"least F of ten tensors, {flow}: off by", abs(ten / expected - 1), "1", bar=("<=", 0.02)),
        Claim(f"least F with the two of ∇k, {flow}", twelve, "1", bar=("<=", 0.002)),
    ]
