"""
One variable of three: Lorenz-63 from x alone
=============================================

**Question.** Can a forecast model be learned when two of the three variables are never seen?

**You will see** an augmented state of one observed and two latent components, a bilinear field
fitted by multiple shooting, its start inferred from a window that no training has seen, and
the forecast with its error.

**When not to use this.** With noise on x the fit needs longer series, and a smoother
(``geodl.dynamics.EnsembleSmoother``) for the start.
"""

# %%
# Training data: one series of x, 2500 points. The latent components begin as filtered
# memories of the past; windows of 16 intervals, then longer ones, are fitted by Gauss-Newton.
import time

import matplotlib.pyplot as plt
import numpy as np
import torch

from geodl.dynamics import fit_partial, forecast_partial
from geodl.dynamics.dataset import lorenz63_dataset
from geodl.dynamics.identification.shooting import series_of

torch.set_num_threads(1)
dt, seen, ahead = 0.01, 100, 700
series = lorenz63_dataset(trajectories=1, points=2500, dt=dt, seed=3)[["x"]].to_dataarray("component")
begin = time.perf_counter()
model = fit_partial(series, 3, window=32)
print(f"fitted in {time.perf_counter() - begin:.0f} s, misfit {model.misfit:.1e} of the assumed noise")

# %%
# Unseen series: the state at the start of each is inferred from 101 values of x.
unseen = lorenz63_dataset(trajectories=12, points=seen + ahead + 1, dt=dt, seed=77)
x = series_of(unseen[["x"]].to_dataarray("component"))
forecast = forecast_partial(model, x[: seen + 1], ahead)[..., 0]
error = (forecast - x[seen:, :, 0]).abs()
for lead in (1, 4, 100):
    print(f"error of x after {lead * dt:4.2f} units: {error[lead].square().mean().sqrt():.1e}")

# %%
# The first forecast, and how the errors of all grow with the leading Lyapunov exponent.
times = dt * np.arange(ahead + 1)
figure, (above, below) = plt.subplots(2, 1, figsize=(7, 5), sharex=True, layout="constrained")
above.plot(dt * np.arange(-seen, 1), x[: seen + 1, 0, 0], color="0.4", label="seen")
above.plot(times, x[seen:, 0, 0], color="k", lw=1, label="truth")
above.plot(times, forecast[:, 0], color="C0", ls="--", label="forecast")
above.set(xlabel="time since the last value seen [1]", ylabel="x [1]")
above.legend(frameon=False, ncols=3)
below.semilogy(times, error, color="C0", lw=0.5, alpha=0.6)
below.semilogy(times, error[1].median() * np.exp(0.9056 * times), color="k", ls=":", label="$e^{0.906 t}$")
below.set(xlabel="time since the last value seen [1]", ylabel="error of x [1]")
below.legend(frameon=False)
plt.show()
