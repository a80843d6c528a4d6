"""
A surrogate of flows that keeps mass and walls
==============================================

**Question.** What does a network that imitates a flow solver keep, however little it has learned?

**You will see** a network trained on a few flows that come with the library, what holds exactly all the same,
scores beside two classical models; then the pretrained surrogate, drag with its interval, and flags.

**When not to use this.** Some twenty flows are far too few: here a regression between principal components is
better than the network. Begin with the pretrained one, or with hundreds of flows of your own.
"""

# %%
# Steady flows around bodies of seven kinds on 128 x 64 cells, computed by the reference solver. Each is described
# by the distance of every cell to the wall, and by its Reynolds number.
import matplotlib.pyplot as plt
import torch
import xarray as xr

import geodl
from geodl.flow import Circle, Grid, Rounded, Union, flow_map, regular_polygon, signed_distance

torch.set_num_threads(1)
flows = geodl.open_sample("flow-obstacles/primitives")
parts = geodl.split(flows, by="sample", fractions=(0.6, 0.26, 0.14), seed=0)
print(flows)

# %%
# One small network instead of an ensemble. It predicts a stream function, which is blended to a constant at the
# wall: whatever it has learned, no fluid is lost, and none moves in the body.
family = geodl.family("flow", members=1, widths=(8, 16, 24))
config = geodl.FitConfig.parse({**family.settings, "epochs": 30, "batch_size": 8, "learning_rate": 0.01})
surrogate = geodl.fit(family, parts.train, parts.valid, config=config, seed=0)
scores = geodl.evaluate(surrogate, parts.test).sel(statistic="largest")
for model in scores.model.values:
    moved, lost, error = (float(scores[s].sel(model=model)) for s in ("speed_in_body", "divergence", "velocity_error"))
    print(f"{model:10s} speed in the body {moved:.0e}, divergence {lost:.0e}, largest velocity error {error:.1%}")

# %%
# The pretrained surrogate is an ensemble that has seen hundreds of flows, none of these. Its drag comes twice: from
# the predicted field, by balances of momentum over boxes around the body, and corrected by what it has learned
# about such boxes, with an interval calibrated on validation flows. Where both agree, trust grows.
surrogate = geodl.load("flow-obstacles")
predicted = surrogate(parts.test)
for i, kind in enumerate(parts.test["shape"].values):
    one = {name: float(predicted[name][i]) for name in ("drag", "drag_low", "drag_high", "field_drag")}
    truth = float(parts.test["drag"][i])
    print(f"{kind:16s} Cd {truth:.2f}: {one['drag']:.2f} ({one['drag_low']:.2f} to {one['drag_high']:.2f}), ", end="")
    print(f"from the field {one['field_drag']:.2f}")
vehicles = geodl.open_sample("flow-obstacles/vehicles")
print(f"in the domain: {float(predicted.in_domain.mean()):.0%} of the test bodies, ", end="")
print(f"{float(surrogate(vehicles).in_domain.mean()):.0%} of the vehicles")

# %%
# A body of your own: a shape, or a mask of zeros and ones, becomes a distance. No streamline enters it.
body = Union(Circle((2.4, 2.2), 0.3), Rounded(regular_polygon(3, 0.4, centre=(2.7, 1.8)), 0.1))
grid = Grid.parse("128x64", height=4.0)
own = xr.Dataset(
    {"sdf": (("y", "x"), signed_distance(body, grid), {"units": "m"}), "reynolds": ((), 20.0, {"units": "1"})},
    {"y": ("y", grid.y, {"units": "m"}), "x": ("x", grid.x, {"units": "m"})},
)
figure, axes = plt.subplots(2, 2, figsize=(11, 6.2), layout="constrained")
flow_map(axes[0, 0], parts.test.isel(sample=0))
flow_map(axes[0, 1], predicted.assign(sdf=parts.test.sdf).isel(sample=0))
flow_map(axes[1, 0], surrogate(own).assign(sdf=own.sdf), "streamlines")
axes[1, 1].vlines(parts.test.reynolds, predicted.drag_low, predicted.drag_high, label="90 % interval")
axes[1, 1].plot(parts.test.reynolds, predicted.field_drag, "x", label="from the field")
axes[1, 1].plot(parts.test.reynolds, parts.test.drag, "o", mfc="none", color="black", label="reference")
axes[1, 1].set(xlabel="Reynolds number [1]", ylabel="drag coefficient [1]")
axes[1, 1].legend(frameon=False)
plt.show()
