"""
Your own NetCDF file, with your names and your units
====================================================

**Question.** How does a series with other names, units and dates become a surrogate?

**You will see** a file as a solver or an instrument writes it, checks that refuse what
does not fit, units converted, and a forecast in the names of the file.

**When not to use this.** Where a polynomial map is as good, ship the polynomial map.
"""

# %%
# A file as it may come: members of a box model with a self-sustained oscillation, hourly,
# with dates, in Celsius and grams per kilogram.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from scipy.integrate import solve_ivp

import geodl
from geodl.errors import GeodlError


def rate(_, u):
    """Anomalies that drive each other: a van der Pol oscillator."""
    return [u[1], (1 - u[0] ** 2) * u[1] - u[0]]


starts, times = np.random.default_rng(0).uniform(-2, 2, (24, 2)), 0.2 * np.arange(100)
runs = np.stack([solve_ivp(rate, (0, 20), u, t_eval=times, rtol=1e-9).y for u in starts])
time = np.datetime64("2024-01-01", "ns") + np.arange(100) * np.timedelta64(1, "h")
folder = Path(tempfile.mkdtemp())
sst = ("member", "time"), 12 + 3 * runs[:, 0], {"units": "degC"}
sss = ("member", "time"), 35 + 0.4 * runs[:, 1], {"units": "g/kg"}
xr.Dataset({"sst": sst, "sss": sss}, coords={"time": time}).to_netcdf(folder / "my_run.nc")
ds = geodl.open_data(folder / "my_run.nc")
print(ds)

# %%
# Name the state variables, the units that the surrogate shall work in, and the time step.
# Celsius becomes Kelvin on the way in; dates become seconds.
state = {"sst": "K", "sss": "g kg-1"}
options = {"system": "data", "state": state, "dt": 3600.0, "time_units": "s"}
family = geodl.family("dynamics", field="mlp", **options)
parts = geodl.split(ds, by="member", seed=0)

# %%
# What does not fit is refused, with what to do next.
metres = ds.assign(sss=ds.sss.assign_attrs(units="m"))
for wrong in (ds.rename(sst="sst_skin"), metres, ds.isel(time=[0, 1, 4, 5, *range(6, 20)])):
    try:
        geodl.fit(family, wrong, wrong)
    except GeodlError as error:
        print(f"{type(error).__name__}: {error}\n")

# %%
# Train for a short while, and look at the scores beside the baselines.
config = geodl.FitConfig.parse({**family.settings, "epochs": 6})
surrogate = geodl.fit(family, parts.train, parts.valid, config=config, seed=0)
scores = geodl.evaluate(surrogate, parts.test)
for name, error in zip(scores.model.values, scores.rmse_sst[:, -1].values, strict=True):
    print(f"{name:12s} RMSE of sst after 8 h: {error:.1e} K")

# %%
# Predict from one hour of a test member: eight hours ahead, with 90 % intervals.
prediction = surrogate(parts.test.isel(member=0, time=[40]))
truth = parts.test.isel(member=0, time=slice(41, 49)).sst + 273.15
lead, low, high = prediction.lead / 3600, prediction.sst_low[0], prediction.sst_high[0]
figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
axis.fill_between(lead, low, high, alpha=0.3, label="90 % interval")
axis.plot(lead, prediction.sst[0], label="surrogate")
axis.plot(lead, truth, "k.", label="truth")
axis.set(xlabel="lead time [h]", ylabel="sea surface temperature [K]")
axis.legend(frameon=False)
plt.show()
