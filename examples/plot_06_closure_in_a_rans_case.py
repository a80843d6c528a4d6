"""
A learned closure in a RANS case
================================

**Question.** How does an OpenFOAM case get a learned Reynolds stress, and where is it trusted?

**You will see** a case read and written without OpenFOAM, flags, and independence of the frame.

**When not to use this.** The pretrained closure has learned from hills, a step and ducts at low
Reynolds numbers, resolved to the wall. Where ``in_domain`` is false, keep the RANS.
"""

# %%
# A stand-in for your case: a channel, one column of cells, in the files that OpenFOAM reads.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import geodl
from geodl.turbulence import barycentric_colour, channel_flow, complete, read_openfoam, write_column, write_openfoam

case = write_column(Path(tempfile.mkdtemp()) / "channel", channel_flow(395, cells=160))

# %%
# Fields in, stresses out. The farther a flow is from the training data, the less is trusted.
closure = geodl.load("turbulence-anisotropy")
print(*(path.name for path in write_openfoam(case, closure(read_openfoam(case)))))
for re_tau in (180, 2000, 10000):
    print(f"Re_tau {re_tau}: {float(closure(channel_flow(re_tau)).in_domain.mean()):.0%} of the cells in the domain")

# %%
# A hill and its copy, computed on a rotated mesh: the prediction turns with the flow. Hills
# of this shape were trained on, by other computations; nothing is proved by the likeness.
hill, rotated = (geodl.open_sample(f"turbulence-rotated-hill/{name}") for name in ("original", "rotated"))
b, turned, q = closure(hill).anisotropy.values, closure(rotated).anisotropy.values, rotated.change_of_axes.values
print(f"from Q b Q^T: {np.abs(turned - q @ b @ q.T).max():.0e}; least eigenvalue: {np.linalg.eigvalsh(b).min():.4f}")
figure, axes = plt.subplots(2, 1, figsize=(8, 6), layout="constrained")
for axis, name, tensor in zip(axes, ("DNS", "closure"), (complete(hill).anisotropy.values, b), strict=True):
    axis.scatter(hill.position[:, 0], hill.position[:, 1], s=14, c=barycentric_colour(torch.from_numpy(tensor)))
    axis.set(xlabel="x [m]", ylabel="y [m]", title=f"{name}: red one component, green two, blue three")
plt.show()
