"""Small made-up flows with a known closure, for tests and first steps: no substitute for data."""

import numpy as np
import torch
import xarray as xr

from geodl.turbulence.datasets.layout import flow_dataset, join
from geodl.turbulence.physics.anisotropy import reynolds_stress
from geodl.turbulence.physics.eddy_viscosity import quadratic_eddy_viscosity
from geodl.turbulence.physics.mean_flow import BETA_STAR
from geodl.turbulence.physics.realizability import realizable
from geodl.turbulence.physics.velocity_gradient import deviator, rotation_rate, strain_rate

NU = 1e-3  # m2 s-1


def example(seed: int, flows: int = 12, cells: int = 100) -> xr.Dataset:
    """Random incompressible mean flows whose stress is a quadratic eddy viscosity with a k of its own."""
    random = np.random.default_rng(seed)
    return join([_flow(f"made-up-{number}", cells, random) for number in range(flows)])


def _flow(name: str, cells: int, random: np.random.Generator) -> xr.Dataset:
    gradient = deviator(torch.from_numpy(random.normal(size=(cells, 3, 3)))) * random.uniform(0.5, 2.0)
    k = torch.from_numpy(random.uniform(0.05, 0.5, cells))
    omega = torch.from_numpy(random.uniform(5.0, 20.0, cells))
    time = (1 / (BETA_STAR * omega))[:, None, None]
    b = realizable(quadratic_eddy_viscosity(strain_rate(gradient) * time, rotation_rate(gradient) * time, "strained"))
    ratio = 0.5 + strain_rate(gradient).flatten(1).norm(dim=1) / (strain_rate(gradient).flatten(1).norm(dim=1) + omega)
    variables: dict[str, np.ndarray | float] = {
        "velocity": random.normal(size=(cells, 3)),
        "velocity_gradient": gradient.numpy(),
        "k": k.numpy(),
        "omega": omega.numpy(),
        "nu": NU,
        "wall_distance": random.uniform(0.01, 1.0, cells),
        "k_gradient": random.normal(scale=0.3, size=(cells, 3)),
        "pressure_gradient": random.normal(scale=0.3, size=(cells, 3)),
        "velocity_gradient_truth": gradient.numpy(),
        "reynolds_stress": reynolds_stress(b, k * ratio).numpy(),
    }
    attrs = {"title": "made-up flows", "license": "CC0-1.0"}
    return flow_dataset(name, variables, unit_system="1 m, 1 m/s", attrs=attrs)
