"""Dimensionless scalars of the mean flow that a closure may depend on, each with its formula and its source."""

import dataclasses
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from geodl.turbulence.physics.invariants import INVARIANTS
from geodl.turbulence.physics.mean_flow import LARGEST, MeanFlow, dot, known, norm

LING = "Ling & Templeton 2015, Phys. Fluids 27, 085103"
WU = "Wu, Xiao & Paterson 2018, Phys. Rev. Fluids 3, 074602"
KAANDORP = "Kaandorp & Dwight 2020, Comput. Fluids 202, 104497"
POPE = "Pope 1975, J. Fluid Mech. 72, 331"
OURS = "joint invariant of the mean flow, formed here"


@dataclasses.dataclass(frozen=True)
class Feature:
    """One scalar. ``formula`` uses β(a, c) = a/(|a| + |c|), T = k/ε, n = ∇k/|∇k|, q = ∇p/(|∇p| + √k G),
    G² = |S|² + |W|², s = S/G, r = W/G and the wall distance d.

    No rotation or reflection of the axes changes any feature. ``galilean``: nor does a constant velocity added.
    """

    name: str
    formula: str
    source: str
    compute: Callable[[MeanFlow], Tensor]
    galilean: bool = True


def beta(a: Tensor, c: Tensor) -> Tensor:
    """a/(|a| + |c|), 0 where both are 0."""
    total = a.abs() + c.abs()
    return a / torch.where(total > 0, total, 1)


def signed_log(x: Tensor) -> Tensor:
    """sgn(x) ln(1 + |x|)."""
    return x.sign() * x.abs().log1p()


def _invariant(index: int) -> Callable[[MeanFlow], Tensor]:
    return lambda flow: signed_log(flow.invariants[index])


def _wall(flow: MeanFlow) -> Tensor:
    return known(flow.wall_distance, "wall_distance")


def _nu(flow: MeanFlow) -> Tensor:
    return known(flow.nu, "nu")


def _velocity(flow: MeanFlow) -> Tensor:
    return known(flow.velocity, "velocity")


def _wall_reynolds(flow: MeanFlow) -> Tensor:
    return (flow.speed * _wall(flow) / _nu(flow)).clamp(max=LARGEST)


def _turbulence_reynolds(flow: MeanFlow) -> Tensor:
    return (flow.k / (_nu(flow) * flow.omega)).clamp(max=LARGEST)


def _along_velocity(flow: MeanFlow, vector: Tensor | None, name: str) -> Tensor:
    return dot(_velocity(flow), known(vector, name))


def _misalignment(flow: MeanFlow) -> Tensor:
    velocity = _velocity(flow)
    return beta(dot(velocity, (flow.strain * velocity).sum(1)).abs(), dot(velocity, velocity) * flow.strain_size)


def _pressure_along_streamline(flow: MeanFlow) -> Tensor:
    along = _along_velocity(flow, flow.pressure_gradient, "pressure_gradient")
    return beta(along, norm(_velocity(flow)) * flow.pressure_gradient_size)


def _convection(flow: MeanFlow) -> Tensor:
    production = (2 * flow.k / flow.omega * flow.strain_size.square()).clamp(max=LARGEST)
    return beta(_along_velocity(flow, flow.k_gradient, "k_gradient"), production)


_POPE = tuple(
    Feature(f"invariant_{i + 1}", f"sgn(λ) ln(1 + |λ|), λ = {name} of S T and W T", POPE, _invariant(i))
    for i, name in enumerate(INVARIANTS)
)
_FLOW = (
    Feature("rotation_share", "(|W| − |S|)/(|W| + |S|)", WU, lambda f: (f.rotation_size - f.strain_size)
            / (f.rotation_size + f.strain_size + torch.finfo(f.k.dtype).tiny)),
    Feature("strain_time", "|S| T/(1 + |S| T)", WU, lambda f: beta(f.strain_size * f.time, torch.ones_like(f.k))),
    Feature("turbulence_reynolds", "Re_t/(Re_t + 50), Re_t = k/(ν ω)", LING,
            lambda f: beta(_turbulence_reynolds(f), torch.full_like(f.k, 50))),
    Feature("turbulence_reynolds_log", "ln(1 + Re_t)", LING, lambda f: _turbulence_reynolds(f).log1p()),
    Feature("wall_reynolds", "min(√k d/(50 ν), 2)", LING, lambda f: (_wall_reynolds(f) / 50).clamp(max=2)),
    Feature("wall_reynolds_log", "ln(1 + √k d/ν)", LING, lambda f: _wall_reynolds(f).log1p()),
    Feature("wall_omega_log", "ln(1 + ω d²/ν)", OURS, lambda f: (f.omega * f.wall_time).log1p()),
    Feature("wall_strain_log", "ln(1 + |S| d²/ν)", OURS,
            lambda f: (f.strain_size * f.wall_time).log1p()),
    Feature("length_share", "β(√k, ω d)", OURS, lambda f: beta(f.speed, f.omega * _wall(f))),
)  # fmt: skip
_K_GRADIENT = (
    Feature("k_gradient_time", "β(|∇k| T, √k)", KAANDORP, lambda f: beta(f.k_gradient_size * f.time, f.speed)),
    Feature("k_gradient_wall", "β(|∇k| d, k)", OURS, lambda f: beta(f.k_gradient_size * _wall(f), f.k)),
    Feature("k_gradient_viscous", "β(|∇k| ν, k √k)", OURS, lambda f: beta(f.k_gradient_size * _nu(f), f.k * f.speed)),
    Feature("strain_along_k", "n·s n", OURS, lambda f: dot(f.n, f.strained["sn"])),
    Feature("strain_squared_along_k", "n·s² n", OURS, lambda f: dot(f.strained["sn"], f.strained["sn"])),
    Feature("rotation_squared_along_k", "−n·r² n", OURS, lambda f: dot(f.strained["rn"], f.strained["rn"])),
    Feature("strain_rotation_along_k", "n·s r n", OURS, lambda f: dot(f.strained["sn"], f.strained["rn"])),
)
_PRESSURE = (
    Feature("pressure_along_k", "n·q", OURS, lambda f: dot(f.n, f.q)),
    Feature("strain_along_pressure", "q·s q", OURS, lambda f: dot(f.q, f.strained["sq"])),
    Feature("strain_between", "n·s q", OURS, lambda f: dot(f.n, f.strained["sq"])),
    Feature("strain_squared_along_pressure", "q·s² q", OURS, lambda f: dot(f.strained["sq"], f.strained["sq"])),
    Feature("strain_rotation_along_pressure", "q·s r q", OURS, lambda f: dot(f.strained["sq"], f.strained["rq"])),
    Feature("pressure_time", "β(|∇p| T, √k)", WU, lambda f: beta(f.pressure_gradient_size * f.time, f.speed)),
    Feature("pressure_wall", "β(|∇p| d, k)", OURS, lambda f: beta(f.pressure_gradient_size * _wall(f), f.k)),
    Feature("pressure_strain", "β(|∇p|, √k |S|)", OURS,
            lambda f: beta(f.pressure_gradient_size, f.speed * f.strain_size)),
)  # fmt: skip
_VELOCITY = (
    Feature("turbulence_intensity", "k/(k + ½ U²)", LING,
            lambda f: beta(f.k, dot(_velocity(f), _velocity(f)) / 2), galilean=False),
    Feature("pressure_along_streamline", "β(U·∇p, |U||∇p|)", LING, _pressure_along_streamline, galilean=False),
    Feature("misalignment", "β(|U·S U|, U² |S|)", LING, _misalignment, galilean=False),
    Feature("convection", "β(U·∇k, 2 ν_t |S|²), ν_t = k/ω", LING, _convection, galilean=False),
)  # fmt: skip

_GALILEAN = (*_POPE, *_FLOW, *_K_GRADIENT, *_PRESSURE)
FEATURES: dict[str, tuple[Feature, ...]] = {"pope": _POPE, "galilean": _GALILEAN, "all": (*_GALILEAN, *_VELOCITY)}


def features(flow: MeanFlow, chosen: Sequence[Feature]) -> Tensor:
    """Values of features ``[cell, feature]``."""
    return torch.stack([feature.compute(flow) for feature in chosen], dim=1)
