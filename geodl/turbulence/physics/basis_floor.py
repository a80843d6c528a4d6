"""The error that no coefficients can undercut: what of a true anisotropy lies outside of the span of a basis."""

import torch
from jaxtyping import Float
from torch import Tensor

from geodl.turbulence.physics.metrics import frobenius_error
from geodl.turbulence.physics.tensor_basis import (
    DEGREES,
    GRADIENT_DEGREES,
    components,
    from_components,
    gradient_basis,
    tensor_basis,
    unit_basis,
    unit_vector,
)
from geodl.turbulence.physics.time_scale import gradient_time


def nearest_in_span(
    basis: Float[Tensor, "*n m 3 3"], anisotropy: Float[Tensor, "*n 3 3"], threshold: float = 1e-6
) -> Float[Tensor, "*n 3 3"]:
    """Every cell's best least-squares fit of a symmetric traceless tensor by its own coefficients.

    Args:
        basis: tensors of unit length or zero (:func:`~geodl.turbulence.physics.tensor_basis.unit_basis`).
        anisotropy: true b.
        threshold: directions with smaller singular values than this times the largest do not count.
    """
    directions, sizes, _ = torch.linalg.svd(components(basis).mT, full_matrices=False)
    counted = (sizes > threshold * sizes[..., :1]).to(basis.dtype)
    weights = (directions.mT @ components(anisotropy)[..., None])[..., 0] * counted
    return from_components((directions @ weights[..., None])[..., 0])


def basis_floor(
    anisotropy: Float[Tensor, "*n 3 3"],
    strain: Float[Tensor, "*n 3 3"],
    rotation: Float[Tensor, "*n 3 3"],
    gradient: Float[Tensor, "*n 3"] | None = None,
    *,
    threshold: float = 1e-6,
) -> Float[Tensor, ""]:
    """The least F that any coefficients of the ten tensors reach; with a gradient, of the ten and its two.

    Round-off tensors are left out: of a duct, where T5 and T10 vanish, they would make an apparent floor of less than
    half. The scale of the inputs does not matter. The threshold says how nearly parallel the unit tensors may be:
    coefficients up to |b|/threshold are allowed, so a larger one gives the floor of a bounded network.

    Args:
        anisotropy: true b.
        strain: S, s-1 or dimensionless.
        rotation: W, in the units of S.
        gradient: ∇k, in any units.
        threshold: of :func:`nearest_in_span`.
    """
    time = gradient_time(strain, rotation)
    s, r = time[..., None, None] * strain, time[..., None, None] * rotation
    one = torch.ones_like(time)
    basis = unit_basis(tensor_basis(s, r), DEGREES, one)
    if gradient is not None:
        extra = unit_basis(gradient_basis(s, unit_vector(gradient)), GRADIENT_DEGREES, one)
        basis = torch.cat([basis, extra], -3)
    return frobenius_error(nearest_in_span(basis, anisotropy, threshold), anisotropy)
