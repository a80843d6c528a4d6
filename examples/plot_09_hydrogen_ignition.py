"""
An emulator of hydrogen that keeps every atom
=============================================

**Question.** What becomes of a network that takes the place of a stiff solver, step after step after step?

**You will see** a small emulator trained on states that come with the library, ignitions that it has never seen
beside those of Cantera, atoms that are all still there in the end, and what it says of a cell it does not know.

**When not to use this.** Seconds of training are for learning how it works, in a narrow range of temperature
and pressure. For more, make data with ``geodl data chemistry``, and let the solver have the cells that are flagged.
"""

# %%
# Hydrogen in air, 1000 to 1400 K at the start, 1 to 2 atm: states along ignitions and beside them, and each of them
# a time step of 0.1 to 10 µs later. The file holds what the emulator must know of the mechanism.
import json

import matplotlib.pyplot as plt
import numpy as np
import torch

import geodl
from geodl.chemistry import Cells, EmulatedChemistry, ignition_delay, roll_out
from geodl.chemistry.state import STATUS

torch.set_num_threads(1)
states = geodl.open_sample("chemistry-h2/train")
parts = geodl.split(states, by="trajectory", fractions=(0.86, 0.07, 0.07), seed=0)

# %%
# The network tells rates and targets of all species; elements and temperature are not left to it.
family = geodl.family("chemistry", mechanism=json.loads(states.attrs["mechanism_record"]), hidden=(96, 96))
settings = {**family.settings, "epochs": 24, "batch_size": 256, "learning_rate": 0.01, "validate_every": 3}
surrogate = geodl.fit(family, parts.train, parts.valid, config=geodl.FitConfig.parse(settings), seed=0)

# %%
# From fresh gas without a radical, every answer is the next question for 0.6 ms, in steps of any length. One of the
# mixtures must not ignite within that time.
truth = geodl.open_sample("chemistry-h2/ignition")
begin = truth.isel(time=0).astype(float)
start = Cells(*(begin[name].values for name in ("temperature", "pressure", "mass_fraction")))
emulator = EmulatedChemistry(surrogate)
runs = {dt: roll_out(emulator, start, dt * 1e-6, round(600 / dt)) for dt in (1, 2, 5)}
expected = ignition_delay(truth.time.values, truth.temperature.values.T)
for dt, run in runs.items():
    off = ignition_delay(run.time, run.temperature) / expected - 1
    held = np.abs(run.temperature - run.temperature[0]).max(0)[np.isnan(expected)]
    print(f"steps of {dt} µs: delay off by {np.nanmedian(abs(off)):.2%}, at most {np.nanmax(abs(off)):.2%}; ", end="")
    print(f"what does not ignite moves by {held.max():.2f} K")

# %%
# O and H are counted at every step: what is off is rounding, and no mass fraction is negative.
# Cells unlike the training data are flagged: `GuardedChemistry` hands these, and only these, to Cantera.
mechanism, run = emulator.mechanism, runs[1]
atoms = run.mass_fraction @ mechanism.element_matrix[:2].T  # kmol of O and of H per kg
drift = np.abs(atoms / atoms[0] - 1).max((1, 2))
print(f"elements off by {drift.max():.0e}, least mass fraction {run.mass_fraction.min():.0e}")
pressures = 101325 * np.array([1.5, 10.0, 40.0])
status = emulator.advance(1200.0, pressures, start.mass_fraction[[1, 1, 1]], 1e-6).status
print(dict(zip(("1.5 atm", "10 atm", "40 atm"), (STATUS[word] for word in status), strict=True)))

# Lines are Cantera, dots the emulator in steps of 5 µs.
figure, axes = plt.subplots(2, 2, figsize=(11, 7), layout="constrained")
oh, labels = mechanism.index("OH"), ("temperature [K]", "mass fraction of OH [1]")
curves = (truth.temperature, runs[5].temperature), (truth.mass_fraction[..., oh], runs[5].mass_fraction[..., oh])
for axis, label, (reference, found) in zip(axes[0], labels, curves, strict=True):
    axis.plot(truth.time * 1e6, reference.T, color="0.4", lw=1)
    axis.plot(runs[5].time * 1e6, found, ".", ms=4)
    axis.set(xlim=(0, 400), xlabel="time [µs]", ylabel=label)
for dt, each in runs.items():
    off = 100 * (ignition_delay(each.time, each.temperature) / expected - 1)
    axes[1, 0].plot(start.temperature, off, "o", label=f"steps of {dt} µs")
axes[1, 0].axhline(0, color="0.5", lw=0.8)
axes[1, 0].set(xlabel="initial temperature [K]", ylabel="error of the ignition delay [%]")
axes[1, 0].legend(frameon=False)
axes[1, 1].plot(run.time[:, 0] * 1e6, drift)
axes[1, 1].set(xlabel="time [µs]", ylabel="largest change of O and H [1]")
plt.show()
