"""
A reference flow, its forces, and how far the grid is from mattering
====================================================================

**Question.** What does the reference solver give, and how large is its error?

**You will see** two bodies solved side by side, drag and lift from two independent formulas, the length of
the eddies behind a circle, and the order at which the drag settles when cells get smaller.

**When not to use this.** It solves plane, laminar, weakly compressible flow around bodies at rest. Above a
Reynolds number of about 45 a wake sheds vortices, and no steady flow is there to be found.
"""

# %%
# A circle of 1 m and an airfoil at 15°, in a stream of 8 m x 4 m between planes of symmetry. By similarity the
# metres may stand for anything: what counts is the Reynolds number of the frontal height.
import math

import matplotlib.pyplot as plt
import numpy as np
import torch

from geodl.flow import Airfoil, Circle, Grid, LatticeBoltzmann, control_volume_forces, flow_dataset, flow_map

torch.set_num_threads(1)
bodies = {"circle": Circle((2.5, 2.0), 0.5), "airfoil": Airfoil("2424", 1.8, (2.5, 2.0), angle=math.radians(-15))}


def solved(cells, start=None):
    """Steady flows at Re 20 on a grid so many cells high, begun from those on half as many."""
    grid = Grid.parse(f"{2 * cells}x{cells}", height=4.0)
    solver = LatticeBoltzmann(list(bodies.values()), grid, reynolds=20.0, dtype=torch.float64)
    if start:
        solver.start(*(field.repeat_interleave(2, 1).repeat_interleave(2, 2) for field in (start.u, start.v, start.p)))
    return grid, solver.run(tolerance=1e-6)


# %%
# The solver adds up what the populations hand to the wall. A balance of momentum over three boxes in the
# fluid knows nothing of the wall, and finds the same. A circle has no lift.
flows, start = {}, None
for cells in (24, 48, 96, 192):
    grid, flows[cells] = solved(cells, start)
    start = flows[cells]
sdf = torch.stack([body.distance(grid.centres()) for body in bodies.values()])
boxes = control_volume_forces((start.u, start.v, start.p), sdf, reynolds=20 * torch.ones(2), spacing=grid.spacing)
for i, name in enumerate(bodies):
    for force in ("drag", "lift"):
        wall, box = getattr(start, force)[i], getattr(boxes, force)[i]
        print(f"{name:8s} {force} {wall:z.4f} at the wall, {box.mean():z.4f} ± {box.std():.4f} by boxes")

# %%
# Three grids, each twice as fine as the one before, tell the order of the error without a known answer, and
# the drag on infinitely small cells (Richardson 1911). With six cells across the circle nothing can be told.
first, coarse, middle, fine = (float(flow.drag[0]) for flow in flows.values())
order = math.log2(abs(coarse - middle) / abs(middle - fine))
limit = fine + (fine - middle) / (2**order - 1)
print(f"drag of the circle {coarse:.5f}, {middle:.5f}, {fine:.5f}: order {order:.2f}, limit {limit:.5f}")

# %%
# Behind the circle the fluid runs back towards it, over a length that is counted in diameters.
x = grid.x[grid.x > 3.0] - 3.0
wake = start.u[0, 95:97].mean(0).numpy()[grid.x > 3.0]
length = np.interp(0, wake[wake.argmin() :], x[wake.argmin() :])
print(f"the eddies are {length:.3f} diameters long")

figure, axes = plt.subplots(2, 2, figsize=(11, 6.5), layout="constrained")
fields = {"u": start.u.numpy(), "v": start.v.numpy(), "p": start.p.numpy(), "sdf": sdf.numpy()}
ds = flow_dataset(fields, grid, attrs={"title": "two bodies, Re 20"})
flow_map(axes[0, 0], ds.isel(sample=0), "streamlines")
flow_map(axes[0, 1], ds.isel(sample=1), "speed")
axes[1, 0].plot(x, wake)
axes[1, 0].axvline(length, color="0.5", lw=0.8, ls=":")
axes[1, 0].set(xlabel="distance behind the circle [m]", ylabel="u / inflow speed on the axis [1]")
size = np.linspace(0, 1 / 6)
axes[1, 1].plot(size, limit + (fine - limit) * (48 * size) ** order, color="0.5", lw=0.8)
axes[1, 1].plot([4 / cells for cells in flows], [first, coarse, middle, fine], "o")
axes[1, 1].set(xlabel="size of a cell / diameter [1]", ylabel="drag coefficient of the circle [1]")
plt.show()
