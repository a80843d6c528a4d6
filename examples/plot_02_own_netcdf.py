"""
Your own NetCDF file, with your names and your units
====================================================

**Question.** How does a series with other names, units and dates become a surrogate?
**You will see** a file as a solver or an instrument writes it, a check that refuses what does not fit, units converted,
and a forecast in the names of the file.
**When not to use this.** With a series this smooth, look at the polynomial baseline before you ship a network.
"""

# %%
# A file as it may come: three members of a box model of the ocean, hourly, with dates, in Celsius and grams.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import geodl
from geodl.errors import GeodlError


def box_model(members: int = 24, hours: int = 160) -> xr.Dataset:
    """Temperature and salinity that turn around each other and relax, from different starts."""
    angle = np.linspace(0, 2 * np.pi, members, endpoint=False)[:, None] + 0.13 * np.arange(hours)
    radius = (1.0 + 0.5 * np.random.default_rng(0).random((members, 1))) * np.exp(-0.004 * np.arange(hours))
    values = {"sst": (12 + 3 * radius * np.cos(angle), "degC"), "sss": (35 + 0.4 * radius * np.sin(angle), "g/kg")}
    return xr.Dataset(
        {name: (("member", "time"), data, {"units": units}) for name, (data, units) in values.items()},
        coords={
            "member": np.arange(members),
            "time": np.datetime64("2024-01-01", "ns") + np.arange(hours) * np.timedelta64(1, "h"),
        },
    )


folder = Path(tempfile.mkdtemp())
box_model().to_netcdf(folder / "my_run.nc")
ds = geodl.open_data(folder / "my_run.nc")
print(ds)

# %%
# Name the state variables with the units that the surrogate shall work in, and the time step. Celsius becomes Kelvin on
# the way in; dates become seconds.
family = geodl.family(
    "dynamics", system="data", state={"sst": "K", "sss": "g kg-1"}, dt=3600.0, time_units="s", field="mlp"
)
parts = geodl.split(ds, by="member", seed=0)

# %%
# What does not fit is refused, with what to do next.
for wrong in (ds.rename(sst="sst_skin"), ds.assign(sss=ds.sss.assign_attrs(units="m")), ds.isel(time=[0, 1, 4, 5])):
    try:
        geodl.fit(family, wrong, wrong)
    except GeodlError as error:
        print(f"{type(error).__name__}: {error}\n")

# %%
# Train, and look at the scores beside the baselines.
config = geodl.FitConfig.parse({**family.settings, "epochs": 4})
surrogate = geodl.fit(family, parts.train, parts.valid, config=config, seed=0)
scores = geodl.evaluate(surrogate, parts.test)
for name in scores.model.values:
    print(f"{name:12s} RMSE of sst after 8 h: {float(scores.rmse_sst.sel(model=name)[-1]):.2e} K")

# %%
# Predict from the last hour of a test member: eight hours ahead, with 90 % intervals, written as NetCDF.
prediction = surrogate(parts.test.isel(member=0, time=[40]))
prediction.to_netcdf(folder / "forecast.nc")
truth = parts.test.isel(member=0, time=slice(41, 49))
figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
hours = prediction.lead / 3600
axis.fill_between(hours, prediction.sst_low[0], prediction.sst_high[0], alpha=0.3, label="90 % interval")
axis.plot(hours, prediction.sst[0], label="surrogate")
axis.plot(hours, truth.sst + 273.15, "k.", label="truth")
axis.set(xlabel="lead time [h]", ylabel="sea surface temperature [K]")
axis.legend(frameon=False)
plt.show()
