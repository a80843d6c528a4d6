"""
Boxes of air through days and nights
====================================

**Question.** What do a stiff solver, a cheap solver and an emulator make of the same air, hour after hour?

**You will see** ozone, nitrogen dioxide and the hydroxyl radical over two days by MICM, beside backward Euler and the
emulator that comes with the library, what each step costs, and families of species that nothing makes or uses up.

**When not to use this.** It needs MUSICA: ``pip install 'geodl[atmosphere]'``. The emulator knows the air of its
training data and says which boxes it does not know: look at ``status``.
"""

# %%
# Carbon Bond 5: 67 species that stand for many molecules, so that no element is conserved. What is conserved are the
# null vectors of the stoichiometric matrix, in whole numbers.
import matplotlib.pyplot as plt
import numpy as np
import torch

import geodl
from geodl.chemistry import MicmChemistry
from geodl.chemistry.atmosphere.air_emulator import EmulatedAir
from geodl.chemistry.atmosphere.box import daylight, roll_out, steps
from geodl.chemistry.atmosphere.error_versus_cost import SPECIES, error_versus_cost
from geodl.chemistry.atmosphere.plan import Plan, draw_boxes

torch.set_num_threads(1)
reference = MicmChemistry("carbon_bond_5", rtol=1e-5, atol=1e-16)
print(*(f"{name}: {members}" for name, members in reference.mechanism.families.items()), sep="\n")

# %%
# Boxes with light from six to eighteen o'clock, emissions, and mixing with the air around, drawn from another seed than
# those that the emulator has learned from.
boxes = draw_boxes(Plan(seed=5), reference.mechanism, range(64))
chemistries = {
    "Rosenbrock default": MicmChemistry("carbon_bond_5"),
    "backward Euler": MicmChemistry("carbon_bond_5", solver="backward_euler"),
    "emulator": EmulatedAir(geodl.load("chemistry-cb5"), mechanism=reference.mechanism),
}

# %%
# All go their own way for a day, in steps of 300 s. The cost is that of one cell and step on one thread.
table = error_versus_cost(boxes, chemistries, reference=reference)
for name in table.chemistry.values[1:]:
    one = table.sel(chemistry=name)
    errors = ", ".join(f"{species} {error:.1e}" for species, error in zip(SPECIES, one["median"].values, strict=True))
    print(f"{name:18s} {float(one.cost):6.1f} µs, median errors {errors}")

# %%
# In every step of the emulator the families change by what is emitted, and by nothing else.
rows, off = reference.mechanism.family_matrix.T, []
for step in steps(chemistries["emulator"], boxes, number=48):
    off.append(np.abs(step.after @ rows / ((step.before + 300 * boxes.emission) @ rows) - 1).max())
print(f"families off by {max(off):.0e} in a step")

# %%
# Lines are the reference, dashes backward Euler, dots the emulator, for three boxes from their second hour on.
few = boxes.part(slice(3))
runs = {name: roll_out(each, few, days=2) for name, each in chemistries.items() if name != "Rosenbrock default"}
runs["reference"] = roll_out(reference, few, days=2)
figure, axes = plt.subplots(2, 2, figsize=(11, 7), layout="constrained")
axes[0, 0].plot(runs["reference"].time / 3600, daylight(runs["reference"].time))
axes[0, 0].set(xlabel="time since midnight [h]", ylabel="daylight [1]")
for axis, species in zip(axes.flat[1:], ("O3", "NO2", "OH"), strict=True):
    for name, style in (("reference", "-"), ("backward Euler", "--"), ("emulator", ".")):
        axis.set_prop_cycle(None)
        run = runs[name].isel(time=slice(1, None))
        axis.plot(run.time / 3600, run.concentration.sel(species=species) * 1e9, style, lw=1, ms=4)
    axis.set(xlabel="time since midnight [h]", ylabel=f"{species} [nmol m$^{{-3}}$]")
plt.show()
