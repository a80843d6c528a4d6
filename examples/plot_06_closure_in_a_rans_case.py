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
from geodl.turbulence import barycentric_colour, channel_flow, complete, read_openfoam, write_openfoam

flow, case = channel_flow(395, cells=160), Path(tempfile.mkdtemp()) / "channel"
n, levels = flow.sizes["cell"], np.append(0, np.cumsum(flow.volume))
faces = [  # patch, corners, cells
    ("", (4, 7, 6, 5), range(n - 1)),
    ("wall { type wall;", (0, 1, 2, 3), range(1)),
    ("centre { type symmetryPlane;", (4, 7, 6, 5), range(n - 1, n)),
    ("left { type cyclic; neighbourPatch right;", (0, 3, 7, 4), range(n)),
    ("right { type cyclic; neighbourPatch left;", (1, 5, 6, 2), range(n)),
    ("back { type empty;", (0, 4, 5, 1), range(n)),
    ("front { type empty;", (3, 2, 6, 7), range(n)),
]


def put(name, lines, before="", after=""):
    body = "\n".join(map(str, lines := list(lines)))
    (case / name).parent.mkdir(parents=True, exist_ok=True)
    (case / name).write_text(f"{before}{len(lines)}\n(\n{body}\n){after}")


def put_field(name, dimensions, kind, values, wall):
    before = f"dimensions [{dimensions} 0 0 0 0]; internalField nonuniform List<{kind}> "
    put(f"100/{name}", values, before, f"; boundaryField {{ wall {{ type fixedValue; value uniform {wall}; }} }}")


sizes = [len(cells) for *_, cells in faces]
patches = (f"{faces[i][0]} nFaces {sizes[i]}; startFace {sum(sizes[:i])}; }}" for i in range(1, 7))
put("constant/polyMesh/points", (f"({x} {y} {z})" for y in levels for x, z in ((0, 0), (1, 0), (1, 1), (0, 1))))
put("constant/polyMesh/faces", (f"4{tuple(4 * c + p for p in at)}".replace(",", "") for _, at, cs in faces for c in cs))
put("constant/polyMesh/owner", (c for *_, cells in faces for c in cells))
put("constant/polyMesh/neighbour", range(1, n))
put("constant/polyMesh/boundary", patches)
(case / "constant/transportProperties").write_text("nu 1;")
put_field("U", "0 1 -1", "vector", (f"({u} 0 0)" for u in flow.velocity.values[:, 0]), "(0 0 0)")
put_field("p", "0 2 -2", "scalar", np.zeros(n), 0)
put_field("k", "0 2 -2", "scalar", flow.k.values, 0)
put_field("omega", "0 0 -1", "scalar", flow.omega.values, flow.omega.values[0])

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
