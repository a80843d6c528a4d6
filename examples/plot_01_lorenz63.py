"""
Lorenz-63, from a NetCDF file to a surrogate that knows its limits
==================================================================

**Question.** Can the equations of a chaotic system be learned from 4000 points?

**You will see** the whole road: read, split, train, compare with baselines, save,
reload, predict.

**When not to use this.** Here the equations are known and quadratic, and a polynomial
map does better than any network. The case is a test of the road; what is worth
learning is what you cannot write down.
"""

# %%
# Read a sample that comes with the library. Its variables carry units, and its checksum
# is verified.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import geodl
from geodl.dynamics.forecast import forecast

ds = geodl.open_sample("lorenz63/dt001")
print(ds)

# %%
# A family is a function of its options, which fix the schema: the state now goes in, the
# states at the next eight lead times come out. Whole trajectories go to one part, so that
# nothing leaks.
family = geodl.family("dynamics", field="bilinear")
parts = geodl.split(ds, by="trajectory", seed=0)

# %%
# Train. The same seed gives the same bits.
surrogate = geodl.fit(family, parts.train, parts.valid, seed=0)

# %%
# Measure on trajectories that were never seen. The polynomial map of degree 6 comes
# first, as it should.
scores = geodl.evaluate(surrogate, parts.test)
print("model         RMSE of x after 0.01   valid prediction time, Lyapunov times")
for name in ("polynomial", "surrogate", "linear", "persistence"):
    one = scores.sel(model=name)
    print(f"{name:12s} {one.rmse_x[0]:21.1e} {one.valid_prediction_time.median():22.1f}")

# %%
# Save, reload, predict. A prediction carries an interval, a flag for every sample, units,
# and the hash of the model.
with tempfile.TemporaryDirectory() as folder:
    surrogate.save(Path(folder) / "lorenz63.safetensors")
    again = geodl.load(Path(folder) / "lorenz63.safetensors")
prediction = again(parts.test)
print(prediction)

# %%
# A state far from the attractor is flagged, not silently answered.
strange = parts.test.isel(trajectory=[0], time=[0]).copy(deep=True)
strange["z"][:] = 200.0
print("trusted:", bool(again(strange).in_domain))

# %%
# A long forecast follows the truth for about eighteen Lyapunov times, and stays on the
# attractor after that.
longer = forecast(again, parts.test.isel(time=0), steps=4000)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.plot(longer.x[0], longer.z[0], lw=0.3)
left.set(xlabel="x [1]", ylabel="z [1]", title="attractor of the surrogate")
for name, style in (("surrogate", "-"), ("polynomial", "--"), ("linear", ":")):
    times = np.sort(scores.valid_prediction_time.sel(model=name))
    right.plot(times, np.linspace(0, 1, len(times)), style, label=name)
right.set(xlabel="valid prediction time [Lyapunov times]", ylabel="share of starts [1]")
right.legend(frameon=False)
plt.show()
