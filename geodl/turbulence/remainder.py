"""What an implicit eddy viscosity leaves of the true stress, for solvers that keep such a viscosity."""

import numpy as np
import torch
import xarray as xr

from geodl.turbulence.physics.velocity_gradient import deviator, strain_rate


def with_remainder(ds: xr.Dataset) -> xr.Dataset:
    """Adds ``anisotropy_remainder`` b + (k/ω) S/k_true, S that of ``velocity_gradient_truth``, where that is there.

    With tau = 2 k_true (b + I/3) the solver's stress −2 (k/ω) S + 2 k_true · remainder is the true one, less its
    isotropic part, as soon as its velocity is the true one.

    Source: Schmelzer, Dwight & Cinnella 2020, Flow Turbul. Combust. 104, 579 (k-corrective-frozen-RANS).
    """
    if not {"velocity_gradient_truth", "anisotropy"} <= set(ds.variables):
        return ds
    gradient = ds["velocity_gradient_truth"].transpose(..., "i", "j")
    strain = deviator(strain_rate(torch.from_numpy(gradient.values))).numpy()
    time = ds["k"] / ds["omega"] / ds["k_corrected"]
    remainder = ds["anisotropy"] + time * xr.DataArray(strain, gradient.coords, gradient.dims)
    words = {"units": "1", "long_name": "reference anisotropy plus k/omega S/k_true"}
    return ds.assign(anisotropy_remainder=remainder.astype(np.result_type(strain)).assign_attrs(words))
