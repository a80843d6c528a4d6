"""The stress that a closure predicts for a flow, in the forms in which a momentum equation takes it."""

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float

from geodl.errors import SchemaError
from geodl.turbulence.physics.anisotropy import reynolds_stress
from geodl.turbulence.physics.eddy_viscosity import split_stress
from geodl.turbulence.physics.velocity_gradient import deviator, strain_rate

REMAINDER, IMPLICIT = "stress_remainder", "eddy_viscosity_implicit"


def stress_remainder(
    stress: Float[np.ndarray, "*n 3 3"],
    eddy_viscosity: Float[np.ndarray, "*n"],
    velocity_gradient: Float[np.ndarray, "*n 3 3"],
) -> Float[np.ndarray, "*n 3 3"]:
    """R = tau - 2k/3 I + 2 nu_t S in m2 s-2: what an implicit eddy viscosity leaves of a stress.

    With the true stress, the true gradient and the eddy viscosity of the RANS this is the target of a closure whose
    correction keeps that eddy viscosity: errors of R are then divided by nu + nu_t, those of tau by nu alone.

    Source: Schmelzer, Dwight & Cinnella 2020, Flow Turbul. Combust. 104, 579 (k-corrective-frozen-RANS).
    """
    tau, nu_t, gradient = map(torch.from_numpy, (stress, eddy_viscosity, velocity_gradient))
    return (deviator(tau) + 2 * nu_t[..., None, None] * deviator(strain_rate(gradient))).numpy()


def predicted_stress(predicted: xr.Dataset) -> Float[np.ndarray, "cell 3 3"]:
    """tau = 2 k (b + I/3) in m2 s-2.

    Raises:
        SchemaError: ``anisotropy`` or ``k_corrected`` is missing.
    """
    b, k = (torch.from_numpy(field(predicted, name)) for name in ("anisotropy", "k_corrected"))
    return reynolds_stress(b, k).numpy()


def predicted_remainder(predicted: xr.Dataset) -> Float[np.ndarray, "cell 3 3"] | None:
    """``stress_remainder`` where the closure gives it."""
    return field(predicted, REMAINDER) if REMAINDER in predicted else None


def implicit_viscosity(flow: xr.Dataset, predicted: xr.Dataset) -> Float[np.ndarray, " cell"]:
    """The eddy viscosity that a remainder goes with: the closure's ``eddy_viscosity_implicit``, or that of the RANS."""
    return field(predicted, IMPLICIT) if IMPLICIT in predicted else field(flow, "eddy_viscosity")


def effective_viscosity(flow: xr.Dataset, predicted: xr.Dataset) -> Float[np.ndarray, " cell"]:
    """nu_eff = max(0, -tau:S/(2 S:S)) in m2 s-1; in simple shear, -tau_xy/(dU/dy).

    Args:
        flow: with the ``velocity_gradient`` for which the stress was predicted.
        predicted: with ``anisotropy`` and ``k_corrected``.
    """
    strain = strain_rate(torch.from_numpy(field(flow, "velocity_gradient")))
    return split_stress(torch.from_numpy(predicted_stress(predicted)), strain)[0].numpy()


def field(ds: xr.Dataset, name: str) -> np.ndarray:
    """A variable as an array [cell, ...] in float64.

    Raises:
        SchemaError: it is missing.
    """
    if name not in ds:
        raise SchemaError(
            f"'{name}' is missing: the Dataset has {sorted(map(str, ds.data_vars))}. Of a closure 'anisotropy' and "
            f"'k_corrected' are expected, or '{REMAINDER}'."
        )
    return ds[name].transpose("cell", *(dim for dim in ("i", "j") if dim in ds[name].dims)).values.astype(np.float64)
