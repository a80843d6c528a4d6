"""A family of the tests' own: the mass flux of an ideal gas, in closed form, built without touching the library."""

import functools
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from geodl.core.contract import Family
from geodl.core.mlp import mlp
from geodl.core.schema import Axis, Schema, Variable
from geodl.train.baselines import mean, polynomial

GAS_CONSTANT = 287.0  # J kg-1 K-1
COMPONENT = Axis("component", ("east", "north", "up"), about="component of a vector")
INPUTS = (
    Variable("temperature", "K", "air temperature", low=0.0),
    Variable("pressure", "Pa", "air pressure", low=0.0, scale="log"),
    Variable("wind", "m s-1", "wind", dims=("component",), scale="isotropic"),
)
OUTPUTS = (
    Variable("density", "kg m-3", "air density", low=0.0),
    Variable("flux", "kg m-2 s-1", "mass flux", dims=("component",), scale="isotropic"),
)


class ToyNetwork(nn.Module):
    """One hidden layer on all five numbers side by side."""

    def __init__(self, width: int):
        super().__init__()
        self.dense = mlp([5, width, 4])

    def forward(self, temperature: Tensor, pressure: Tensor, wind: Tensor) -> tuple[Tensor, Tensor]:
        values = self.dense(torch.cat([temperature[:, None], pressure[:, None], wind], dim=1))
        return values[:, 0], values[:, 1:]


def dataset(cases: int = 24, times: int = 16, seed: int = 0) -> xr.Dataset:
    """Random gases along ``case`` and ``time``, with density p / (R T) and flux density times wind, in schema units."""
    random = np.random.default_rng(seed)
    shape = (cases, times)
    temperature, pressure = random.uniform(230, 310, shape), np.exp(random.uniform(np.log(2e4), np.log(1e5), shape))
    wind = random.normal(0, 8, (*shape, 3))
    density = pressure / (GAS_CONSTANT * temperature)
    values = dict(zip((v.name for v in (*INPUTS, *OUTPUTS)), (temperature, pressure, wind, density, None), strict=True))
    values["flux"] = density[..., None] * wind
    arrays = {v.name: (("case", "time", *v.dims), values[v.name], {"units": v.units}) for v in (*INPUTS, *OUTPUTS)}
    coords = {"case": np.arange(cases), "time": np.arange(times) * 60.0, "component": list(COMPONENT.labels)}
    return xr.Dataset(arrays, coords, {"title": "ideal gas", "license": "CC0-1.0"})


def family(**options: Any) -> Family:
    """The toy family; its only option is the width of the network."""
    width = options.get("width", 8)
    return Family(
        name="toy",
        about="mass flux of an ideal gas",
        options={"width": width},
        schema=Schema(INPUTS, OUTPUTS, (COMPONENT,)),
        build=functools.partial(ToyNetwork, width),
        group="case",
        baselines={"mean": mean(), "linear": polynomial(1), "quadratic": polynomial(2)},
        example=functools.partial(dataset, 24, 16),
        settings={"epochs": 30, "batch_size": 32, "learning_rate": 1e-2},
        citations=("Clapeyron 1834, J. Ec. polytech. 14, 153",),
    )
